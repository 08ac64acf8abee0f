/**
 * Replicas of ours that join while others do, and while all is in motion: one scan for all, and each ends
 * with just the truth.
 */
import { describe, expect, it } from 'vitest';
import { decodeBatch } from '../../../src/frame/batch.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { decodeSnapshotChunk } from '../../../src/frame/snapshot.js';
import { decodeWatermarks } from '../../../src/frame/watermarks.js';
import { RandomSource } from '../../support/random.js';
import { verifyBytes } from '../../support/verify-bytes.js';
import { RawPeer, type VirtualFollower, type VirtualPrimary } from '../../support/virtual-cluster.js';
import {
  type Cluster,
  clustersOf,
  expectWasOnceTrue,
  fill,
  isEqual,
} from '../../support/virtual-clusters.js';

/** Virtual time passes between two writes; without it every turn would have another one, for ever. */
const WRITE_PAUSE_MS = 0.5;
const OURS = { margin: new Map<string, string>() };

/** A peer that says Hello as an empty replica of ours does. */
function join({ world, transport }: Cluster): RawPeer {
  const peer = RawPeer.connect(world, transport);
  peer.connection.write(encodeHelloFrame({ role: 'replica' }, OURS));
  return peer;
}

/** Returns the content of a plain Map that takes all frames in the order in which they came. */
function foldOf({ frames }: RawPeer): string[] {
  const content = new Map<string, string>();
  for (const { kind, payload } of frames) {
    if (kind === FrameKind.SnapshotChunk) {
      for (const { key, value, expireAtMs } of decodeSnapshotChunk(payload).entries)
        content.set(key.toString(), `${value} @${expireAtMs}`);
    } else if (kind === FrameKind.MutationBatch) {
      for (const { op, key, value, expireAtMs } of decodeBatch(payload).records) {
        const name = key.toString();
        const held = content.get(name);
        if (op === 'del' || expireAtMs === 1n) content.delete(name);
        else if (op === 'set') content.set(name, `${value} @${expireAtMs}`);
        else if (held !== undefined) content.set(name, held.replace(/ @.*$/, ` @${expireAtMs}`));
      }
    }
  }
  return [...content].map(([key, rest]) => `${key}=${rest}`).sort();
}

function chunksOf({ frames }: RawPeer) {
  return frames
    .filter(({ kind }) => kind === FrameKind.SnapshotChunk)
    .map(({ payload }) => decodeSnapshotChunk(payload));
}

/** A busy hour: keys come, go, change and expire. */
function stir({ store }: VirtualPrimary, random: RandomSource, keys: number): void {
  const key = `key:${random.below(keys)}`;
  const choice = random.below(8);
  if (choice === 0) store.del(key);
  else if (choice === 1) store.expire(key, 4_000_000_000_000n + BigInt(random.below(1_000)));
  else if (choice === 2) store.expire(key, null);
  else if (choice === 3) store.expire(key, 1n);
  else store.set(key, 'w'.repeat(random.below(60)), choice === 4 ? 4_000_000_000_000n : null);
}

function expectJoined(primary: VirtualPrimary, replicas: readonly VirtualFollower[]): void {
  const content = primary.store.content();
  for (const replica of replicas) {
    expect(replica.store()?.content()).toEqual(content);
    expect(replica.errors).toEqual([]);
  }
}

