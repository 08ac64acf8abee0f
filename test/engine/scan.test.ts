/**
 * A scan with writes between its steps: it meets every key that is there throughout, and each step is as
 * small as was asked.
 */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import type { SnapshotScan } from '../../src/engine/types.js';
import { keyHashedTo, newChosenEngine } from '../support/colliding-keys.js';
import { entriesOf, newEngine, scanAll } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);

function fill(engine: ShardEngine, from: number, to: number, value = Buffer.alloc(20, 'v')): void {
  for (let n = from; n < to; n++) engine.set(keyOf(n), value);
}

/** Walks a scan to its end with `between` called after each step; how often each key was met. */
function walk(scan: SnapshotScan, maxBytes: number, between: (step: number) => void): Map<string, number> {
  const met = new Map<string, number>();
  for (let step = 0; ; step++) {
    const { entries, entryCount, done } = scan.next(maxBytes);
    if (entryCount > 1) expect(entries.length).toBeLessThanOrEqual(maxBytes);
    if (!done) expect(entryCount).toBeGreaterThan(0);
    for (const { key } of entriesOf(entries, entryCount)) {
      const name = key.toString();
      met.set(name, (met.get(name) ?? 0) + 1);
    }
    if (done) break;
    between(step);
  }
  scan.close();
  return met;
}

function missing(met: Map<string, number>, from: number, to: number): number {
  let lacking = 0;
  for (let n = from; n < to; n++) if (!met.has(`key:${n}`)) lacking++;
  return lacking;
}

describe('a scan', { timeout: 120_000 }, () => {
  it.each([1, 4, 64, 1024])('of %i shards at rest meets every key exactly once', (shards) => {
    const engine = newEngine({ shards });
    fill(engine, 0, 30_000);
    for (const maxBytes of [1, 100, 4096, 1_000_000]) {
      const met = walk(engine.scan(), maxBytes, () => {});
      expect(met.size).toBe(30_000);
      expect([...met.values()].every((times) => times === 1)).toBe(true);
    }
  });

  it('of nothing is done at once', () => {
    const { entries, entryCount, done } = newEngine({ shards: 64 }).scan().next(1000);
    expect({ bytes: entries.length, entryCount, done }).toEqual({ bytes: 0, entryCount: 0, done: true });
  });

  it('of a store that was emptied is done at once too', () => {
    const engine = newEngine({ shards: 1 });
    fill(engine, 0, 50_000);
    for (let n = 0; n < 50_000; n++) engine.del(keyOf(n));
    expect(engine.scan().next(1000)).toMatchObject({ entryCount: 0, done: true });
  });

  it('brings values larger than a step in steps of their own', () => {
    const engine = newEngine();
    fill(engine, 0, 1000);
    const sizes = [5_000, 70_000, 3_000_000, 20_000_000];
    for (const size of sizes) engine.set(Buffer.from(`large:${size}`), Buffer.alloc(size, 'L'));
    const found = new Map<string, number>();
    const scan = engine.scan();
    for (let done = false; !done; ) {
      const step = scan.next(4096);
      done = step.done;
      if (step.entries.length > 4096) expect(step.entryCount).toBe(1);
      for (const { key, value } of entriesOf(step.entries, step.entryCount))
        found.set(key.toString(), value.length);
    }
    expect(found.size).toBe(1004);
    for (const size of sizes) expect(found.get(`large:${size}`)).toBe(size);
    const before = engine.memory().allocated;
    scan.close();
    expect(engine.memory().allocated).toBeLessThanOrEqual(before);
  });
});

describe('while', { timeout: 120_000 }, () => {
  const STAYING = 20_000;

  it('the store grows many times over, what was there is met', () => {
    const engine = newEngine();
    fill(engine, 0, STAYING);
    let next = STAYING;
    const met = walk(engine.scan(), 20_000, () => {
      if (next >= 10 * STAYING) return;
      fill(engine, next, next + 4_000);
      next += 4_000;
    });
    expect(next).toBe(10 * STAYING);
    expect(missing(met, 0, STAYING)).toBe(0);
  });

  it('the store shrinks to a tenth, what stays is met', () => {
    const engine = newEngine();
    fill(engine, 0, 10 * STAYING);
    let next = STAYING;
    const met = walk(engine.scan(), 20_000, () => {
      for (const end = Math.min(next + 3_000, 10 * STAYING); next < end; next++) engine.del(keyOf(next));
    });
    expect(engine.keyCount()).toBe(STAYING);
    expect(missing(met, 0, STAYING)).toBe(0);
  });

  it('it grows and shrinks by turns, values change their sizes and memory is compacted, what stays is met', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = new RandomSource(seed);
      const engine = newEngine({ shards: 2 });
      fill(engine, 0, STAYING);
      let others = STAYING;
      let scanned = 0;
      const met = walk(engine.scan(), random.between(4000, 40_000), (step) => {
        if (step % 20 < 10) {
          fill(engine, others, others + 500);
          others += 500;
        } else for (const end = Math.max(STAYING, others - 500); others > end; ) engine.del(keyOf(--others));
        for (let n = 0; n < 100; n++)
          engine.set(keyOf(random.below(STAYING)), Buffer.alloc(random.skewed(100), 'w'));
        engine.compact(500);
        scanned++;
      });
      expect(scanned).toBeGreaterThan(20);
      expect(missing(met, 0, STAYING), `seed ${seed}`).toBe(0);
    }
  });

  it('many cursors go their ways at once, each meets everything', () => {
    const engine = newEngine();
    fill(engine, 0, STAYING);
    const random = new RandomSource(77);
    const scans = Array.from({ length: 50 }, () => ({
      scan: engine.scan(),
      met: new Set<string>(),
      done: false,
    }));
    let next = STAYING;
    while (scans.some(({ done }) => !done)) {
      const one = random.pick(scans.filter(({ done }) => !done));
      const step = one.scan.next(random.between(500, 60_000));
      one.done = step.done;
      for (const { key } of entriesOf(step.entries, step.entryCount)) one.met.add(key.toString());
      const change = random.below(5);
      if (change === 0 && next < 5 * STAYING) {
        fill(engine, next, next + 500);
        next += 500;
      }
      if (change === 1)
        for (const end = Math.max(STAYING, next - 500); next > end; ) engine.del(keyOf(--next));
    }
    for (const { scan, met } of scans) {
      scan.close();
      for (let n = 0; n < STAYING; n++) if (!met.has(`key:${n}`)) expect.fail(`key:${n} was not met`);
    }
  });
});

