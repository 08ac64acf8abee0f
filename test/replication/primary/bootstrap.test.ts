/**
 * A primary and followers of ours in a virtual network: all content that a replica shows was once true,
 * whatever happens meanwhile.
 */
import { describe, expect, it } from 'vitest';
import { decodeBatch } from '../../../src/frame/batch.js';
import { encodeHello, encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { decodeSnapshotChunk } from '../../../src/frame/snapshot.js';
import { decodeWatermarks, encodeWatermarks } from '../../../src/frame/watermarks.js';
import { RawPeer } from '../../support/virtual-cluster.js';
import { clustersOf, expectWasOnceTrue, fill, isEqual } from '../../support/virtual-clusters.js';

describe.each(['map', 'kernel'] as const)('on a %s store:', (kind) => {
  const cluster = clustersOf(kind);

  describe('a bootstrap', () => {
    it('of an empty primary is one empty chunk, flagged last', async () => {
      const { world, transport, primary } = await cluster();
      const peer = RawPeer.connect(world, transport);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
      world.run(20);
      const { Hello, SnapshotBegin, SnapshotChunk, SnapshotEnd } = FrameKind;
      expect(peer.kinds()).toEqual([Hello, SnapshotBegin, SnapshotChunk, SnapshotEnd]);
      const chunk = decodeSnapshotChunk(peer.frames[2]!.payload);
      expect(chunk).toMatchObject({ chunkIndex: 0n, last: true, entryCount: 0 });
      for (const index of [1, 3]) {
        expect(Array.from(decodeWatermarks(peer.frames[index]!.payload))).toEqual(
          primary.publisher.watermarks(),
        );
      }
      expect(primary.store.openScans).toBe(0);
    });

    it('sends chunks of about the size asked for, numbered, the last flagged, all at the frozen watermarks', async () => {
      const { world, transport, primary } = await cluster();
      fill(primary, 0, 1_000);
      world.run(1);
      const frozen = primary.publisher.watermarks();
      const peer = RawPeer.connect(world, transport);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
      world.run(100);
      const payloads = peer.frames
        .filter(({ kind }) => kind === FrameKind.SnapshotChunk)
        .map(({ payload }) => payload);
      const chunks = payloads.map((payload) => decodeSnapshotChunk(payload));
      expect(chunks.map(({ chunkIndex }) => Number(chunkIndex))).toEqual(chunks.map((_, index) => index));
      expect(chunks.map(({ last }) => last)).toEqual(chunks.map((_, index) => index === chunks.length - 1));
      expect(chunks.reduce((sum, { entryCount }) => sum + entryCount, 0)).toBe(1_000);
      expect(chunks.every(({ watermarks }) => Array.from(watermarks).join() === frozen.join())).toBe(true);
      for (const payload of payloads.slice(0, -1)) {
        expect(payload.length).toBeGreaterThanOrEqual(4_096);
        expect(payload.length).toBeLessThan(4_096 + 200);
      }
    });

    it.each([
      ['a Rust replica', undefined],
      ['one of fastcache’s', new Map()],
    ])('of %s is the last snapshot that was sent', async (_whose, margin) => {
      const { world, transport, primary } = await cluster();
      expect(primary.metrics.lastSnapshotMs).toBe(0);
      const beganMs = world.seams.clock.nowMs();
      const peer = RawPeer.connect(world, transport);
      peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin }));
      world.run(20);
      expect(peer.kinds()).toContain(FrameKind.SnapshotEnd);
      expect(primary.metrics.lastSnapshotMs).toBeGreaterThanOrEqual(beganMs);
    });

    it('loses nothing, shows nothing half, wherever a write falls', async () => {
      // A write at every step of the way, one run for each place where a burst falls.
      for (let burstAt = 0; burstAt < 60; burstAt += 1) {
        const { world, primary, follow, close } = await cluster(
          { listener: { snapshotChunkBytes: 512 } },
          { sendBufferBytes: 600 },
        );
        fill(primary, 0, 60);
        primary.remember();
        const replica = follow();
        for (let step = 0; step < 400 && world.step(); step += 1) {
          expectWasOnceTrue(primary, replica);
          if (step >= burstAt && step < burstAt + 12) {
            primary.store.set(`key:${(step * 7) % 90}`, `burst ${step}`);
            primary.remember();
            primary.store.del(`key:${(step * 11) % 60}`);
            primary.remember();
            primary.store.expire(`key:${(step * 13) % 60}`, 4_000_000_000_000n + BigInt(step));
            primary.remember();
          }
        }
        world.run(100);
        expect(replica.store()?.content()).toEqual(primary.store.content());
        expect(isEqual(primary, replica)).toBe(true);
        expect(replica.errors).toEqual([]);
        expect(primary.metrics.catchUpSnapshotCount).toBe(1);
        await close();
      }
    });

    it('that is cut at any byte never shows a half, and ends whole on the next try', async () => {
      const bootstrapBytes = await (async () => {
        const { world, transport, primary, follow, close } = await cluster();
        fill(primary, 0, 12);
        follow();
        world.run(50);
        await close();
        return transport.pairs[0]!.server.deliveredBytes;
      })();
      expect(bootstrapBytes).toBeGreaterThan(1_000);
      // A kernel takes its time to be made; a prime stride still meets every kind of place.
      const stride = kind === 'map' ? 1 : 13;
      for (let cutAfterBytes = 1; cutAfterBytes <= bootstrapBytes; cutAfterBytes += stride) {
        const { world, transport, primary, follow, close } = await cluster();
        fill(primary, 0, 12);
        primary.remember();
        transport.conditions.cutAfterBytes = cutAfterBytes;
        const replica = follow();
        world.runUntil(() => transport.pairs[0]?.server.closed === true);
        transport.conditions.cutAfterBytes = Number.POSITIVE_INFINITY;
        const held = replica.store()?.content();
        expect(held === undefined || held.length === 12).toBe(true);
        world.runUntil(() => isEqual(primary, replica));
        expect(replica.store()?.content()).toEqual(primary.store.content());
        await close();
      }
    });

    it('that is cut leaves the old content until the new is whole', async () => {
      const { world, transport, primary, follow } = await cluster({ publisher: { backlogBytes: 0 } });
      fill(primary, 0, 200, 'old');
      primary.remember();
      const replica = follow();
      world.runUntil(() => isEqual(primary, replica));
      const before = replica.store()!.content();
      transport.pairs[0]!.server.break();
      primary.store.set('key:0', 'new');
      primary.remember();
      for (const cutAfterBytes of [300, 2_000, 5_000]) {
        transport.conditions.cutAfterBytes = cutAfterBytes;
        const pairs = transport.pairs.length;
        world.runUntil(() => transport.pairs.length > pairs && transport.pairs.at(-1)!.server.closed);
        expect(replica.store()?.content()).toEqual(before);
      }
      transport.conditions.cutAfterBytes = Number.POSITIVE_INFINITY;
      world.runUntil(() => isEqual(primary, replica));
      expect(replica.store()?.get('key:0')).toBe('new');
      expect(replica.events.filter((event) => event === 'swapped')).toHaveLength(2);
    });

    it('lets writers go on while a replica takes nothing, and scans no further than its buffer', async () => {
      const { world, transport, primary, follow } = await cluster({}, { sendBufferBytes: 8_192 });
      fill(primary, 0, 2_000);
      const replica = follow();
      world.runUntil(() => replica.follower.state.name === 'snapshot');
      const { server } = transport.pairs[0]!;
      server.stall();
      world.run(1_000);
      expect(server.bufferedBytes).toBeLessThan(8_192 + 3 * 4_300);
      fill(primary, 2_000, 2_010);
      world.run(10);
      expect(primary.listener.replicas()[0]?.state).toBe('snapshot');
      server.unstall();
      world.runUntil(() => isEqual(primary, replica));
      expect(replica.store()?.content()).toEqual(primary.store.content());
    });

    it('whose queue overflows sends nothing more, frees all, and starts over', async () => {
      const { world, transport, primary, follow } = await cluster(
        { listener: { subscriberQueueFrames: 3 } },
        { sendBufferBytes: 8_192 },
      );
      fill(primary, 0, 500);
      primary.remember();
      const replica = follow();
      world.runUntil(() => replica.follower.state.name === 'snapshot');
      transport.pairs[0]!.server.stall();
      for (let write = 0; write < 8; write += 1) {
        primary.store.set('k', `${write}`);
        primary.remember();
        world.run(1);
      }
      expect(primary.metrics).toMatchObject({
        backpressureEvents: 1,
        drops: 1,
        queueDepth: 0,
        queueHighWatermark: 3,
      });
      expect(primary.listener.replicas()).toEqual([]);
      expect(primary.store.openScans).toBe(0);
      expect(replica.store()).toBeUndefined();
      world.runUntil(() => isEqual(primary, replica));
      expectWasOnceTrue(primary, replica);
    });

    it('of a Rust replica holds back what is written meanwhile, and past its limit says which and how much', async () => {
      const { world, transport, primary } = await cluster(
        { listener: { subscriberQueueFrames: 3 } },
        { sendBufferBytes: 8_192 },
      );
      fill(primary, 0, 500);
      world.run(1);
      const peer = RawPeer.connect(world, transport);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
      world.runUntil(() => peer.kinds().includes(FrameKind.SnapshotChunk));
      transport.pairs[0]!.server.stall();
      for (let write = 0; write < 4; write += 1) {
        primary.store.set('k', `${write}`);
        primary.publisher.flush();
      }
      world.run(1);
      expect(peer.kinds()).not.toContain(FrameKind.MutationBatch);
      expect(primary.log.lines.at(-1)).toMatch(
        /is cut off: what was written while its snapshot was under way is too much: 4 frames wait for it, and at most 3 may; a greater --subscriber-queue would let it through$/,
      );
      expect(primary.store.openScans).toBe(0);
      expect(primary.listener.replicas()).toEqual([]);
    });

    it('ends with the connection: the scan is closed and the slot free at once', async () => {
      const { world, primary, follow } = await cluster();
      fill(primary, 0, 2_000);
      const replica = follow();
      world.runUntil(() => replica.follower.state.name === 'snapshot');
      replica.follower.stop();
      world.run(5);
      expect(primary.listener.replicas()).toEqual([]);
      expect(primary.store.openScans).toBe(0);
    });

    it('goes compressed when the primary compresses', async () => {
      const encoding = { compression: 'zstd' } as const;
      const { world, primary, follow } = await cluster({ publisher: { encoding }, listener: { encoding } });
      fill(primary, 0, 300);
      const replica = follow();
      world.runUntil(() => isEqual(primary, replica));
      fill(primary, 100, 400, 'w');
      world.run(10);
      expect(replica.store()?.content()).toEqual(primary.store.content());
    });
  });

  describe('a replica that was away', () => {
    it('resumes from the backlog and applies each record once', async () => {
      const { world, transport, primary, follow } = await cluster();
      fill(primary, 0, 100);
      const replica = follow();
      world.runUntil(() => isEqual(primary, replica));
      transport.pairs[0]!.server.break();
      fill(primary, 50, 150, 'while away');
      world.runUntil(() => isEqual(primary, replica));
      expect(replica.store()?.content()).toEqual(primary.store.content());
      world.runUntil(() => primary.metrics.catchUpBacklogCount === 1);
      expect(primary.metrics).toMatchObject({ catchUpSnapshotCount: 1, resumeFailureCount: 0 });
      expect(replica.metrics).toMatchObject({ replicaApplied: 100, replicaSkipped: 0 });
      expect(replica.events).toEqual([
        'connecting',
        'snapshot',
        'swapped',
        'live',
        'caughtUp',
        'lost',
        'connecting',
        'live',
        'caughtUp',
      ]);
    });

    it('is counted as resumed by its first Ack, for until then it may be gone already', async () => {
      const { world, transport, primary } = await cluster({ store: { shards: 1 } });
      const { base, id } = primary.history;
      primary.store.set('a', '1');
      world.run(1);
      const peer = RawPeer.connect(world, transport);
      const margin = new Map([['history', id]]);
      peer.connection.write(encodeHelloFrame({ role: 'replica', watermarks: [base + 1n] }, { margin }));
      world.run(20);
      expect(primary.listener.replicas()[0]).toMatchObject({ state: 'live' });
      expect(primary.metrics).toMatchObject({ catchUpBacklogCount: 0, catchUpSnapshotCount: 0 });
      for (let acks = 0; acks < 2; acks += 1) {
        peer.send(FrameKind.Ack, encodeWatermarks([base + 1n]));
        world.run(20);
        expect(primary.metrics.catchUpBacklogCount).toBe(1);
      }
    });

    it('is given a snapshot when the backlog no longer reaches back', async () => {
      const { world, transport, primary, follow } = await cluster({ publisher: { backlogBytes: 4_000 } });
      fill(primary, 0, 10);
      const replica = follow();
      world.runUntil(() => isEqual(primary, replica));
      transport.pairs[0]!.server.break();
      fill(primary, 0, 1_000, 'much');
      world.runUntil(() => isEqual(primary, replica));
      expect(primary.metrics).toMatchObject({ catchUpSnapshotCount: 2, resumeFailureCount: 1 });
      expect(replica.store()?.content()).toEqual(primary.store.content());
    });

    it('and without a margin, as a Rust one, resumes by its watermarks alone', async () => {
      const { world, transport, primary } = await cluster({ store: { shards: 1 } });
      const { base } = primary.history;
      primary.store.set('a', '1');
      world.run(1);
      primary.store.set('b', '2');
      world.run(1);
      const peer = RawPeer.connect(world, transport);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica', watermarks: [base + 1n] }));
      world.run(20);
      expect(peer.kinds()).toEqual([FrameKind.Hello, FrameKind.MutationBatch]);
      const [record] = decodeBatch(peer.frames[1]!.payload).records;
      expect(record?.sequence).toBe(base + 2n);
      expect(primary.listener.replicas()[0]).toMatchObject({ state: 'live', watermarks: [base + 2n] });
    });

    it('and without a margin, at the base of a shard that was never written, resumes: exactly there', async () => {
      const { world, transport, primary } = await cluster({ store: { shards: 2 } });
      const { base } = primary.history;
      primary.store.set('a', '1');
      primary.store.set('a', '2');
      world.run(1);
      const written = primary.store.shardOf('a');
      const kindsFor = (claims: bigint[]) => {
        const peer = RawPeer.connect(world, transport);
        peer.send(FrameKind.Hello, encodeHello({ role: 'replica', watermarks: claims }));
        world.run(20);
        return peer.kinds();
      };
      const claims = [base, base];
      claims[written] = base + 2n;
      expect(kindsFor(claims)).toEqual([FrameKind.Hello]);
      expect(kindsFor([base, base])).toEqual([FrameKind.Hello, FrameKind.MutationBatch]);
      claims[1 - written] = base - 1n;
      expect(kindsFor(claims)).toContain(FrameKind.SnapshotBegin);
      claims[1 - written] = base + 1n;
      expect(kindsFor(claims)).toContain(FrameKind.SnapshotBegin);
    });

    it('and falls behind again while it catches up misses nothing', async () => {
      const { world, transport, primary, follow } = await cluster(
        { listener: { subscriberQueueFrames: 2 } },
        { sendBufferBytes: 256 },
      );
      fill(primary, 0, 100);
      primary.remember();
      const replica = follow();
      world.runUntil(() => isEqual(primary, replica));
      transport.pairs[0]!.server.break();
      for (let write = 0; write < 50; write += 1) {
        primary.store.set(`key:${write}`, 'x'.repeat(100));
        primary.remember();
        world.run(0.01);
      }
      world.runUntil(() => replica.follower.state.name === 'handshake');
      for (let write = 0; write < 200; write += 1) {
        primary.store.set(`key:${write % 90}`, `y${write}`);
        primary.remember();
        world.run(0.05);
        expectWasOnceTrue(primary, replica);
      }
      world.runUntil(() => isEqual(primary, replica));
      // The backlog has all that it lacks, so that its bound does not matter.
      expect(primary.metrics).toMatchObject({ backpressureEvents: 0, catchUpSnapshotCount: 1 });
      expect(replica.store()?.content()).toEqual(primary.store.content());
    });
  });

  describe('a replica that has fallen too far behind', () => {
    it('is given a snapshot on the connection that it has, and keeps what it holds until that is whole', async () => {
      const { world, transport, primary, follow } = await cluster(
        { publisher: { backlogBytes: 1_000 }, listener: { subscriberQueueBytes: 2_000 } },
        { sendBufferBytes: 8_192 },
      );
      fill(primary, 0, 300);
      primary.remember();
      const replica = follow();
      world.runUntil(() => isEqual(primary, replica));
      const held = replica.store();
      const { server } = transport.pairs[0]!;
      server.stall();
      for (let write = 0; write < 400; write += 1) {
        primary.store.set(`key:${write}`, 'x'.repeat(100));
        primary.remember();
        world.run(0.5);
      }
      // Nothing waits for it in the meantime, and the snapshot is made when it has room again.
      expect(primary.listener.replicas()).toMatchObject([{ state: 'snapshot', queuedBytes: 0 }]);
      expect(primary.log.lines.filter((line) => line.includes('has fallen behind'))).toEqual([
        expect.stringMatching(
          /^warn replica \S+ has fallen behind and is given a snapshot on its connection: \d+ bytes wait for it, and at most 2000 may; a greater --subscriber-bytes gives it longer$/,
        ),
      ]);
      server.unstall();
      world.runUntil(() => replica.follower.state.name === 'snapshot');
      expect(replica.store()).toBe(held);
      expectWasOnceTrue(primary, replica);
      world.runUntil(() => isEqual(primary, replica));
      expect(replica.store()).not.toBe(held);
      expect(transport.pairs).toHaveLength(1);
      expect(replica.events).not.toContain('lost');
      expect(primary.metrics).toMatchObject({ backpressureEvents: 0, drops: 0 });
      fill(primary, 0, 5);
      world.runUntil(() => isEqual(primary, replica));
    });

    it('is cut off if it is a Rust replica, which knows of no snapshot behind its first frames', async () => {
      const { world, transport, primary } = await cluster(
        { listener: { subscriberQueueBytes: 500 } },
        { sendBufferBytes: 256 },
      );
      const peer = RawPeer.connect(world, transport);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
      world.runUntil(() => primary.listener.replicas()[0]?.state === 'live');
      transport.pairs[0]!.server.stall();
      for (let write = 0; write < 20; write += 1) {
        primary.store.set('k', 'x'.repeat(100));
        world.run(1);
      }
      expect(primary.log.lines.at(-1)).toMatch(
        /^warn replica \S+ is cut off: \d+ bytes wait for it, and at most 500 may; a greater --subscriber-bytes would let it through$/,
      );
      expect(primary.listener.replicas()).toEqual([]);
      expect(primary.metrics).toMatchObject({ backpressureEvents: 1, drops: 1 });
    });
  });
});
