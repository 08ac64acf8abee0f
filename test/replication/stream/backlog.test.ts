import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog } from '../../../src/replication/stream/backlog.js';

const frameOf = (bytes: number, mark = 0) => Buffer.alloc(bytes, mark);

/** One shard, frames of two records each: 1-2, 3-4, …; ten bytes a frame. */
function pairs(count: number, maxBytes = 1_000): { backlog: Backlog; frames: Buffer[] } {
  const backlog = new Backlog({ shards: 1, maxBytes });
  const frames: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const frame = frameOf(10, index);
    frames.push(frame);
    backlog.push(0, frame, BigInt(index * 2 + 1), BigInt(index * 2 + 2));
  }
  return { backlog, frames };
}

describe('what a replica lacks', () => {
  /** Frames of two records and ten bytes each, whose times are given. */
  function timed(timesMs: number[], maxBytes = 1_000): Backlog {
    const backlog = new Backlog({ shards: 2, maxBytes, base: 100n });
    for (const [index, timeMs] of timesMs.entries()) {
      const first = 101n + BigInt(index * 2);
      backlog.push(0, frameOf(10), first, first + 1n, timeMs);
    }
    return backlog;
  }
  const LEVEL = { records: 0, bytes: 0, ms: 0 };

  it('is nothing when it holds all, or claims to hold more', () => {
    const backlog = timed([5, 10]);
    expect(backlog.behind(0, 104n)).toEqual(LEVEL);
    expect(backlog.behind(0, 999n)).toEqual(LEVEL);
    expect(backlog.behind(1, 100n)).toEqual(LEVEL);
    expect(backlog.behind(7, 0n)).toEqual(LEVEL);
  });

  it('is told in records, in bytes of the frames that hold them, and from the first of these to the newest in ms', () => {
    const backlog = timed([1_000, 1_010, 1_250]);
    expect(backlog.behind(0, 100n)).toEqual({ records: 6, bytes: 30, ms: 250 });
    expect(backlog.behind(0, 102n)).toEqual({ records: 4, bytes: 20, ms: 240 });
    expect(backlog.behind(0, 103n)).toEqual({ records: 3, bytes: 20, ms: 240 });
    expect(backlog.behind(0, 104n)).toEqual({ records: 2, bytes: 10, ms: 0 });
  });

  it('is no hour for one write after an hour of quiet', () => {
    expect(timed([0, 3_600_000]).behind(0, 102n)).toEqual({ records: 2, bytes: 10, ms: 0 });
  });

  it('is never negative, be it that the clock was set back', () => {
    expect(timed([5_000, 4_000]).behind(0, 100n).ms).toBe(0);
  });

  it('is known in records alone once its frames are no longer all kept', () => {
    const backlog = timed([1, 2, 3, 4], 20);
    expect(backlog.behind(0, 102n)).toEqual({ records: 6, bytes: undefined, ms: undefined });
    expect(backlog.behind(0, 104n)).toEqual({ records: 4, bytes: 20, ms: 1 });
    expect(backlog.behind(0, 0n)).toEqual({ records: 8, bytes: undefined, ms: undefined });
    backlog.skipTo(0, 110n);
    expect(backlog.behind(0, 108n)).toEqual({ records: 2, bytes: undefined, ms: undefined });
  });
});