describe.each(['map', 'kernel'] as const)('on a %s store:', (kind) => {
  const open = clustersOf(kind);
  const cluster: typeof open = (options = {}, conditions = {}) =>
    open({ ...options, listener: { snapshotChunkBytes: 1_024, ...options.listener } }, conditions);

  /** How many chunks one snapshot of such content takes. */
  async function chunksOfOne(keys: number): Promise<number> {
    const { world, primary, follow, close } = await cluster();
    fill(primary, 0, keys);
    const replica = follow();
    world.runUntil(() => isEqual(primary, replica));
    await close();
    return primary.metrics.snapshotChunks;
  }

  describe('a bootstrap', () => {
    it('has live batches among its chunks, and is the truth at the watermarks of its end', async () => {
      const { primary, ...rest } = await cluster({}, { sendBufferBytes: 2_000 });
      const { world } = rest;
      fill(primary, 0, 300);
      world.run(1);
      const random = new RandomSource(3);
      const peer = join({ primary, ...rest });
      let content: string[] = [];
      let ended: bigint[] = [];
      while (!peer.kinds().includes(FrameKind.SnapshotEnd)) {
        stir(primary, random, 400);
        content = primary.store.content();
        ended = primary.store.watermarks();
        world.run(WRITE_PAUSE_MS);
        // Records that the SnapshotEnd covers had to be written before it was sent.
        if (peer.kinds().includes(FrameKind.SnapshotEnd)) break;
      }
      const kinds = peer.kinds();
      expect(kinds.slice(0, 2)).toEqual([FrameKind.Hello, FrameKind.SnapshotBegin]);
      const firstChunk = kinds.indexOf(FrameKind.SnapshotChunk);
      const lastChunk = kinds.lastIndexOf(FrameKind.SnapshotChunk);
      expect(kinds.slice(firstChunk, lastChunk)).toContain(FrameKind.MutationBatch);
      const chunks = chunksOf(peer);
      expect(chunks.map(({ last }) => last).lastIndexOf(false)).toBe(chunks.length - 2);
      expect(chunks.at(-1)).toMatchObject({ last: true, entryCount: 0 });
      expect(chunks.map(({ chunkIndex }) => Number(chunkIndex))).toEqual(chunks.map((_, index) => index));
      world.run(20);
      expect(foldOf(peer)).toEqual(primary.store.content());
      expect(content.length).toBeGreaterThan(0);
      const end = Array.from(decodeWatermarks(peer.frames[kinds.indexOf(FrameKind.SnapshotEnd)]!.payload));
      expect(end.every((sequence, shard) => sequence <= ended[shard]!)).toBe(true);
      expect(primary.listener.replicas()[0]?.state).toBe('live');
    });

    it('of which a dump is kept is one that the frames toolkit finds sound, wherever its replica joined', async () => {
      const { primary, ...rest } = await cluster({}, { sendBufferBytes: 2_000 });
      const { world } = rest;
      fill(primary, 0, 300);
      const random = new RandomSource(4);
      const first = join({ primary, ...rest });
      world.runUntil(() => chunksOf(first).length > 5);
      const second = join({ primary, ...rest });
      while (!second.kinds().includes(FrameKind.SnapshotEnd)) {
        stir(primary, random, 400);
        world.run(WRITE_PAUSE_MS);
      }
      expect(chunksOf(second)[0]?.chunkIndex).toBeGreaterThan(4n);
      for (const peer of [first, second]) {
        const { places, content } = verifyBytes(Buffer.concat(peer.frames.map(({ bytes }) => bytes)));
        expect(places).toEqual([]);
        expect(content).toMatchObject({ snapshots: 1, abandonedSnapshots: 0 });
      }
    });

    it('holds nothing back: a replica joins at the first attempt past a queue of eight frames', async () => {
      const { world, primary, follow } = await cluster(
        { publisher: { backlogBytes: 0 }, listener: { subscriberQueueFrames: 8 } },
        { sendBufferBytes: 2_000 },
      );
      fill(primary, 0, 300);
      const replica = follow();
      const random = new RandomSource(5);
      let written = 0;
      while (replica.follower.state.name !== 'live') {
        stir(primary, random, 400);
        written += 1;
        world.run(WRITE_PAUSE_MS);
      }
      expect(written).toBeGreaterThan(50);
      world.runUntil(() => isEqual(primary, replica));
      expectJoined(primary, [replica]);
      expect(primary.metrics).toMatchObject({ catchUpSnapshotCount: 1, backpressureEvents: 0 });
    });
  });

  describe('joiners', () => {
    it('may join wherever the scan stands, while keys come and go', async () => {
      const chunks = await chunksOfOne(200);
      for (let boardsAt = 0; boardsAt <= chunks + 1; boardsAt += 1) {
        const { world, primary, follow, close } = await cluster({}, { sendBufferBytes: 600 });
        fill(primary, 0, 200);
        primary.remember();
        const random = new RandomSource(boardsAt + 1);
        const replicas = [follow()];
        world.runUntil(() => primary.metrics.snapshotChunks >= boardsAt || isEqual(primary, replicas[0]!));
        replicas.push(follow());
        for (let write = 0; write < 150; write += 1) {
          world.run(WRITE_PAUSE_MS);
          stir(primary, random, 250);
          primary.remember();
          for (const replica of replicas) expectWasOnceTrue(primary, replica);
        }
        world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
        expectJoined(primary, replicas);
        await close();
      }
    });

    it('sixteen that join at once cost one scan, and get the very same bytes', async () => {
      const { world, transport, primary, follow } = await cluster();
      fill(primary, 0, 200);
      const replicas = Array.from({ length: 16 }, () => follow());
      world.runUntil(() => transport.pairs.length === 16);
      const written = transport.pairs.map(({ server }) => {
        const frames: Uint8Array[] = [];
        const write = server.write.bind(server);
        server.write = (bytes) => {
          if (bytes[5] === FrameKind.SnapshotChunk) frames.push(bytes);
          return write(bytes);
        };
        return frames;
      });
      world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
      expectJoined(primary, replicas);
      expect(primary.metrics.snapshotChunks).toBe(await chunksOfOne(200));
      for (const frames of written) {
        expect(frames).toHaveLength(primary.metrics.snapshotChunks + 1);
        for (const [index, frame] of frames.entries()) expect(frame).toBe(written[0]![index]);
      }
      expect(primary.store.openScans).toBe(0);
    });

    it('that come in a row cost little more than a round each, and the scan ends behind the last', async () => {
      const chunks = await chunksOfOne(600);
      const { world, primary, follow } = await cluster({}, { sendBufferBytes: 600 });
      fill(primary, 0, 600);
      const replicas = [follow()];
      world.runUntil(() => primary.metrics.snapshotChunks >= chunks / 2);
      replicas.push(follow());
      world.runUntil(() => primary.listener.replicas().length === 2);
      const boardedAt = primary.metrics.snapshotChunks;
      expect(boardedAt).toBeLessThan(chunks);
      world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
      // Where segments are larger than chunks, it takes up to one more of them to have seen all.
      expect(primary.metrics.snapshotChunks).toBeGreaterThanOrEqual(boardedAt + chunks);
      expect(primary.metrics.snapshotChunks).toBeLessThanOrEqual(boardedAt + chunks * 1.2);
      expectJoined(primary, replicas);
      expect(primary.store.openScans).toBe(0);
    });

    it('that take nothing for two seconds while others wait are put off, and come back', async () => {
      const { world, transport, primary, follow } = await cluster({}, { sendBufferBytes: 2_000 });
      fill(primary, 0, 300);
      const replicas = [follow(), follow()];
      world.runUntil(() => replicas.every(({ follower }) => follower.state.name === 'snapshot'));
      transport.pairs[0]!.server.stall();
      world.run(1_900);
      expect(replicas[1]!.follower.state.name).toBe('snapshot');
      expect(primary.listener.replicas()).toHaveLength(2);
      world.run(200);
      expect(replicas[1]!.follower.state.name).toBe('live');
      expect(primary.log.lines.filter((line) => line.includes('cut off'))).toEqual([
        expect.stringMatching(
          /is cut off: it has not taken a chunk of its snapshot, for which others have waited 2000 ms$/,
        ),
      ]);
      world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
      expect(replicas.map(({ errors }) => errors.length)).toEqual([1, 0]);
    });

    it('are put off by no one when they are alone', async () => {
      const { world, transport, primary, follow } = await cluster({}, { sendBufferBytes: 2_000 });
      fill(primary, 0, 300);
      const replica = follow();
      world.runUntil(() => replica.follower.state.name === 'snapshot');
      transport.pairs[0]!.server.stall();
      world.run(4_000);
      transport.pairs[0]!.server.unstall();
      world.runUntil(() => isEqual(primary, replica));
      expectJoined(primary, [replica]);
    });

    it('may leave at any moment: the others go on, and behind the last the scan is closed', async () => {
      const { world, primary, follow } = await cluster({}, { sendBufferBytes: 2_000 });
      fill(primary, 0, 300);
      const replicas = [follow(), follow(), follow()];
      world.runUntil(() => primary.metrics.snapshotChunks === 3);
      replicas[0]!.follower.stop();
      world.runUntil(() => primary.metrics.snapshotChunks === 6);
      expect(primary.store.openScans).toBe(1);
      replicas[1]!.follower.stop();
      world.runUntil(() => isEqual(primary, replicas[2]!));
      expectJoined(primary, [replicas[2]!]);
      const late = [follow(), follow()];
      world.runUntil(() => late.every(({ follower }) => follower.state.name === 'snapshot'));
      for (const { follower } of late) follower.stop();
      world.run(5);
      expect(primary.store.openScans).toBe(0);
    });

    it('are told apart by how much of it each was shown', async () => {
      const { world, primary, follow } = await cluster({}, { sendBufferBytes: 2_000 });
      fill(primary, 0, 2_000);
      const replica = follow();
      const percents: number[] = [];
      world.runUntil(() => {
        const percent = primary.listener.replicas()[0]?.snapshotPercent;
        if (percent !== undefined && percent !== percents.at(-1)) percents.push(percent);
        return isEqual(primary, replica);
      });
      world.run(1_000);
      expect(percents.length).toBeGreaterThan(5);
      expect(percents).toEqual([...percents].sort((left, right) => left - right));
      expect(percents.at(-1)).toBeGreaterThan(60);
      expect(primary.listener.replicas()[0]?.snapshotPercent).toBeUndefined();
    });

    it('of a scan that fails are all cut off, the scan is freed, and they board the next', async () => {
      const { world, primary, follow } = await cluster({}, { sendBufferBytes: 2_000 });
      fill(primary, 0, 300);
      const { store } = primary;
      const scan = store.scan.bind(store);
      let steps = 0;
      store.scan = () => {
        const whole = scan();
        return {
          get place() {
            return whole.place;
          },
          get share() {
            return whole.share;
          },
          next: (maxBytes) => {
            steps += 1;
            if (steps === 5) throw new Error('no memory for a step');
            return whole.next(maxBytes);
          },
          close: () => whole.close(),
        };
      };
      const replicas = [follow(), follow()];
      world.runUntil(() => steps === 5);
      world.run(1);
      expect(store.openScans).toBe(0);
      expect(primary.log.lines.filter((line) => line.includes('cut off'))).toEqual([
        expect.stringMatching(/is cut off: its snapshot failed: Error: no memory for a step$/),
        expect.stringMatching(/is cut off: its snapshot failed: Error: no memory for a step$/),
      ]);
      world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
      expect(replicas.map(({ errors }) => errors.length)).toEqual([1, 1]);
      expect(store.openScans).toBe(0);
    });

    it('come, stall, go and come back by chance, and end equal', async () => {
      for (let seed = 1; seed <= 12; seed += 1) {
        const random = new RandomSource(seed);
        const { world, transport, primary, follow, close } = await cluster(
          { publisher: { backlogBytes: 4_000 } },
          { sendBufferBytes: 500 + random.below(3_000), sliceBytes: 1 + random.below(2_000) },
        );
        fill(primary, 0, 150);
        primary.remember();
        const replicas: VirtualFollower[] = [];
        for (let step = 0; step < 600; step += 1) {
          world.run(random.below(10) / 20);
          const choice = random.below(40);
          const server = transport.pairs[random.below(Math.max(1, transport.pairs.length))]?.server;
          if (choice === 0 && replicas.length < 6) replicas.push(follow());
          else if (choice === 1) server?.stall();
          else if (choice === 2) server?.break();
          else if (choice < 6) for (const pair of transport.pairs) pair.server.unstall();
          else stir(primary, random, 200);
          primary.remember();
          primary.publisher.invariants();
          primary.listener.invariants();
          for (const replica of replicas) expectWasOnceTrue(primary, replica);
        }
        for (const { server } of transport.pairs) server.unstall();
        world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
        for (const replica of replicas)
          expect(replica.store()?.content(), `seed ${seed}`).toEqual(primary.store.content());
        world.run(1);
        expect(primary.store.openScans).toBe(0);
        await close();
      }
    });
  });
});

