/**
 * How long a replica may be away: the backlog's window at the present write rate, and what of it a replica
 * has left.
 */
import { describe, expect, it } from 'vitest';
import { Backlog } from '../../../src/replication/stream/backlog.js';

const NOW = 1_800_000_000_000;

interface Writes {
  fromMs: number;
  untilMs: number;
  everyMs: number;
  frameBytes: number;
  shard?: number;
}

function backlogWith(maxBytes: number, ...all: Writes[]) {
  const backlog = new Backlog({ shards: 2, maxBytes });
  const sequences = [0n, 0n];
  for (const { fromMs, untilMs, everyMs, frameBytes, shard = 0 } of all) {
    for (let atMs = fromMs; atMs < untilMs; atMs += everyMs) {
      const sequence = (sequences[shard]! += 1n);
      backlog.push(shard, Buffer.alloc(frameBytes), sequence, sequence, NOW + atMs);
    }
  }
  return { backlog, sequences };
}

function leewayOf(backlog: Backlog, held: readonly bigint[]) {
  return backlog.leeway(held, backlog.rate(NOW));
}

describe('the window of a backlog', () => {
  it('is its share by the rate of the last ten seconds', () => {
    // 10 bytes a millisecond.
    const { backlog } = backlogWith(1_000_000, {
      fromMs: -60_000,
      untilMs: 0,
      everyMs: 10,
      frameBytes: 100,
    });
    expect(backlog.windowMs(backlog.rate(NOW))).toBeGreaterThan(99_000);
    expect(backlog.windowMs(backlog.rate(NOW))).toBeLessThan(101_000);
  });

  it('is the same when less than ten seconds are kept', () => {
    const { backlog } = backlogWith(20_000, { fromMs: -60_000, untilMs: 0, everyMs: 10, frameBytes: 100 });
    expect(backlog.windowMs(backlog.rate(NOW))).toBeGreaterThan(1_900);
    expect(backlog.windowMs(backlog.rate(NOW))).toBeLessThan(2_100);
  });

  it('is of all shards together, whatever part of the writes a shard has', () => {
    const steady = { fromMs: -10_000, untilMs: 0, everyMs: 10, frameBytes: 50 };
    const { backlog } = backlogWith(1_000_000, steady, { ...steady, shard: 1 });
    const windowMs = backlog.windowMs(backlog.rate(NOW));
    expect(windowMs).toBeGreaterThan(99_000);
    expect(windowMs).toBeLessThan(101_000);
  });

  it('has no end while nothing is written: before the first write, and ten seconds after the last', () => {
    const { backlog } = backlogWith(1_000_000);
    expect(backlog.windowMs(backlog.rate(NOW))).toBeUndefined();
    backlog.push(0, Buffer.alloc(1_000), 1n, 5n, NOW);
    expect(backlog.windowMs(backlog.rate(NOW + 9_999))).toBeDefined();
    expect(backlog.windowMs(backlog.rate(NOW + 10_000))).toBeUndefined();
  });

  it('takes a burst that has just begun for no more than it would be over a second', () => {
    const { backlog } = backlogWith(1_000_000);
    backlog.push(0, Buffer.alloc(1_000), 1n, 5n, NOW);
    expect(backlog.windowMs(backlog.rate(NOW))).toBe(1_000_000);
  });

  it('forgets a burst as it passes', () => {
    const { backlog } = backlogWith(1_000_000, { fromMs: -1_000, untilMs: 0, everyMs: 1, frameBytes: 100 });
    const windows = [0, 2_000, 8_000].map((laterMs) => backlog.windowMs(backlog.rate(NOW + laterMs))!);
    expect(windows[0]).toBeLessThan(11_000);
    expect(windows[1]).toBeGreaterThan(2 * windows[0]!);
    expect(windows[2]).toBeGreaterThan(2 * windows[1]!);
  });

  it('does not take an old, quiet time for the present', () => {
    const { backlog } = backlogWith(
      10_000_000,
      { fromMs: -3_600_000, untilMs: -3_000_000, everyMs: 10, frameBytes: 100 },
      { fromMs: -20_000, untilMs: 0, everyMs: 10, frameBytes: 1_000 },
    );
    // 100 bytes a millisecond.
    expect(backlog.windowMs(backlog.rate(NOW))).toBeGreaterThan(99_000);
    expect(backlog.windowMs(backlog.rate(NOW))).toBeLessThan(101_000);
  });

  it('is nothing where not even one frame fits', () => {
    const { backlog } = backlogWith(10, { fromMs: -1_000, untilMs: 0, everyMs: 100, frameBytes: 100 });
    expect(backlog.windowMs(backlog.rate(NOW))).toBe(0);
  });

  it('stands whatever the clock: set back, or a primary’s that is ahead of its relay’s', () => {
    const { backlog } = backlogWith(1_000_000, {
      fromMs: 3_600_000 - 60_000,
      untilMs: 3_600_000,
      everyMs: 10,
      frameBytes: 100,
    });
    expect(backlog.windowMs(backlog.rate(NOW))).toBeGreaterThan(99_000);
    expect(backlog.windowMs(backlog.rate(NOW))).toBeLessThan(101_000);
  });
});

