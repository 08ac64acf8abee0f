/** The frames that replicas are still sent when their primary stops in order. */
import { describe, expect, it } from 'vitest';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';

describe('a primary that stops', () => {
  const cluster = clustersOf('map');

  /** It has a replica that is live, and is written to faster than the replica takes it. */
  async function written(sliceBytes: number) {
    const parts = await cluster({}, { sendBufferBytes: 1_000, sliceBytes, latencyMs: 1 });
    const replica = parts.follow();
    parts.world.runUntil(() => replica.follower.state.name === 'live');
    const { server, client } = parts.transport.pairs[0]!;
    fill(parts.primary, 0, 500);
    parts.world.run(1);
    expect(isEqual(parts.primary, replica)).toBe(false);
    return { ...parts, replica, server, client };
  }

  it('sends a live replica all that was published, however much that lacks', async () => {
    const { world, primary, replica } = await written(200);
    await primary.stop();
    world.run(5_000);
    expect(isEqual(primary, replica)).toBe(true);
  });

  it('sends it to one as well that has come back, and resumes', async () => {
    const { world, transport, primary, replica } = await written(200);
    transport.pairs[0]!.server.break();
    world.runUntil(() => primary.listener.replicas().some(({ state }) => state === 'catching-up'));
    await primary.stop();
    world.run(5_000);
    expect(isEqual(primary, replica)).toBe(true);
    expect(primary.metrics.catchUpSnapshotCount).toBe(1);
  });

  it('waits two seconds for one that neither takes nor says anything', async () => {
    const { world, primary, server, client } = await written(200);
    server.stall();
    client.stall();
    await primary.stop();
    world.run(1_900);
    expect(server.closed).toBe(false);
    world.run(200);
    expect(server.closed).toBe(true);
  });

  it('waits five seconds for one that takes little', async () => {
    const { world, primary, server } = await written(1);
    await primary.stop();
    world.run(4_900);
    expect(server.closed).toBe(false);
    world.run(200);
    expect(server.closed).toBe(true);
    expect(primary.listener.replicas()).toEqual([]);
  });
});
