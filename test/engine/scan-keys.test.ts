/** SCAN and KEYS: keys by a cursor that outlives whatever is written between the steps, each exactly once. */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { keyHashedTo, newChosenEngine } from '../support/colliding-keys.js';
import { matchingKeys, newEngine, newReplica, StandingClock, scanKeys } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const CURSOR_END = 2n ** 53n;
/** The keys that a step may look at beyond its COUNT: the rest of a bucket. */
const SLACK = 64;
const value = Buffer.from('value');
const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);

function fill(engine: ShardEngine, from: number, to: number): void {
  for (let n = from; n < to; n++) engine.set(keyOf(n), value);
}

/** How often each key is returned, by its bytes in latin1, with `between` called after each step. */
function walk(
  engine: ShardEngine,
  count: () => number,
  between: (step: number) => void = () => {},
): Map<string, number> {
  const times = new Map<string, number>();
  let cursor = 0n;
  let before = -1n;
  for (let step = 0; ; step++) {
    const asked = count();
    const { cursor: next, keys } = scanKeys(engine, cursor, asked);
    if (keys.length > asked + SLACK) expect.fail(`${keys.length} keys where ${asked} were asked for`);
    for (const key of keys) {
      const name = key.toString('latin1');
      times.set(name, (times.get(name) ?? 0) + 1);
    }
    if (next === 0n) return times;
    if (next <= before || next >= CURSOR_END) expect.fail(`cursor ${next} behind ${before}`);
    before = next;
    cursor = next;
    between(step);
  }
}

/** Those of `key:0` to `key:<count - 1>` that were not met exactly once. */
function notOnce(times: Map<string, number>, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `key:${n}`).filter((name) => times.get(name) !== 1);
}

describe('a scan', { timeout: 120_000 }, () => {
  it.each([1, 2, 4, 64, 1024])('of %i shards at rest gives every key exactly once', (shards) => {
    const engine = newEngine({ shards });
    fill(engine, 0, 20_000);
    for (const count of [1, 10, 1_000, 1_000_000]) {
      const times = walk(engine, () => count);
      expect(times.size).toBe(20_000);
      expect(notOnce(times, 20_000)).toEqual([]);
    }
  });

  it('takes about as many steps as COUNT says', () => {
    const engine = newEngine({ shards: 4 });
    fill(engine, 0, 100_000);
    for (const count of [10, 100, 1_000]) {
      let steps = 1;
      walk(
        engine,
        () => count,
        () => steps++,
      );
      expect(steps).toBeGreaterThan(100_000 / (count + SLACK));
      expect(steps).toBeLessThan((100_000 / count) * 1.1);
    }
  });

  it('of a sparse store comes to its end soon', () => {
    for (const shards of [1, 64, 1024]) {
      const engine = newEngine({ shards });
      expect(scanKeys(engine, 0n, 10)).toEqual({ cursor: 0n, keys: [] });
      fill(engine, 0, 20);
      let steps = 1;
      expect(
        walk(
          engine,
          () => 10,
          () => steps++,
        ).size,
      ).toBe(20);
      expect(steps).toBeLessThan(10);
      while (!engine.keyspace.deleteSome(1_000));
      expect(scanKeys(engine, 0n, 10)).toEqual({ cursor: 0n, keys: [] });
    }
  });

  it('keeps any bytes of a key', () => {
    const engine = newEngine();
    const random = new RandomSource(5);
    const keys = [Buffer.alloc(0), Buffer.from([0]), Buffer.from('\r\n*'), random.bytes(70_000)];
    for (let n = 0; n < 2_000; n++) keys.push(random.bytes(random.between(5, 300)));
    for (const key of keys) engine.set(key, value);
    const expected = keys.map((key) => key.toString('latin1')).sort();
    expect([...walk(engine, () => 10).keys()].sort()).toEqual(expected);
    const listed = matchingKeys(engine, Buffer.from('*'));
    expect(listed.map((key) => key.toString('latin1')).sort()).toEqual(expected);
  });

  it('takes any cursor', () => {
    const engine = newEngine({ shards: 8 });
    fill(engine, 0, 5_000);
    const random = new RandomSource(9);
    for (const cursor of [
      8n << 42n,
      (8n << 42n) + 5n,
      2n ** 53n,
      2n ** 63n,
      2n ** 64n - 1n,
      2n ** 64n - 2n ** 42n,
    ])
      expect(scanKeys(engine, cursor, 10)).toEqual({ cursor: 0n, keys: [] });
    for (let n = 0; n < 20_000; n++) {
      const bits = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
      const { cursor, keys } = scanKeys(engine, bits >> BigInt(random.below(64)), random.between(1, 20));
      expect(cursor).toBeLessThan(8n << 42n);
      expect(keys.length).toBeLessThanOrEqual(20 + SLACK);
    }
    expect(scanKeys(engine, 0n, Number.MAX_SAFE_INTEGER).keys.length).toBe(5_000);
  });

  it('filters behind COUNT, and leaves out what has expired', () => {
    for (const makes of [newEngine, newReplica]) {
      const clock = new StandingClock();
      const engine = makes({ clock });
      for (let n = 0; n < 3_000; n++)
        engine.set(keyOf(n), value, n % 3 === 0 ? BigInt(clock.ms + 10) : undefined);
      clock.pass(10);
      const found = new Set<string>();
      let steps = 0;
      for (let cursor = 0n; steps === 0 || cursor !== 0n; steps++) {
        const step = scanKeys(engine, cursor, 10, Buffer.from('key:*7'));
        for (const key of step.keys) found.add(key.toString());
        cursor = step.cursor;
      }
      const expected = Array.from({ length: 3_000 }, (_, n) => n).filter((n) => n % 3 !== 0 && n % 10 === 7);
      expect([...found].sort()).toEqual(expected.map((n) => `key:${n}`).sort());
      expect(matchingKeys(engine, Buffer.from('key:*7')).length).toBe(expected.length);
      expect(steps).toBeGreaterThan(200);
      expect(engine.keyCount()).toBe(3_000);
    }
  });

  it('brings huge keys in steps of their own, and always goes on', () => {
    const engine = newEngine({ shards: 1 });
    fill(engine, 0, 500);
    const sizes = [50_000, 60_000, 70_000, 500_000, 5_000_000, 64 * 1024 * 1024];
    for (const size of sizes) engine.set(Buffer.alloc(size, 'L'), value);
    const found: number[] = [];
    let steps = 0;
    for (let cursor = 0n; steps === 0 || cursor !== 0n; steps++) {
      const { cursor: next, keys } = scanKeys(engine, cursor, 10);
      const bytes = keys.reduce((sum, key) => sum + key.length, 0);
      if (keys.length > 1) expect(bytes).toBeLessThanOrEqual(128 * 1024);
      found.push(...keys.map((key) => key.length).filter((length) => length > 10_000));
      cursor = next;
    }
    expect(found.sort((a, b) => a - b)).toEqual(sizes);
    expect(steps).toBeLessThan(100);
  });
});

