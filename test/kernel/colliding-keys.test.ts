/**
 * Keys that collide. Those of one XXH3-64, which anybody can make, cost no more than others; those that share
 * a place, which takes the secret, leave the table right, in proportion and open to all others.
 */
import '../support/debug-kernel.js';

import { xxh3 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { encodeSnapshotChunk } from '../../src/frame/snapshot.js';
import { keyHashedTo, keysOfOneXxh3, newChosenEngine } from '../support/colliding-keys.js';
import { contentOf, entriesOf, newEngine, newReplica } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const SEGMENT_KEYS = 768;
const SEGMENT_BYTES = 4096;
const random = new RandomSource(9);

/** Keys whose keyed hashes share the high 64 - `bits` bits and count up in the others. */
const counting = (count: number, shift = 0n): Buffer[] =>
  Array.from({ length: count }, (_, n) => keyHashedTo((0xabcd_ef01n << 32n) | (BigInt(n) << shift)));
/** Keys whose keyed hashes share the `bits` high bits and are random below. */
const sharing = (count: number, bits: number): Buffer[] =>
  Array.from({ length: count }, () => {
    const low = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    return keyHashedTo((0xa5a5n << 48n) ^ (low & ((1n << BigInt(64 - bits)) - 1n)));
  });
const ordinary = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => Buffer.from(`ordinary:${n}`));

function setAll(engine: ShardEngine, keys: Buffer[]): void {
  for (const key of keys) engine.set(key, key);
}

function expectContent(engine: ShardEngine, keys: Buffer[]): void {
  const content = contentOf(engine);
  expect(content.size).toBe(keys.length);
  expect(engine.keyCount()).toBe(keys.length);
  let wrong = 0;
  for (const key of keys) {
    const text = key.toString('latin1');
    if (content.get(text) !== `${text} @null` || !engine.get(key)?.equals(key)) wrong++;
  }
  expect(wrong).toBe(0);
}

/** How many buckets a lookup of each key looks at, on the average. */
function bucketsAKey(engine: ShardEngine, keys: Buffer[], isThere: boolean): number {
  const { exports } = engine.kernel;
  const before = exports.bucketsProbed!();
  for (const key of keys) expect(engine.expiryOf(key) !== undefined).toBe(isThere);
  return (exports.bucketsProbed!() - before) / keys.length;
}

describe('keys of one XXH3-64', { timeout: 120_000 }, () => {
  const keys = keysOfOneXxh3(48_000);
  const missing = keysOfOneXxh3(10_000, keys.length);

  it('are what anybody can make', () => {
    expect(new Set(keys.slice(0, 1_000).map((key) => xxh3.xxh64(key))).size).toBe(1);
  });

  it('are looked up as fast as others, and take the same room', () => {
    const engine = newEngine();
    const { shard } = engine.route(keys[0]!);
    const others = ordinary(400_000)
      .filter((key) => engine.route(key).shard === shard)
      .slice(0, keys.length);
    setAll(engine, others);
    const ordinaryTables = engine.memory().tables;
    const hit = bucketsAKey(engine, others, true);
    for (const key of others) engine.del(key);

    setAll(engine, keys);
    expect(bucketsAKey(engine, keys, true)).toBeLessThan(hit * 1.5);
    expect(bucketsAKey(engine, missing, false)).toBeLessThan(hit * 1.5);
    expect(engine.memory().tables).toBeLessThan(ordinaryTables * 1.5);
    setAll(engine, ordinary(10_000));
    expect(engine.keyCount()).toBe(keys.length + 10_000);
    for (const key of keys) expect(engine.del(key)).toBe(true);
    expectContent(engine, ordinary(10_000));
  });

  it('come to a replica by batches and by a snapshot', () => {
    const primary = newEngine();
    const follower = newReplica();
    primary.onBatch = ({ payload }) => follower.apply(Buffer.from(payload));
    const many = keysOfOneXxh3(50_000);
    setAll(primary, many);
    primary.flush();
    const joiner = newReplica({ secret: 7n });
    const before = joiner.kernel.exports.bucketsProbed!();
    const scan = primary.scan();
    for (let done = false; !done; ) {
      const step = scan.next(1_048_576);
      done = step.done;
      joiner.loadChunk(encodeSnapshotChunk({ ...step, chunkIndex: 0n, last: done, watermarks: [] }));
    }
    scan.close();
    // An assertion looks each key up once more before it is put in.
    expect(joiner.kernel.exports.bucketsProbed!() - before).toBeLessThan(many.length * 4);
    expect(follower.keyCount()).toBe(many.length);
    expectContent(joiner, many);
  });

  it('share no watch: a change of one is none of another', () => {
    const engine = newEngine();
    const [watched, other] = keys as [Buffer, Buffer];
    const ticket = engine.watches.watch(watched);
    engine.set(other, other);
    expect(engine.watches.changedSince(watched, ticket)).toBe(false);
    engine.set(watched, other);
    expect(engine.watches.changedSince(watched, ticket)).toBe(true);
  });

  it('are evicted as others are', () => {
    const engine = newEngine();
    setAll(engine, keys);
    const maxBytes = engine.usedBytes() / 2;
    engine.limitMemory({ maxBytes, policy: 'allkeys-lru' });
    while (engine.usedBytes() > maxBytes) expect(engine.makeRoom()).toBe(true);
    expect(engine.evictedCount()).toBeGreaterThan(keys.length / 4);
    expect(engine.keyCount()).toBe(keys.length - engine.evictedCount());
    engine.kernel.invariants();
  });
});

