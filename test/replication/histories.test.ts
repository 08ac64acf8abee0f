/**
 * A primary that closes, and one that comes back as another: nothing of the old history is mistaken for the
 * new.
 */
import { describe, expect, it } from 'vitest';
import { encodeHello } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { PRIMARY_ADDRESS, RawPeer } from '../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../support/virtual-clusters.js';

describe.each(['map', 'kernel'] as const)('on a %s store:', (kind) => {
  const cluster = clustersOf(kind);

  describe('a primary that closes', () => {
    it('lets out what was written, and drops who does not take it', async () => {
      const { world, transport, primary, follow } = await cluster();
      const taking = follow();
      const stuck = follow();
      world.runUntil(() => isEqual(primary, taking) && isEqual(primary, stuck));
      transport.pairs[1]!.server.stall();
      primary.store.set('last', 'word');
      await primary.stop();
      world.run(10);
      expect(taking.store()?.get('last')).toBe('word');
      expect(transport.pairs.map(({ server }) => server.closed)).toEqual([true, false]);
      world.run(6_000);
      expect(transport.pairs.map(({ server }) => server.closed)).toEqual([true, true]);
      expect(primary.metrics.queueDepth).toBe(0);
    });
  });

  describe('histories', () => {
    it('a primary that restarts gives a snapshot to its replica, and to a Rust one, which is never ahead', async () => {
      const { world, transport, primary, follow, start } = await cluster({ store: { shards: 1 } });
      fill(primary, 0, 100, 'before');
      const replica = follow(PRIMARY_ADDRESS, { foreignHistory: 'accept' });
      world.runUntil(() => isEqual(primary, replica));
      const old = primary.store.watermarks();
      await primary.stop();
      world.run(50);
      const restarted = await start({ store: { shards: 1 } });
      restarted.store.set('key:0', 'after');
      world.runUntil(() => isEqual(restarted, replica));
      expect(replica.store()?.content()).toEqual(['key:0=after @null']);
      expect(restarted.store.watermarks()[0]).toBeGreaterThan(old[0]!);
      const peer = RawPeer.connect(world, transport);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica', watermarks: old }));
      world.run(20);
      expect(peer.kinds().slice(0, 2)).toEqual([FrameKind.Hello, FrameKind.SnapshotBegin]);
      expect(restarted.metrics).toMatchObject({ catchUpSnapshotCount: 2, resumeFailureCount: 2 });
      const newcomer = RawPeer.connect(world, transport);
      newcomer.send(FrameKind.Hello, encodeHello({ role: 'replica', watermarks: [0n] }));
      world.run(20);
      expect(newcomer.kinds().slice(0, 2)).toEqual([FrameKind.Hello, FrameKind.SnapshotBegin]);
      expect(restarted.metrics).toMatchObject({ catchUpSnapshotCount: 3, resumeFailureCount: 2 });
    });

    it('numbered from zero, a restarted primary that has passed the old watermarks still gives a snapshot', async () => {
      const { world, primary, follow, start } = await cluster({
        store: { shards: 1 },
        sequenceBase: 'zero',
      });
      fill(primary, 0, 10, 'before');
      const replica = follow(PRIMARY_ADDRESS, { foreignHistory: 'accept' });
      world.runUntil(() => isEqual(primary, replica));
      expect(replica.store()?.watermarks()).toEqual([10n]);
      await primary.stop();
      const restarted = await start({ store: { shards: 1 }, sequenceBase: 'zero' });
      fill(restarted, 5, 20, 'after');
      world.runUntil(() => isEqual(restarted, replica));
      expect(replica.store()?.content()).toEqual(restarted.store.content());
      expect(restarted.metrics).toMatchObject({ catchUpSnapshotCount: 1, catchUpBacklogCount: 0 });
    });

    it('a primary that comes back with another shard count is followed from its beginning', async () => {
      const { world, primary, follow, start } = await cluster({ store: { shards: 4 } });
      fill(primary, 0, 50);
      const replica = follow(PRIMARY_ADDRESS, { foreignHistory: 'accept' });
      world.runUntil(() => isEqual(primary, replica));
      await primary.stop();
      const restarted = await start({ store: { shards: 16 } });
      fill(restarted, 0, 30, 'other');
      world.runUntil(() => isEqual(restarted, replica));
      expect(replica.store()?.shards).toBe(16);
      expect(replica.store()?.content()).toEqual(restarted.store.content());
    });
  });
});