describe('while', { timeout: 120_000 }, () => {
  const STAYING = 5_000;

  it.each([
    [1, 10],
    [4, 1],
    [4, 100],
    [64, 1_000],
  ])(
    'a store of %i shards grows, shrinks and is compacted, COUNT %i gives what stays exactly once',
    (shards, count) => {
      for (let seed = 1; seed <= 3; seed++) {
        const random = new RandomSource(seed);
        const engine = newEngine({ shards });
        fill(engine, 0, STAYING);
        let others = STAYING;
        let most = others;
        const steps = STAYING / count;
        // Up to ten times as many, and back, several times over a scan.
        const wave = Math.max(4, steps / 5);
        const change = Math.ceil((10 * STAYING) / (wave / 2));
        const times = walk(
          engine,
          () => random.between(1, 2 * count),
          (step) => {
            if (step > 20 * steps) return;
            if (step % wave < wave / 2) {
              fill(engine, others, others + change);
              others += change;
            } else
              for (const end = Math.max(STAYING, others - change); others > end; )
                engine.del(keyOf(--others));
            if (random.chance(0.1))
              engine.set(keyOf(random.below(STAYING)), Buffer.alloc(random.skewed(1_000)));
            if (random.chance(0.1)) engine.compact(500);
            most = Math.max(most, others);
          },
        );
        expect(most).toBeGreaterThan(5 * STAYING);
        expect(notOnce(times, STAYING), `seed ${seed}`).toEqual([]);
        // Not even what comes and goes is given twice.
        expect([...times.values()].every((n) => n === 1)).toBe(true);
      }
    },
  );

  it('many cursors go their ways at once, each gives everything once', () => {
    const engine = newEngine();
    fill(engine, 0, STAYING);
    const random = new RandomSource(77);
    const scans = Array.from({ length: 30 }, () => ({ cursor: 0n, keys: [] as string[], done: false }));
    let next = STAYING;
    for (let open = scans; open.length > 0; open = open.filter(({ done }) => !done)) {
      const one = random.pick(open);
      const step = scanKeys(engine, one.cursor, random.between(1, 300));
      one.cursor = step.cursor;
      one.done = step.cursor === 0n;
      one.keys.push(...step.keys.map(String));
      const change = random.below(3);
      if (change === 0 && next < 10 * STAYING) fill(engine, next, (next += 2_000));
      if (change === 1)
        for (const end = Math.max(STAYING, next - 2_000); next > end; ) engine.del(keyOf(--next));
    }
    for (const { keys } of scans) {
      const staying = keys.filter((name) => Number(name.slice(4)) < STAYING);
      expect(staying.length).toBe(STAYING);
      expect(new Set(staying).size).toBe(STAYING);
    }
  });
});

