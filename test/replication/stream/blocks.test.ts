/**
 * A backlog in shared blocks against a list of copies: bytes that were handed out never change, and memory is
 * bounded.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog } from '../../../src/replication/stream/backlog.js';
import { BlockPool, type FrameBlock } from '../../../src/replication/stream/blocks.js';

const SHARE_BYTES = 65_536;
const SHARDS = 2;

interface Kept {
  copy: Buffer;
  first: bigint;
  last: bigint;
  timeMs: number;
}

/** What a backlog should be: one list of copies a shard. */
class Oracle {
  readonly shards = Array.from({ length: SHARDS }, () => ({ kept: [] as Kept[], watermark: 0n }));

  push(shard: number, frame: Kept): void {
    const own = this.shards[shard]!;
    if (frame.last <= own.watermark) return;
    if (frame.first > own.watermark + 1n) own.kept = [];
    own.kept.push(frame);
    own.watermark = frame.last;
    while (this.bytes(shard) > SHARE_BYTES) own.kept.shift();
  }

  bytes(shard: number): number {
    return this.shards[shard]!.kept.reduce((sum, { copy }) => sum + copy.length, 0);
  }

  earliest(shard: number): bigint {
    const { kept, watermark } = this.shards[shard]!;
    return kept[0]?.first ?? watermark + 1n;
  }

  above(since: readonly bigint[]): Buffer[] | undefined {
    const isServed = this.shards.every(({ watermark }, shard) => {
      return since[shard]! <= watermark && since[shard]! + 1n >= this.earliest(shard);
    });
    if (!isServed) return undefined;
    return this.shards.flatMap(({ kept }, shard) => {
      return kept.filter(({ last }) => last > since[shard]!).map(({ copy }) => copy);
    });
  }
}

const frame = fc.record({
  shard: fc.nat({ max: SHARDS - 1 }),
  bytes: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 200 }) },
    { weight: 2, arbitrary: fc.integer({ min: 200, max: 1_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 30_000 }) },
  ),
  records: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(5_000_000_000)),
  /** How far it begins before, or behind, where the last one ended. */
  shift: fc.oneof(
    { weight: 20, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -6, max: 1 }) },
  ),
  laterMs: fc.oneof(
    { weight: 20, arbitrary: fc.nat({ max: 100 }) },
    { weight: 1, arbitrary: fc.constantFrom(-5_000, 3e9, 0.25) },
  ),
});
const step = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      does: fc.constant('push' as const),
      frame,
      times: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('hold' as const),
      back: fc.nat({ max: 60 }),
      inRuns: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('release' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('skip' as const), shard: fc.nat({ max: SHARDS - 1 }) }),
  },
);