describe('on a kernel store', () => {
  const open = clustersOf('kernel');

  it.each([
    ['grows to four times its size', 8_000],
    ['shrinks to an eighth', 250],
  ])('that %s between joining and the second round, each late joiner sees all', async (_, size) => {
    for (let boardsAt = 1; boardsAt < 36; boardsAt += 5) {
      const { world, primary, follow, close } = await open(
        { store: { shards: 2 } },
        { sendBufferBytes: 2_000 },
      );
      fill(primary, 0, 2_000, 'x');
      const replicas = [follow()];
      world.runUntil(() => primary.metrics.snapshotChunks >= boardsAt || isEqual(primary, replicas[0]!));
      replicas.push(follow());
      world.runUntil(() => replicas[1]!.follower.state.name === 'snapshot');
      fill(primary, 2_000, size, 'x');
      for (let key = size; key < 2_000; key += 1) primary.store.del(`key:${key}`);
      world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
      expectJoined(primary, replicas);
      expect(primary.store.keyCount()).toBe(size);
      await close();
    }
  });

  it('keys that expire during the round are gone from all behind their deletion', async () => {
    const { world, primary, follow } = await open({}, { sendBufferBytes: 2_000 });
    fill(primary, 0, 500);
    const soon = BigInt(world.seams.clock.nowMs()) + 2n;
    for (let key = 0; key < 500; key += 3) primary.store.expire(`key:${key}`, soon);
    const replicas = [follow()];
    world.runUntil(() => primary.metrics.snapshotChunks >= 4);
    replicas.push(follow());
    world.run(2);
    for (let key = 0; key < 500; key += 3) expect(primary.store.get(`key:${key}`)).toBeUndefined();
    world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
    expectJoined(primary, replicas);
    expect(primary.store.content()).toHaveLength(333);
  });
});
