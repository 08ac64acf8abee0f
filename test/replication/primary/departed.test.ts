/**
 * Replicas that left: those that are listed as gone, for how long, and when no longer (issue: an operator
 * looks for them).
 */
import { describe, expect, it } from 'vitest';
import { decodeForgotten, encodeForget } from '../../../src/frame/forget.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { RawPeer, startFollower } from '../../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';

const HOUR_MS = 3_600_000;
const cluster = clustersOf('map');

/** A primary and a replica that was level with it and has left. */
async function withOneGone() {
  const opened = await cluster();
  const { world, primary, follow } = opened;
  fill(primary, 0, 10);
  const replica = follow();
  world.runUntil(() => isEqual(primary, replica));
  world.run(200);
  const [last] = primary.listener.replicas();
  replica.follower.stop(new Error('the link is cut'));
  world.run(10);
  return { ...opened, replica, last: last! };
}

describe('a replica that left', () => {
  it('is gone, with its address, its history and its last watermarks, and no longer among those connected', async () => {
    const { primary, last } = await withOneGone();
    expect(primary.listener.replicas()).toEqual([]);
    expect(primary.listener.departed()).toEqual([{ ...last, state: 'gone' }]);
    expect(last.history).toBe(primary.history.id);
    expect(last.acknowledged).toEqual(primary.publisher.watermarks());
  });

  it('is not listed when it says that it leaves, and what it held counts to the end', async () => {
    const { world, primary, follow } = await withOneGone();
    const polite = follow();
    world.runUntil(() => isEqual(primary, polite));
    const listed = () => primary.listener.departed().map(({ address }) => address);
    const before = listed();
    const acknowledged: boolean[] = [];
    const all = primary.publisher.watermarks();
    primary.listener.onAck(() => acknowledged.push(primary.listener.acknowledged(all) > 0));
    polite.follower.stop();
    world.run(100);
    expect(primary.listener.replicas()).toEqual([]);
    expect(listed()).toEqual(before);
    expect(acknowledged.at(-1)).toBe(true);
    expect(primary.log.lines.at(-1)).toMatch(/replica \S+ leaves, as it says$/);
  });

  it('is listed for an hour, and by how long it has not been heard of', async () => {
    const { world, primary } = await withOneGone();
    world.run(HOUR_MS - 1_000);
    const [gone] = primary.listener.departed();
    expect(gone?.sinceAckSeconds).toBeGreaterThanOrEqual(3_598);
    expect(gone?.sinceAckSeconds).toBeLessThanOrEqual(3_600);
    world.run(1_000);
    expect(primary.listener.departed()).toEqual([]);
  });

  it.each(['gone', 'its address'])('is listed no longer when a probe asks to forget %s', async (which) => {
    const { world, transport, primary, last } = await withOneGone();
    const probe = RawPeer.connect(world, transport);
    const watermarks = new Array(4).fill(0xffff_ffff_ffff_ffffn);
    probe.connection.write(encodeHelloFrame({ role: 'replica', watermarks }, { margin: new Map() }));
    world.run(10);
    const ask = (asked: string) => {
      probe.connection.write(encodeFrame(FrameKind.Status, encodeForget(asked)));
      world.run(200);
      return decodeForgotten(probe.frames.at(-1)!.payload);
    };
    expect(ask('10.9.9.9:1')).toBe(0);
    expect(primary.listener.departed()).toHaveLength(1);
    expect(ask(which === 'gone' ? which : last.address)).toBe(1);
    expect(primary.listener.departed()).toEqual([]);
    expect(primary.log.lines.at(-1)).toContain(
      `listed no longer, as an operator has asked: replica ${last.address}`,
    );
    expect(ask('gone')).toBe(0);
  });

  it('is no longer gone when it comes back, from whatever port, and the log says after how long', async () => {
    const { world, transport, primary, replica } = await withOneGone();
    fill(primary, 10, 20);
    world.run(5_000);
    const again = startFollower(world, transport, { holding: replica.follower.holding });
    world.runUntil(() => isEqual(primary, again));
    expect(primary.listener.departed()).toEqual([]);
    const [{ address } = { address: '' }] = primary.listener.replicas();
    expect(primary.log.lines.some((line) => /^info replica \S+ is back after 50\d\d ms$/.test(line))).toBe(
      true,
    );
    expect(primary.log.lines.join()).toContain(`replica ${address} is back`);
    again.follower.stop(new Error('the link is cut'));
  });

  it('is still gone when another comes, that holds nothing or stands elsewhere', async () => {
    const { world, transport, primary, follow } = await withOneGone();
    const fresh = follow();
    world.runUntil(() => isEqual(primary, fresh));
    const elsewhere = RawPeer.connect(world, transport);
    const behind = primary.publisher.watermarks().map((own) => own - 1n);
    const margin = new Map([['history', primary.history.id]]);
    elsewhere.connection.write(encodeHelloFrame({ role: 'replica', watermarks: behind }, { margin }));
    world.run(10);
    expect(primary.listener.replicas()).toHaveLength(2);
    expect(primary.listener.departed()).toHaveLength(1);
  });

  it('whose old link is found dead only after it has come back is not gone', async () => {
    const { world, transport, primary, follow } = await cluster();
    const replica = follow();
    world.runUntil(() => isEqual(primary, replica));
    world.run(2_000);
    // Neither side hears the other, and the end of the first connection is not heard of either.
    const { client, server } = transport.pairs[0]!;
    server.stall();
    client.stall();
    const again = startFollower(world, transport, { holding: replica.follower.holding });
    world.run(1_500);
    expect(primary.listener.replicas()).toHaveLength(2);
    replica.follower.stop(new Error('the link is cut'));
    world.run(6_000);
    expect(primary.listener.replicas()).toHaveLength(1);
    expect(primary.listener.departed()).toEqual([]);
    again.follower.stop(new Error('the link is cut'));
    world.run(10);
    expect(primary.listener.departed()).toHaveLength(1);
  });

  it('before it held anything is not listed', async () => {
    const { world, transport, primary } = await cluster({}, { sendBufferBytes: 500 });
    fill(primary, 0, 1_000);
    const peer = RawPeer.connect(world, transport);
    peer.connection.pause();
    peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
    peer.send(FrameKind.Ack, encodeWatermarks([]));
    world.run(100);
    expect(primary.listener.replicas()).toMatchObject([{ state: 'snapshot' }]);
    peer.connection.destroy();
    world.run(100);
    expect(primary.listener.departed()).toEqual([]);
  });

  it('is one of 64 at most, however many come and go', async () => {
    const { world, transport, primary } = await cluster();
    for (let round = 0; round < 100; round += 1) {
      const peer = RawPeer.connect(world, transport);
      peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
      world.run(10);
      peer.send(FrameKind.Ack, encodeWatermarks(primary.publisher.watermarks()));
      world.run(10);
      peer.connection.destroy();
      world.run(10);
    }
    const gone = primary.listener.departed();
    expect(gone).toHaveLength(64);
    expect(new Set(gone.map(({ address }) => address)).size).toBe(64);
    expect(gone.every(({ state }) => state === 'gone')).toBe(true);
  });
});
