/**
 * Expiry against an oracle on a clock that stands until it is told: on access, by sweeps, on primary and
 * replica.
 */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import { decodeBatch, NO_EXPIRY } from '../../src/frame/batch.js';
import { batchBytes } from '../support/batch-bytes.js';
import { contentOf, newEngine, newReplica, StandingClock } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const k = Buffer.from('k');
const value = Buffer.from('value');

/** Returns the records that a store emits from now on, as `op key`. */
function emittedBy(engine: ReturnType<typeof newEngine>): string[] {
  const emitted: string[] = [];
  engine.onBatch = ({ payload }) => {
    for (const { op, key } of decodeBatch(payload).records) emitted.push(`${op} ${key}`);
  };
  return emitted;
}

it('keys leave in the order of their times, whatever was set, moved and persisted before', () => {
  const KEYS = 3_000;
  const random = new RandomSource(61);
  const clock = new StandingClock();
  const engine = newEngine({ clock });
  const expiries = new Map<number, number>();
  const held = new Set<number>();
  const keyOf = (n: number) => Buffer.from(`key:${n}`);
  let due = 0;

  for (let round = 0; round < 400; round++) {
    for (let change = 0; change < 100; change++) {
      const n = random.below(KEYS);
      const expireAtMs = clock.ms + random.between(1, random.pick([10, 1000, 100_000]));
      switch (random.below(6)) {
        case 0:
          engine.set(keyOf(n), value);
          held.add(n);
          expiries.delete(n);
          break;
        case 1:
        case 2:
          engine.set(keyOf(n), Buffer.alloc(random.below(100)), BigInt(expireAtMs));
          held.add(n);
          expiries.set(n, expireAtMs);
          break;
        case 3:
          expect(engine.expire(keyOf(n), BigInt(expireAtMs))).toBe(held.has(n));
          if (held.has(n)) expiries.set(n, expireAtMs);
          break;
        case 4:
          expect(engine.expire(keyOf(n), NO_EXPIRY)).toBe(held.has(n));
          expiries.delete(n);
          break;
        default:
          expect(engine.del(keyOf(n))).toBe(held.delete(n));
          expiries.delete(n);
      }
    }
    clock.pass(random.below(300));
    if (random.chance(0.3)) engine.compact(1000);
    const past = [...expiries].filter(([, at]) => at <= clock.ms).map(([n]) => n);
    due += past.length;
    for (const n of past) {
      held.delete(n);
      expiries.delete(n);
    }
    expect(engine.sweep(100_000)).toBe(past.length);
    expect(engine.keyCount()).toBe(held.size);
    expect(engine.expiringKeyCount()).toBe(expiries.size);
  }
  expect(due).toBeGreaterThan(1000);
  for (let n = 0; n < KEYS; n++) {
    const expected = held.has(n) ? BigInt(expiries.get(n) ?? NO_EXPIRY) : undefined;
    expect(engine.expiryOf(keyOf(n))).toBe(expected);
  }
  clock.pass(1_000_000);
  engine.sweep(1_000_000);
  expect(engine.expiringKeyCount()).toBe(0);
  expect(engine.keyCount()).toBe(held.size - expiries.size);
});

it('a sweep of few takes those whose time came first', () => {
  const clock = new StandingClock();
  const engine = newEngine({ clock, shards: 1 });
  const order = [50, 10, 40, 20, 30, 60];
  for (const ms of order) engine.set(Buffer.from(`${ms}`), value, BigInt(clock.ms + ms));
  const emitted = emittedBy(engine);
  engine.flush();
  emitted.length = 0;
  clock.pass(100);
  expect(engine.sweep(2)).toBe(2);
  expect(engine.sweep(3)).toBe(3);
  expect(engine.sweep(3)).toBe(1);
  engine.flush();
  expect(emitted).toEqual(['del 10', 'del 20', 'del 30', 'del 40', 'del 50', 'del 60']);
});

it('a million expiring keys are held and left without faults in their heap', () => {
  const clock = new StandingClock();
  const engine = newEngine({ clock, shards: 1 });
  const random = new RandomSource(3);
  for (let n = 0; n < 300_000; n++) {
    engine.set(Buffer.from(`key:${n}`), value, BigInt(clock.ms + 1 + random.below(1_000_000)));
  }
  const heap = engine.memory().tables;
  let last = 300_000;
  for (let step = 0; step < 10; step++) {
    clock.pass(100_000);
    engine.sweep(1_000_000);
    expect(engine.keyCount()).toBeLessThan(last);
    last = engine.keyCount();
  }
  clock.pass(1);
  engine.sweep(10);
  expect(engine.keyCount()).toBe(0);
  expect(engine.memory().tables).toBeLessThan(heap / 20);
});

