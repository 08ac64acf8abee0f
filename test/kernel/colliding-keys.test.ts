/**
 * Keys chosen by someone who knows the seed: the table stays right and bounded, whatever falls into one
 * segment.
 */
import '../support/debug-kernel.js';

import { xxh3 } from '@node-rs/xxhash';
import { expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { keyHashedTo, keyMixedTo } from '../support/colliding-keys.js';
import { contentOf, entriesOf, newEngine } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const SEED = 0x0123_4567_89ab_cdefn;
const SEGMENT_KEYS = 768;
const SEGMENT_BYTES = 4096;
/** The longest chain of segments (kernel/table.ts). */
const CHAIN_KEYS = 63 * SEGMENT_KEYS;
const random = new RandomSource(9);

const storeOfOneShard = () => newEngine({ shards: 1, seed: SEED });
/** Keys whose mixed hashes share the high 64 - `bits` bits and count up in the others. */
const counting = (count: number, shift = 0n): Buffer[] =>
  Array.from({ length: count }, (_, n) => keyMixedTo((0xabcd_ef01n << 32n) | (BigInt(n) << shift), SEED));
/** Keys whose mixed hashes share the `bits` high bits and are random below. */
const sharing = (count: number, bits: number): Buffer[] =>
  Array.from({ length: count }, () => {
    const low = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    return keyMixedTo((0xa5a5n << 48n) ^ (low & ((1n << BigInt(64 - bits)) - 1n)), SEED);
  });
const ordinary = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => Buffer.from(`ordinary:${n}`));

function setAll(engine: ShardEngine, keys: Buffer[]): void {
  for (const key of keys) engine.set(key, key);
}

/** How many of the keys the store took; it refuses the others for want of memory. */
function setSome(engine: ShardEngine, keys: Buffer[]): number {
  let taken = 0;
  for (const key of keys) {
    try {
      engine.set(key, key);
      taken++;
    } catch (error) {
      expect(error).toMatchObject({ code: 'OUT_OF_MEMORY' });
    }
  }
  return taken;
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

it('keys are made for any hash', () => {
  for (let n = 0; n < 100; n++) {
    const hash = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    expect(xxh3.xxh64(keyHashedTo(hash))).toBe(hash);
  }
});

it('keys of one segment, one bucket and one tag are all kept', () => {
  const engine = storeOfOneShard();
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
  const engine = storeOfOneShard();
  const keys = counting(30_000);
  setAll(engine, keys);
  expect(engine.memory().tables).toBeLessThan((30_000 / SEGMENT_KEYS + 40) * SEGMENT_BYTES);
  for (const key of keys) engine.del(key);
  expect(engine.keyCount()).toBe(0);
  expect(engine.memory().tables).toBeLessThanOrEqual(4 * SEGMENT_BYTES);
  setAll(engine, ordinary(5_000));
  expectContent(engine, ordinary(5_000));
});

it('more keys than one segment can ever hold are refused; others go on, and deletion makes room', {
  timeout: 120_000,
}, () => {
  const engine = storeOfOneShard();
  const keys = counting(CHAIN_KEYS + 1000);
  expect(setSome(engine, keys)).toBe(CHAIN_KEYS);
  // Those that fall beside them are refused too, one in a thousand.
  expect(setSome(engine, ordinary(10_000))).toBeGreaterThan(9_900);
  for (const key of keys.slice(0, 2000)) expect(engine.del(key)).toBe(true);
  setAll(engine, ordinary(10_000));
  setAll(engine, keys.slice(-500));
  expectContent(engine, [...keys.slice(2000, CHAIN_KEYS), ...keys.slice(-500), ...ordinary(10_000)]);
});

it.each([8, 10, 16])('keys that share %i bits take no directory out of proportion', (bits) => {
  const engine = storeOfOneShard();
  const keys = sharing(20_000, bits);
  setAll(engine, keys);
  expectContent(engine, keys);
  expect(engine.memory().tables).toBeLessThan(20_000 * 16 * 2);
});

it('a chain is split as soon as the directory is deep enough for it', { timeout: 120_000 }, () => {
  const engine = storeOfOneShard();
  // More than one chain can hold.
  const chained = sharing(60_000, 10);
  const others = ordinary(300_000);
  setAll(engine, chained.slice(0, 30_000));
  setAll(engine, others);
  setAll(engine, chained.slice(30_000));
  expectContent(engine, [...chained, ...others]);
  expect(engine.memory().tables).toBeLessThan(engine.keyCount() * 16);
});

it('a scan of a chain that loses its parts meanwhile meets every key that stays', () => {
  const engine = storeOfOneShard();
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