it('what a scan shows are values as they are at that moment, with their expiry', () => {
  const engine = newEngine();
  engine.set(Buffer.from('plain'), Buffer.from('1'));
  engine.set(Buffer.from('expiring'), Buffer.from('2'), 1_900_000_000_000n);
  const scan = engine.scan();
  engine.set(Buffer.from('plain'), Buffer.from('changed'));
  const { entries, entryCount } = scan.next(10_000);
  const shown = [...entriesOf(entries, entryCount)].map(
    ({ key, value, expireAtMs }) => `${key}=${value}@${expireAtMs}`,
  );
  expect(shown.sort()).toEqual(['expiring=2@1900000000000', 'plain=changed@null']);
  expect([...scanAll(engine)].length).toBe(2);
});

describe('a scan that sleeps while its segment is split', () => {
  // A generation of 16 bits came again after so many splits; after the others its halves and a word of it
  // wrap round.
  it.each([2n ** 16n, 2n ** 24n, 2n ** 32n])('does not take it for its own %i generations later', (later) => {
    const engine = newChosenEngine();
    // Keys of the first of a new table's two segments, which has the first generation.
    const keys = Array.from({ length: 700 }, (_, n) => keyHashedTo(scattered(n) >> 1n));
    for (const key of keys.slice(0, 600)) engine.set(key, Buffer.alloc(20));
    const scan = engine.scan();
    const met = new Set<string>();
    const take = (): boolean => {
      const { entries, entryCount, done } = scan.next(10_000);
      for (const { key } of entriesOf(entries, entryCount)) met.add(key.toString('hex'));
      return done;
    };
    take();
    expect(met.size).toBeGreaterThan(100);
    // A split gives its second half a generation, and then the first: this one is 1 + later.
    engine.kernel.exports.skipGenerations!(later - 3n);
    for (const key of keys.slice(600)) engine.set(key, Buffer.alloc(20));
    engine.kernel.invariants();
    while (!take());
    const lacking = keys.slice(0, 600).filter((key) => !met.has(key.toString('hex')));
    expect(lacking).toEqual([]);
    scan.close();
  });
});

it('a scan that sleeps while its segment is joined with the next meets the keys of both', () => {
  const engine = newChosenEngine();
  const mixed = Array.from({ length: 700 }, (_, n) => scattered(n) >> 1n);
  // They split the first of a new table's two segments into a quarter each.
  const [first, second] = [0n, 1n].map((quarter) =>
    mixed.filter((bits) => bits >> 62n === quarter).map((bits) => keyHashedTo(bits)),
  ) as [Buffer[], Buffer[]];
  for (const key of [...first, ...second]) engine.set(key, Buffer.alloc(20));
  const scan = engine.scan();
  const met = new Set<string>();
  const take = (): boolean => {
    const { entries, entryCount, done } = scan.next(6_000);
    for (const { key } of entriesOf(entries, entryCount)) met.add(key.toString('hex'));
    return done;
  };
  take();
  expect(met.size).toBeGreaterThan(100);
  expect(second.some((key) => met.has(key.toString('hex')))).toBe(false);
  const segments = engine.memory().tables;
  for (const key of second.slice(200)) engine.del(key);
  for (const key of first.filter((key) => met.has(key.toString('hex')))) engine.del(key);
  engine.kernel.invariants();
  expect(engine.memory().tables).toBeLessThan(segments);
  while (!take());
  const lacking = [...first, ...second.slice(0, 200)].filter((key) => !met.has(key.toString('hex')));
  expect(lacking).toEqual([]);
  scan.close();
});

/** Bits that differ in all places from one number to the next. */
function scattered(n: number): bigint {
  return BigInt.asUintN(64, BigInt(n + 1) * 0x9e37_79b9_7f4a_7c15n);
}