describe('on a primary', () => {
  it.each([
    ['get', (engine: ReturnType<typeof newEngine>) => expect(engine.get(k)).toBeUndefined()],
    ['del', (engine: ReturnType<typeof newEngine>) => expect(engine.del(k)).toBe(false)],
    ['expire', (engine: ReturnType<typeof newEngine>) => expect(engine.expire(k, NO_EXPIRY)).toBe(false)],
    ['expiryOf', (engine: ReturnType<typeof newEngine>) => expect(engine.expiryOf(k)).toBeUndefined()],
    ['sweep', (engine: ReturnType<typeof newEngine>) => expect(engine.sweep(1)).toBe(1)],
  ])('%s deletes what is past its time, and tells', (_, access) => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const emitted = emittedBy(engine);
    engine.set(k, value, BigInt(clock.ms + 10));
    clock.pass(9);
    expect(engine.get(k)).toEqual(value);
    clock.pass(1);
    access(engine);
    engine.flush();
    expect(emitted).toEqual(['set k', 'del k']);
    expect(engine.keyCount()).toBe(0);
    expect(engine.kernel.exports.expiredCount()).toBe(1);
  });

  it('a set over it tells of the deletion first', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const emitted = emittedBy(engine);
    engine.set(k, value, BigInt(clock.ms + 10));
    clock.pass(10);
    engine.set(k, value);
    engine.flush();
    expect(emitted.at(-1)).toBe('set k');
    expect(engine.expiryOf(k)).toBe(NO_EXPIRY);
  });

  it('a set or an expiry in the past is a deletion', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const emitted = emittedBy(engine);
    engine.set(k, value, BigInt(clock.ms));
    engine.set(k, value);
    engine.set(k, value, BigInt(clock.ms - 1));
    engine.set(k, value);
    expect(engine.expire(k, 0n)).toBe(true);
    engine.flush();
    expect(emitted).toEqual(['set k', 'del k', 'set k', 'del k']);
    expect(engine.keyCount()).toBe(0);
  });
});

describe('on a replica', () => {
  const clock = new StandingClock();
  const engine = newReplica({ clock });
  const emitted = emittedBy(engine);
  engine.onDirty = () => emitted.push('dirty');
  const [shard] = [engine.route(k).shard];
  engine.apply(batchBytes({ shard, sequence: 1n, op: 1, expireAtMs: BigInt(clock.ms + 10), key: k, value }));

  it('what is past its time is hidden and kept, and nothing is told', () => {
    expect(engine.get(k)).toEqual(value);
    clock.pass(10);
    expect(engine.get(k)).toBeUndefined();
    expect(engine.expiryOf(k)).toBeUndefined();
    expect(engine.keyCount()).toBe(1);
    expect(contentOf(engine).size).toBe(1);
    engine.flush();
    expect(emitted).toEqual([]);
  });

  it('a sweep deletes it silently', () => {
    expect(engine.sweep(10)).toBe(1);
    expect(engine.keyCount()).toBe(0);
    engine.flush();
    expect(emitted).toEqual([]);
    expect(engine.watermarks()[shard]).toBe(1n);
  });

  it('that becomes a primary deletes and tells', () => {
    engine.apply(
      batchBytes({ shard, sequence: 2n, op: 1, expireAtMs: BigInt(clock.ms + 10), key: k, value }),
    );
    engine.setReplica(false);
    clock.pass(10);
    expect(engine.get(k)).toBeUndefined();
    engine.flush();
    expect(emitted).toEqual(['dirty', 'del k']);
    expect(engine.watermarks()[shard]).toBe(3n);
  });
});

describe('the average time that keys have left', () => {
  it('is 0 without keys that expire', () => {
    const engine = newEngine();
    engine.set(Buffer.from('stays'), Buffer.alloc(1));
    expect(engine.averageTtlMs()).toBe(0);
  });

  it.each([1, 100, 50_000])('is near the true one of %i keys, and gets less with time', (count) => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    for (let n = 0; n < count; n++) {
      engine.set(Buffer.from(`key:${n}`), Buffer.alloc(1), BigInt(clock.ms + 60_000 + ((n * 7919) % 40_000)));
    }
    const before = engine.averageTtlMs();
    expect(before).toBeGreaterThanOrEqual(count === 1 ? 60_000 : 75_000);
    expect(before).toBeLessThanOrEqual(count === 1 ? 60_000 : 85_000);
    clock.pass(30_000);
    expect(engine.averageTtlMs()).toBe(before - 30_000);
    clock.pass(100_000);
    expect(engine.averageTtlMs()).toBe(0);
  });
});