describe('keys that all fall into one segment', { timeout: 120_000 }, () => {
  const sharedBits = 0xabcdn << 48n;
  const places: [string, (n: number) => bigint][] = [
    ['of one bucket', (n) => sharedBits | (BigInt(n) << 28n)],
    ['of all buckets', (n) => sharedBits | (BigInt(n >> 6) << 28n) | (BigInt(n & 63) << 8n)],
  ];

  it.each(places)('%s come once, in bounded steps, while others come and go', (_, mixedOf) => {
    const engine = newChosenEngine();
    const keys = Array.from({ length: 20_000 }, (_, n) => keyHashedTo(mixedOf(n)));
    for (const key of keys) engine.set(key, value);
    const leaving = keys.filter((_, n) => n % 10 !== 0);
    const names = keys.filter((_, n) => n % 10 === 0).map((key) => key.toString('latin1'));
    const times = walk(
      engine,
      () => 50,
      () => {
        for (const key of leaving.splice(0, 40)) engine.del(key);
      },
    );
    expect(names.filter((name) => times.get(name) !== 1)).toEqual([]);
    expect(Math.max(...times.values())).toBe(1);
  });

  it('keys of one place come in one step, however many', () => {
    const engine = newChosenEngine();
    // Bits 14 to 27 of the keyed hash are in no cursor.
    const keys = Array.from({ length: 10_000 }, (_, n) => keyHashedTo((0xabcdn << 40n) | (BigInt(n) << 14n)));
    for (const key of keys) engine.set(key, value);
    fill(engine, 0, 1_000);
    const met: string[] = [];
    let cursor = 0n;
    do {
      const step = scanKeys(engine, cursor, 1);
      met.push(...step.keys.map((key) => key.toString('latin1')));
      cursor = step.cursor;
    } while (cursor !== 0n);
    expect(met.length).toBe(11_000);
    expect(new Set(met).size).toBe(11_000);
  });
});

describe('RANDOMKEY', () => {
  it.each([
    [1, 5],
    [4, 40],
    [64, 300],
    [1, 20_000],
    [4, 50_000],
  ])('of %i shards gives each of %i keys about as often', (shards, keys) => {
    const engine = newEngine({ shards });
    fill(engine, 0, keys);
    const BINS = 5;
    const perBin = keys / BINS;
    const bins = new Array<number>(BINS).fill(0);
    for (let n = 0; n < 50_000; n++) {
      const bin = Math.floor(Number(engine.keyspace.random()!.toString().slice(4)) / perBin);
      bins[bin]! += 1;
    }
    for (const count of bins) {
      expect(count).toBeGreaterThan(9_400);
      expect(count).toBeLessThan(10_600);
    }
  });

  it('gives none of an empty store, nor what has expired', () => {
    for (const makes of [newEngine, newReplica]) {
      const clock = new StandingClock();
      const engine = makes({ clock, shards: 64 });
      expect(engine.keyspace.random()).toBeUndefined();
      fill(engine, 0, 3);
      for (let n = 3; n < 100; n++) engine.set(keyOf(n), value, BigInt(clock.ms + 10));
      clock.pass(10);
      const met = new Set(Array.from({ length: 200 }, () => engine.keyspace.random()!.toString()));
      expect([...met].sort()).toEqual(['key:0', 'key:1', 'key:2']);
      for (let n = 0; n < 3; n++) engine.del(keyOf(n));
      expect(engine.keyspace.random()).toBeUndefined();
    }
  });

  it('finds its way where all keys are in one deep segment', () => {
    const engine = newChosenEngine();
    for (let n = 0; n < 30_000; n++) engine.set(keyHashedTo((0xabcd_ef01n << 32n) | BigInt(n)), value);
    for (let n = 0; n < 1_000; n++) expect(engine.keyspace.random()?.length).toBe(9);
  });
});