it('keys of one segment, one bucket and one tag are all kept', () => {
  const engine = newChosenEngine();
  const keys = counting(5_000, 14n);
  setAll(engine, keys);
  expectContent(engine, keys);
  expect(engine.memory().tables).toBeLessThan(64 * SEGMENT_BYTES);
  const gone = keys.filter((_, n) => n % 3 !== 0);
  for (const key of gone) expect(engine.del(key)).toBe(true);
  for (const key of gone) expect(engine.get(key)).toBeUndefined();
  expectContent(
    engine,
    keys.filter((_, n) => n % 3 === 0),
  );
});

it('a table that was made to chain and deep shrinks to nothing with its keys', () => {
  const engine = newChosenEngine();
  const keys = counting(30_000);
  setAll(engine, keys);
  expect(engine.memory().tables).toBeLessThan((30_000 / SEGMENT_KEYS + 40) * SEGMENT_BYTES);
  for (const key of keys) engine.del(key);
  expect(engine.keyCount()).toBe(0);
  expect(engine.memory().tables).toBeLessThanOrEqual(4 * SEGMENT_BYTES);
  setAll(engine, ordinary(5_000));
  expectContent(engine, ordinary(5_000));
});

it('a chain takes any number of keys, and others beside them', { timeout: 120_000 }, () => {
  const engine = newChosenEngine();
  const keys = counting(65 * SEGMENT_KEYS);
  setAll(engine, keys);
  setAll(engine, ordinary(10_000));
  for (const key of keys.slice(0, 2000)) expect(engine.del(key)).toBe(true);
  expectContent(engine, [...keys.slice(2000), ...ordinary(10_000)]);
});

it.each([8, 10, 16])('keys that share %i bits take no directory out of proportion', (bits) => {
  const engine = newChosenEngine();
  const keys = sharing(20_000, bits);
  setAll(engine, keys);
  expectContent(engine, keys);
  expect(engine.memory().tables).toBeLessThan(20_000 * 16 * 2);
});

it('a chain is split as soon as the directory is deep enough for it', { timeout: 120_000 }, () => {
  const engine = newChosenEngine();
  const chained = sharing(60_000, 10);
  const others = ordinary(300_000);
  setAll(engine, chained.slice(0, 30_000));
  setAll(engine, others);
  setAll(engine, chained.slice(30_000));
  expectContent(engine, [...chained, ...others]);
  expect(engine.memory().tables).toBeLessThan(engine.keyCount() * 16);
});

it('a scan of a chain that loses its parts meanwhile meets every key that stays', () => {
  const engine = newChosenEngine();
  const keys = counting(20_000);
  setAll(engine, keys);
  const staying = keys.filter((_, n) => n % 10 === 0);
  const leaving = keys.filter((_, n) => n % 10 !== 0);
  const met = new Set<string>();
  const scan = engine.scan();
  for (let done = false; !done; ) {
    const step = scan.next(5_000);
    done = step.done;
    for (const { key } of entriesOf(step.entries, step.entryCount)) met.add(key.toString('latin1'));
    for (const key of leaving.splice(0, 300)) engine.del(key);
  }
  scan.close();
  expect(engine.keyCount()).toBeLessThan(keys.length / 2);
  expect(staying.filter((key) => !met.has(key.toString('latin1')))).toEqual([]);
});