describe('catch-up from a backlog', () => {
  it('is nothing for a replica that has all', () => {
    expect(pairs(3).backlog.catchUp([6n])).toEqual({ kind: 'nothing' });
  });

  it('gives the frames whose last sequence is above the watermark, a half-known one included', () => {
    const { backlog, frames } = pairs(3);
    expect(backlog.catchUp([0n])).toEqual({ kind: 'frames', frames });
    expect(backlog.catchUp([2n])).toEqual({ kind: 'frames', frames: frames.slice(1) });
    expect(backlog.catchUp([3n])).toEqual({ kind: 'frames', frames: frames.slice(1) });
    expect(backlog.catchUp([5n])).toEqual({ kind: 'frames', frames: frames.slice(2) });
  });

  it('copies frames, which may come in two parts', () => {
    const backlog = new Backlog({ shards: 1, maxBytes: 1_000_000 });
    const frame = frameOf(70_000, 1);
    const kept = Buffer.from(frame);
    backlog.push(0, frame, 1n, 1n);
    backlog.push(0, Buffer.from('head'), 2n, 2n, 0, Buffer.from('body'));
    frame.fill(2);
    const catchUp = backlog.catchUp([0n]);
    expect(catchUp).toEqual({ kind: 'frames', frames: [kept, Buffer.from('headbody')] });
    backlog.invariants();
  });

  it('gives the frames of all shards in the order in which they were published', () => {
    const backlog = new Backlog({ shards: 3, maxBytes: 1_000 });
    const frames = [2, 0, 1, 0, 2].map((shard, index) => ({ shard, frame: frameOf(10, index) }));
    const sequences = [0n, 0n, 0n];
    for (const { shard, frame } of frames) {
      sequences[shard]! += 1n;
      backlog.push(shard, frame, sequences[shard]!, sequences[shard]!);
    }
    expect(backlog.catchUp([])).toEqual({ kind: 'frames', frames: frames.map(({ frame }) => frame) });
    const lacking = [frames[1]!.frame, frames[3]!.frame, frames[4]!.frame];
    expect(backlog.catchUp([0n, 1n, 1n])).toEqual({ kind: 'frames', frames: lacking });
  });

  it('serves a watermark one below the earliest retained and no lower one', () => {
    const { backlog, frames } = pairs(5, 30);
    expect(backlog.windows()[0]).toEqual({ frames: 3, bytes: 30, records: 6n, earliest: 5n, watermark: 10n });
    expect(backlog.catchUp([3n])).toEqual({ kind: 'needs-snapshot', shard: 0, wanted: 4n, earliest: 5n });
    expect(backlog.catchUp([4n])).toEqual({ kind: 'frames', frames: frames.slice(2) });
    expect(backlog.catchUp([5n])).toEqual({ kind: 'frames', frames: frames.slice(2) });
  });

  it('needs a snapshot for a replica that is ahead', () => {
    expect(pairs(3).backlog.catchUp([7n])).toEqual({
      kind: 'needs-snapshot',
      shard: 0,
      wanted: 8n,
      earliest: 1n,
    });
  });

  it('needs a snapshot for a list of more shards, whatever it says of them', () => {
    expect(pairs(3).backlog.catchUp([6n, 0n]).kind).toBe('needs-snapshot');
  });

  it('takes what a shorter list does not name for 0', () => {
    const backlog = new Backlog({ shards: 2, maxBytes: 100 });
    const frame = frameOf(10);
    backlog.push(1, frame, 1n, 1n);
    expect(backlog.catchUp([])).toEqual({ kind: 'frames', frames: [frame] });
    expect(backlog.catchUp([0n])).toEqual({ kind: 'frames', frames: [frame] });
    expect(backlog.catchUp([0n, 1n])).toEqual({ kind: 'nothing' });
  });

  it('lets one shard decide for all', () => {
    const backlog = new Backlog({ shards: 2, maxBytes: 20 });
    backlog.push(1, frameOf(10), 1n, 1n);
    backlog.push(0, frameOf(10), 1n, 1n);
    backlog.push(1, frameOf(10), 2n, 2n);
    expect(backlog.catchUp([0n, 0n])).toEqual({ kind: 'needs-snapshot', shard: 1, wanted: 1n, earliest: 2n });
    expect(backlog.catchUp([0n, 1n]).kind).toBe('frames');
  });

  it('keeps nothing of a frame above its bound and still knows that it was', () => {
    const backlog = new Backlog({ shards: 1, maxBytes: 10 });
    backlog.push(0, frameOf(11), 1n, 4n);
    expect(backlog.windows()[0]).toMatchObject({ frames: 0, bytes: 0, earliest: 5n, watermark: 4n });
    expect(backlog.catchUp([3n])).toEqual({ kind: 'needs-snapshot', shard: 0, wanted: 4n, earliest: 5n });
    expect(backlog.catchUp([4n])).toEqual({ kind: 'nothing' });
  });

  it('begins at its base: exactly there nothing is lacked, below it all is', () => {
    const base = 3_686_400_000_000_000n;
    const backlog = new Backlog({ shards: 1, maxBytes: 100, base });
    expect(backlog.catchUp([base])).toEqual({ kind: 'nothing' });
    expect(backlog.catchUp([0n]).kind).toBe('needs-snapshot');
    expect(backlog.catchUp([base - 1n]).kind).toBe('needs-snapshot');
    backlog.push(0, frameOf(10), base + 1n, base + 1n);
    expect(backlog.catchUp([base]).kind).toBe('frames');
    expect(backlog.catchUp([base - 1n]).kind).toBe('needs-snapshot');
  });

  it('never serves across sequences whose frame was lost', () => {
    const { backlog } = pairs(2);
    backlog.skipTo(0, 6n);
    expect(backlog.catchUp([4n])).toEqual({ kind: 'needs-snapshot', shard: 0, wanted: 5n, earliest: 7n });
    expect(backlog.catchUp([6n])).toEqual({ kind: 'nothing' });
    const gapped = pairs(2).backlog;
    gapped.push(0, frameOf(10), 7n, 8n);
    expect(gapped.catchUp([4n])).toEqual({ kind: 'needs-snapshot', shard: 0, wanted: 5n, earliest: 7n });
    expect(gapped.catchUp([6n]).kind).toBe('frames');
  });

  it('refuses a foreign shard and ignores what it has', () => {
    const { backlog } = pairs(2);
    expect(backlog.push(1, frameOf(10), 1n, 1n)).toBe(false);
    expect(backlog.push(0, frameOf(10), 3n, 4n)).toBe(true);
    expect(backlog.windows()[0]).toMatchObject({ frames: 2, bytes: 20 });
  });

  it('agrees with a plain list over any run of frames', () => {
    const run = fc.array(
      fc.record({ records: fc.integer({ min: 1, max: 4 }), bytes: fc.integer({ min: 1, max: 40 }) }),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(
        run,
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 0, max: 250 }),
        (frames, bound, held) => {
          const backlog = new Backlog({ shards: 1, maxBytes: bound });
          let list: { frame: Buffer; min: number; max: number }[] = [];
          let high = 0;
          for (const { records, bytes } of frames) {
            const entry = { frame: frameOf(bytes), min: high + 1, max: high + records };
            high = entry.max;
            backlog.push(0, entry.frame, BigInt(entry.min), BigInt(entry.max));
            list.push(entry);
            while (list.reduce((sum, each) => sum + each.frame.length, 0) > bound) list = list.slice(1);
          }
          const earliest = list[0]?.min ?? high + 1;
          const catchUp = backlog.catchUp([BigInt(held)]);
          if (held > high || held + 1 < earliest) expect(catchUp.kind).toBe('needs-snapshot');
          else if (held === high) expect(catchUp).toEqual({ kind: 'nothing' });
          else {
            const wanted = list.filter((entry) => entry.max > held).map((entry) => entry.frame);
            expect(catchUp).toEqual({ kind: 'frames', frames: wanted });
          }
        },
      ),
    );
  });
});

