/** How far behind in time a replica says that it is. */
import { describe, expect, it } from 'vitest';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { LinkLag } from '../../../src/replication/replica/link-lag.js';
import { FakePrimary } from '../../support/fake-primary.js';
import { startFollower } from '../../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const openCluster = clustersOf('map');

function newLag() {
  const world = new VirtualWorld();
  const { clock } = world.seams;
  return { world, lag: new LinkLag(clock), agoMs: (ms: number) => clock.nowMs() - ms };
}

describe('the lag', () => {
  it('is nothing of a replica that has what the primary has', () => {
    const { lag, agoMs } = newLag();
    lag.heard([7n, 3n]);
    lag.applied(agoMs(60_000));
    expect(lag.ms([7n, 3n])).toBe(0);
  });

  it('is the age of the last record while something is missing, and grows', () => {
    const { world, lag, agoMs } = newLag();
    lag.heard([7n, 3n]);
    expect(lag.ms([6n, 3n])).toBeUndefined();
    lag.applied(agoMs(200));
    expect(lag.ms([6n, 3n])).toBe(200);
    world.run(5_000);
    expect(lag.ms([6n, 3n])).toBe(5_200);
  });

  it('is how long records took while they come, and nothing a second after the last', () => {
    const { world, lag, agoMs } = newLag();
    lag.heard([7n]);
    lag.applied(agoMs(40));
    expect(lag.ms([8n])).toBe(40);
    world.run(999);
    expect(lag.ms([8n])).toBe(40);
    world.run(1);
    expect(lag.ms([8n])).toBe(0);
  });

  it('is never negative, whatever the primary’s clock says', () => {
    const { lag, agoMs } = newLag();
    lag.applied(agoMs(-90_000));
    expect(lag.ms([8n])).toBe(0);
    lag.heard([9n]);
    expect(lag.ms([8n])).toBe(0);
  });

  it('forgets what another connection heard', () => {
    const { lag } = newLag();
    lag.heard([900n]);
    lag.restarted();
    expect(lag.ms([1n])).toBe(0);
  });
});

describe('a follower', () => {
  it('lags from a heartbeat on that tells of more than it has, and heeds no list of another length', () => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    const primary = new FakePrimary(transport, (peer) => {
      peer.answer([1n], 'ab'.repeat(16));
      peer.snapshot([1n]);
      peer.batch([2n]);
    });
    const { follower } = startFollower(world, transport);
    world.run(2_000);
    expect(follower.lagMs).toBe(0);
    const [peer] = primary.peers;
    peer!.send(FrameKind.Ack, encodeWatermarks(new Array(1_000).fill(9n)));
    world.run(10);
    expect(follower.lagMs).toBe(0);
    peer!.send(FrameKind.Ack, encodeWatermarks([3n]));
    world.run(10);
    // Its records are of 1970.
    expect(follower.lagMs).toBeGreaterThan(1e12);
    peer!.batch([3n]);
    world.run(10);
    expect(follower.lagMs).toBe(0);
    follower.stop();
  });

  it('shows how late records reach it, 0 when there are none, and nothing while its link is down', async () => {
    // A frame each 50 ms gets through: far fewer than are written.
    const { world, primary, follow } = await openCluster({}, { latencyMs: 50 });
    fill(primary, 0, 100);
    const replica = follow();
    expect(replica.follower.lagMs).toBeUndefined();
    world.runUntil(() => isEqual(primary, replica));
    world.run(10);
    expect(replica.follower.lagMs).toBe(0);
    for (let turn = 1; turn <= 20; turn += 1) {
      fill(primary, turn * 100, (turn + 1) * 100);
      world.run(20);
    }
    expect(replica.follower.lagMs).toBeGreaterThan(300);
    expect(replica.follower.lagMs).toBeLessThan(450);
    world.runUntil(() => isEqual(primary, replica));
    world.run(1_000);
    expect(replica.follower.lagMs).toBe(0);
    await primary.stop();
    world.run(1_000);
    expect(replica.follower.state.name).not.toBe('live');
    expect(replica.follower.lagMs).toBeUndefined();
  });
});