describe('what a replica has left of it', () => {
  it('is the rest of what is kept, in bytes and at the present rate', () => {
    const { backlog, sequences } = backlogWith(1_000_000, {
      fromMs: -60_000,
      untilMs: 0,
      everyMs: 10,
      frameBytes: 100,
    });
    expect(leewayOf(backlog, sequences)).toMatchObject({ lackingBytes: 0, limitBytes: 1_000_000 });
    const behind = leewayOf(backlog, [sequences[0]! - 4_000n, 0n])!;
    expect(behind).toMatchObject({ lackingBytes: 400_000 });
    expect(behind.ms).toBeGreaterThan(59_000);
    expect(behind.ms).toBeLessThan(61_000);
  });

  it('is all of it for who is level, and only for who is', () => {
    const { backlog, sequences } = backlogWith(1_000, {
      fromMs: -60_000,
      untilMs: 0,
      everyMs: 10,
      frameBytes: 100,
    });
    const [first, ...others] = sequences;
    expect(backlog.isLevel(sequences)).toBe(true);
    const level = { records: 0, bytes: 0, ms: 0 };
    expect(backlog.allBehind(sequences)).toEqual({ ...level, shards: sequences.map(() => level) });
    for (const held of [[first! - 1n, ...others], [first! + 1n, ...others], [...sequences, 0n], []]) {
      expect(backlog.isLevel(held)).toBe(false);
    }
    expect(leewayOf(backlog, [first! + 1n, ...others])).toBeUndefined();
    expect(leewayOf(backlog, [...sequences, 0n])).toBeUndefined();
  });

  it('is nothing at all once a frame that it lacks is gone', () => {
    const { backlog, sequences } = backlogWith(10_000, {
      fromMs: -60_000,
      untilMs: 0,
      everyMs: 10,
      frameBytes: 100,
    });
    expect(leewayOf(backlog, [sequences[0]! - 100n, 0n])).toMatchObject({ lackingBytes: 10_000, ms: 0 });
    expect(leewayOf(backlog, [sequences[0]! - 101n, 0n])).toBeUndefined();
  });

  it('is told apart, roughly and without looking at each shard, by watermarks', () => {
    const { backlog, sequences } = backlogWith(10_000, {
      fromMs: -60_000,
      untilMs: 0,
      everyMs: 10,
      frameBytes: 100,
    });
    const [newest = 0n] = sequences;
    expect(backlog.watermarksLacking(0.25)).toEqual([newest - 25n, 0n]);
    expect(backlog.watermarksLacking(0)).toEqual([newest, 0n]);
    expect(backlog.watermarksLacking(1)).toEqual([newest - 100n, 0n]);
  });

  it('has no end while nothing is written', () => {
    const { backlog } = backlogWith(1_000_000, {
      fromMs: -60_000,
      untilMs: -50_000,
      everyMs: 10,
      frameBytes: 100,
    });
    expect(leewayOf(backlog, [10n, 0n])).toMatchObject({ lackingBytes: 99_000, ms: undefined });
  });
});