describe('a jump into another history', () => {
  /** Sequences 1 to 4 in frames of two, a jump to 100, then 101 and 102. */
  function jumped() {
    const backlog = new Backlog({ shards: 1, maxBytes: 1_000 });
    const frames = ['one', 'two', 'three'].map((text) => Buffer.from(text));
    backlog.push(0, frames[0]!, 1n, 2n, 10);
    backlog.push(0, frames[1]!, 3n, 4n, 20);
    backlog.jump(0, 100n);
    const before = backlog.windows();
    backlog.push(0, frames[2]!, 101n, 102n, 50);
    return { backlog, frames, before };
  }

  it('moves the watermark on and forgets nothing', () => {
    const { backlog, frames, before } = jumped();
    expect(before).toMatchObject([{ frames: 2, records: 4n, earliest: 1n, watermark: 100n }]);
    expect(backlog.windows()).toMatchObject([{ frames: 3, records: 6n, earliest: 1n, watermark: 102n }]);
    expect(backlog.catchUp([2n])).toEqual({ kind: 'frames', frames: frames.slice(1) });
    for (const level of [4n, 100n])
      expect(backlog.catchUp([level])).toEqual({ kind: 'frames', frames: [frames[2]] });
  });

  it('counts no numbers that were never given out', () => {
    const { backlog } = jumped();
    expect(backlog.behind(0, 2n)).toEqual({ records: 4, bytes: 8, ms: 30 });
    expect(backlog.behind(0, 4n)).toEqual({ records: 2, bytes: 5, ms: 0 });
    expect(backlog.behind(0, 100n)).toEqual(backlog.behind(0, 4n));
    expect(backlog.behind(0, 0n).records).toBe(6);
  });

  it('leaves who had all level', () => {
    const backlog = new Backlog({ shards: 1, maxBytes: 0, base: 4n });
    backlog.jump(0, 100n);
    backlog.jump(0, 100n);
    backlog.jump(0, 200n);
    expect(backlog.windows()).toMatchObject([{ records: 0n, earliest: 201n, watermark: 200n }]);
    for (const level of [4n, 100n, 200n]) {
      expect(backlog.behind(0, level)).toEqual({ records: 0, bytes: 0, ms: 0 });
      expect(backlog.catchUp([level])).toEqual({ kind: 'nothing' });
    }
    expect(backlog.catchUp([3n]).kind).toBe('needs-snapshot');
  });

  it('helps nobody who lacks what was forgotten before it', () => {
    const backlog = new Backlog({ shards: 1, maxBytes: 8 });
    backlog.push(0, Buffer.from('lost'), 1n, 2n);
    backlog.push(0, Buffer.from('kept'), 3n, 4n);
    backlog.push(0, Buffer.from('also'), 5n, 6n);
    backlog.jump(0, 100n);
    expect(backlog.catchUp([1n])).toMatchObject({ kind: 'needs-snapshot', wanted: 2n, earliest: 3n });
    expect(backlog.catchUp([2n])).toMatchObject({ kind: 'frames' });
    expect(backlog.behind(0, 1n)).toMatchObject({ records: 5, bytes: undefined });
  });

  it('is of the one shard, and never back', () => {
    const backlog = new Backlog({ shards: 2, maxBytes: 10, watermarks: [5n, 6n] });
    backlog.jump(1, 9n);
    backlog.jump(1, 8n);
    backlog.jump(7, 9n);
    expect(backlog.watermarks()).toEqual([5n, 9n]);
    expect(backlog.watermark(1)).toBe(9n);
  });
});