it('never changes bytes under a holder, and gives what a list of copies gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const backlog = new Backlog({ shards: SHARDS, maxBytesPerShard: SHARE_BYTES });
      const oracle = new Oracle();
      const held: { given: Buffer; copy: Buffer }[] = [];
      let mark = 0;
      let timeMs = 1_800_000_000_000;
      for (const action of steps) {
        if (action.does === 'push') {
          const { shard, bytes, records, shift, laterMs } = action.frame;
          for (let time = 0; time < action.times; time += 1) {
            mark = (mark + 1) % 256;
            timeMs += laterMs;
            const { watermark } = oracle.shards[shard]!;
            const first = watermark + 1n + BigInt(shift) < 1n ? 1n : watermark + 1n + BigInt(shift);
            const last = first + BigInt(records - 1);
            const pushed = Buffer.alloc(bytes, mark);
            backlog.push(shard, pushed, first, last, timeMs);
            oracle.push(shard, { copy: Buffer.from(pushed), first, last, timeMs });
          }
        } else if (action.does === 'hold') {
          const since = oracle.shards.map(({ kept, watermark }) => kept.at(-action.back)?.last ?? watermark);
          const wanted = oracle.above(since);
          const catchUp = backlog.catchUp(since);
          expect(catchUp.kind === 'frames' ? catchUp.frames : []).toEqual(wanted ?? []);
          expect(catchUp.kind === 'needs-snapshot').toBe(wanted === undefined);
          const inRuns = backlog.catchUpRuns(since);
          if (inRuns.kind === 'runs') {
            expect(inRuns.frameCount).toBe(wanted?.length);
            expect(Buffer.concat(inRuns.runs).equals(Buffer.concat(wanted ?? []))).toBe(true);
          } else expect(inRuns.kind).toBe(catchUp.kind);
          const given = action.inRuns
            ? inRuns.kind === 'runs' && inRuns.runs
            : catchUp.kind === 'frames' && catchUp.frames;
          for (const view of given || []) held.push({ given: view, copy: Buffer.from(view) });
        } else if (action.does === 'release') {
          held.splice(0, Math.ceil(held.length / 2));
        } else {
          const own = oracle.shards[action.shard]!;
          own.kept = [];
          own.watermark += 3n;
          backlog.skipTo(action.shard, own.watermark);
        }
        backlog.invariants();
        for (const [shard, { kept, watermark }] of oracle.shards.entries()) {
          expect(backlog.windows()[shard]).toMatchObject({
            frames: kept.length,
            bytes: oracle.bytes(shard),
            earliest: oracle.earliest(shard),
            watermark,
          });
          const half = kept[kept.length >> 1];
          if (half === undefined) continue;
          const lacking = kept.filter(({ last }) => last >= half.first);
          expect(backlog.behind(shard, half.first - 1n)).toMatchObject({
            bytes: lacking.reduce((sum, { copy }) => sum + copy.length, 0),
            ms: Math.max(0, kept.at(-1)!.timeMs - lacking[0]!.timeMs),
          });
        }
        expect(held.every(({ given, copy }) => given.equals(copy))).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});

describe('a pool of blocks', () => {
  const fill = (block: FrameBlock, mark = 0) => {
    for (let sequence = 1n; ; sequence += 1n) {
      if (!block.append(Buffer.alloc(100, mark), sequence, sequence, 0)) return;
    }
  };

  it('uses a block again that nobody has looked into, and no other', () => {
    const pool = new BlockPool(SHARE_BYTES);
    const first = pool.take(0);
    fill(first);
    pool.giveBack(first);
    pool.invariants(new Set());
    const second = pool.take(0);
    expect(second).toBe(first);
    fill(second, 1);
    const view = second.frame(second.start);
    pool.giveBack(second);
    const third = pool.take(0);
    expect(third).not.toBe(second);
    fill(third, 2);
    expect(view.equals(Buffer.alloc(100, 1))).toBe(true);
  });

  it('may use a block again of which only large frames were handed out', () => {
    const pool = new BlockPool(SHARE_BYTES);
    const block = pool.take(0);
    const large = Buffer.alloc(50_000, 1);
    block.append(large, 1n, 1n, 0);
    expect(block.frame(0)).toBe(large);
    expect(block.isLent).toBe(false);
  });

  it('keeps few free ones, however many are given back', () => {
    const pool = new BlockPool(SHARE_BYTES);
    const blocks = Array.from({ length: 100 }, () => pool.take(0));
    for (const block of blocks) pool.giveBack(block);
    pool.invariants(new Set());
    const again = Array.from({ length: 100 }, () => pool.take(0));
    expect(again.filter((block) => blocks.includes(block)).length).toBeLessThanOrEqual(16);
  });

  it('holds that a frame is asked for that is there', () => {
    const block = new BlockPool(SHARE_BYTES).take(0);
    expect(() => block.frame(0)).toThrow('a frame that the block holds');
    block.append(Buffer.alloc(10), 1n, 1n, 0);
    block.append(Buffer.alloc(10), 2n, 2n, 0);
    block.dropOldest();
    expect(() => block.frame(0)).toThrow('a frame that the block holds');
    expect(block.frame(1)).toHaveLength(10);
  });
});
