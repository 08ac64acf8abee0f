/** The digests of shards and of ranges, and the check of what lies in memory. */
import '../support/debug-kernel.js';

import { xxh3 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import {
  DIGEST_PARTS_MAX,
  type ListedEntry,
  type PartDigest,
  type WantedParts,
} from '../../src/engine/digests.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { sameDigest } from '../../src/frame/digests.js';
import { encodeSnapshotChunk } from '../../src/frame/snapshot.js';
import { digestsOf, termOf } from '../support/digest-oracle.js';
import { newEngine, newReplica, StandingClock } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

/** `DIGEST_COMMANDS=10000000` runs so many with one seed. */
const { DIGEST_COMMANDS } = process.env;
const COMMANDS = Number(DIGEST_COMMANDS ?? 20_000);
const SEEDS = DIGEST_COMMANDS === undefined ? [1, 2, 3, 4] : [1];
/** The content is compared so often. */
const CHECK_EVERY = Math.max(2_000, COMMANDS / 1_000);

/** The digest of a shard without entries. */
const EMPTY_DIGEST = { sum: 0n, second: 0n };

const WHOLE = { first: 0n, last: (1n << 64n) - 1n };
/** All parts of all hashes. */
const ALL: WantedParts = { shift: 61, wanted: Buffer.of(0xff) };
const bytes = (text: string) => Buffer.from(text);

function listed(engine: ShardEngine, parts: WantedParts, limit: number): ListedEntry[] {
  const found: ListedEntry[] = [];
  for (let cursor = 0n, isOver = false; !isOver; isOver = cursor === 0n) {
    const step = engine.digests.list(0, parts, cursor, limit);
    found.push(...step.entries);
    cursor = step.cursor;
  }
  return found;
}

function keptBy(engine: ShardEngine) {
  return Array.from({ length: engine.shards }, (_, shard) => engine.digests.of(shard));
}

function expectRight(engine: ShardEngine): void {
  engine.kernel.invariants();
  expect(keptBy(engine)).toEqual(digestsOf(engine));
  const made = Array.from({ length: engine.shards }, (_, shard) => engine.digests.fromContent(shard));
  expect(made.map(({ sum, second }) => ({ sum, second }))).toEqual(keptBy(engine));
  expect(made.reduce((sum, { entries }) => sum + entries, 0n)).toBe(BigInt(engine.keyCount()));
}

/** Random commands of every kind that changes something; returns the store and what it has emitted. */
function storeOf(seed: number, commands: number, atStep: (engine: ShardEngine, payloads: Buffer[]) => void) {
  const clock = new StandingClock();
  const engine = newEngine({ clock, maxMemoryBytes: 64 * 2 ** 20, secret: BigInt(seed) });
  const driver = new RespDriver(engine);
  const random = new RandomSource(seed);
  const payloads: Buffer[] = [];
  engine.onBatch = ({ payload }) => payloads.push(Buffer.from(payload));
  const pattern = random.bytes(200_000);
  const anyKey = () => bytes(`${random.below(2000)}`.padStart(1 + random.below(3) * 20, 'k'));
  const anyValue = () => {
    const size = random.skewed(random.chance(0.01) ? 150_000 : 1000);
    return pattern.subarray(random.below(1000), 1000 + size);
  };
  const anyMs = () => String(1 + random.below(60_000));
  const acts: (() => unknown)[] = [
    () => driver.run(command('SET', anyKey(), anyValue())),
    () => driver.run(command('SET', anyKey(), anyValue(), 'PX', anyMs())),
    () => driver.run(command('SET', anyKey(), anyValue(), 'KEEPTTL')),
    () => driver.run(command('MSET', anyKey(), anyValue(), anyKey(), anyValue(), anyKey(), '')),
    () => driver.run(command('APPEND', anyKey(), anyValue())),
    () => driver.run(command('INCR', bytes(`n${random.below(50)}`))),
    () => driver.run(command('DEL', anyKey(), anyKey())),
    () => driver.run(command('GET', anyKey())),
    () => engine.set(anyKey(), anyValue(), BigInt(clock.ms + random.between(-5, 60_000))),
    () => engine.del(anyKey()),
    () =>
      engine.expire(anyKey(), random.chance(0.3) ? NO_EXPIRY : BigInt(clock.ms + random.between(-5, 9000))),
    () => engine.values.overwrite(anyKey(), random.skewed(100_000), bytes('part')),
    () => engine.compact(100),
    () => engine.sweep(20),
    () => clock.pass(random.below(500)),
    () => {
      if (!random.chance(0.05)) return;
      const used = Math.floor(engine.usedBytes() * 0.97);
      engine.limitMemory({ maxBytes: used, policy: random.pick(['allkeys-lru', 'allkeys-random']) });
      engine.makeRoom();
      engine.limitMemory({ maxBytes: 0, policy: 'noeviction' });
    },
    () => {
      if (random.chance(0.01)) while (!engine.keyspace.deleteSome(500));
    },
  ];
  for (let step = 1; step <= commands; step++) {
    random.pick(acts)();
    if (step % CHECK_EVERY > 0) continue;
    atStep(engine, payloads);
    payloads.length = 0;
  }
  engine.flush();
  return { engine, clock, random };
}

it.each(SEEDS)(
  'a shard has the digest of its content after any commands (seed %i)',
  (seed) => {
    const { engine } = storeOf(seed, COMMANDS, expectRight);
    expectRight(engine);
    while (!engine.keyspace.deleteSome(1000));
    expect(keptBy(engine)).toEqual(Array(4).fill(EMPTY_DIGEST));
  },
  3_600_000,
);

it('a replica that applies the records, or loads a snapshot, has the digests of its primary', () => {
  const replica = newReplica({ secret: 99n });
  const { engine } = storeOf(5, 20_000, (primary, payloads) => {
    primary.flush();
    for (const payload of payloads.splice(0)) replica.apply(payload);
    expect(keptBy(replica)).toEqual(keptBy(primary));
  });
  expectRight(replica);
  const loaded = newReplica({ secret: 7n });
  const scan = engine.scan();
  for (let isDone = false, index = 0n; !isDone; index++) {
    const { entries, entryCount, done } = scan.next(65_536);
    isDone = done;
    const fields = { chunkIndex: index, last: done, watermarks: [], entryCount, entries };
    loaded.loadChunk(encodeSnapshotChunk(fields));
  }
  scan.close();
  expect(keptBy(loaded)).toEqual(keptBy(engine));
  loaded.setReplica(false);
  expectRight(loaded);
});

it('each of key, value and expiry makes another digest, and the order of writes does not', () => {
  const digestOf = (...entries: [string, string, bigint?][]) => {
    const engine = newEngine({ shards: 1 });
    for (const [key, value, expiry] of entries) engine.set(bytes(key), bytes(value), expiry);
    return engine.digests.of(0);
  };
  const soon = 1_800_000_100_000n;
  const all = [
    digestOf(),
    digestOf(['a', '1']),
    digestOf(['a', '2']),
    digestOf(['b', '1']),
    digestOf(['a', '1', soon]),
    digestOf(['a', '1', soon + 1n]),
    digestOf(['a', 'a']),
    digestOf(['b', 'b']),
    digestOf(['a', '1'], ['b', '2']),
    digestOf(['a', '2'], ['b', '1']),
    digestOf(['a', '1', soon], ['b', '1']),
    digestOf(['a', '1'], ['b', '1', soon]),
  ];
  for (const half of ['sum', 'second'] as const) {
    expect(new Set(all.map((digest) => digest[half])).size).toBe(all.length);
  }
  expect(digestOf(['b', '2'], ['c', '3'], ['a', '1'])).toEqual(digestOf(['a', '1'], ['b', '2'], ['c', '3']));
});

it('a key past its expiry counts until it is deleted', () => {
  const clock = new StandingClock();
  const engine = newEngine({ clock, shards: 1 });
  engine.set(bytes('a'), bytes('1'), BigInt(clock.ms + 10));
  const before = engine.digests.of(0);
  clock.pass(20);
  expect(engine.digests.of(0)).toEqual(before);
  expect(engine.sweep(10)).toBe(1);
  expect(engine.digests.of(0)).toEqual(EMPTY_DIGEST);
});

it('a store that keeps no digests finds no damage, and still digests ranges of its content', () => {
  const engine = newEngine({ shards: 1, digests: false });
  engine.set(bytes('a'), bytes('1'));
  engine.kernel.invariants();
  expect(() => engine.digests.of(0)).toThrow();
  expect(engine.digests.check(100, 1_000_000)).toEqual({ records: 0, isDone: false, damaged: undefined });
  expect(engine.digests.fromContent(0)).toMatchObject({ sum: termOf(bytes('a'), bytes('1'), null) });
  expect(partsOf(engine, 0, 63, 1000)[0]!.entries + partsOf(engine, 0, 63, 1000)[1]!.entries).toBe(1n);
});

function partsOf(engine: ShardEngine, shard: number, shift: number, limit: number): PartDigest[] {
  const range = engine.digests.range(shard, { ...WHOLE, shift });
  while (!range.step(limit));
  return range.take();
}

describe('the digests of ranges', () => {
  it('add up to that of the shard, in any number of parts and steps', () => {
    const { engine } = storeOf(6, 20_000, () => {});
    for (let shard = 0; shard < engine.shards; shard++) {
      for (const [shift, limit] of [[63, 1] as const, [56, 700] as const, [48, 1e9] as const]) {
        const parts = partsOf(engine, shard, shift, limit);
        expect(parts).toHaveLength(2 ** (64 - shift));
        const sum = parts.reduce((all, part) => BigInt.asUintN(64, all + part.sum), 0n);
        const second = parts.reduce((all, part) => BigInt.asUintN(64, all + part.second), 0n);
        expect({ sum, second }).toEqual(engine.digests.of(shard));
      }
    }
  });

  it('name the part of a key that differs, and the list of that part the key', () => {
    const a = newEngine({ shards: 1, secret: 1n });
    const b = newEngine({ shards: 1, secret: 2n });
    for (let n = 0; n < 5000; n++) {
      for (const engine of [a, b]) engine.set(bytes(`key:${n}`), bytes(`value ${n}`));
    }
    b.set(bytes('key:77'), bytes('another'));
    const [ofA, ofB] = [a, b].map((engine) => partsOf(engine, 0, 52, 1000));
    const differing = ofA!.flatMap((part, at) => (sameDigest(part, ofB![at]!) ? [] : [at]));
    expect(differing).toEqual([Number(a.route(bytes('key:77')).hash >> 52n)]);
    const wanted = Buffer.alloc(512);
    wanted[differing[0]! >> 3]! |= 1 << (differing[0]! & 7);
    const prints = new Map(listed(a, { shift: 52, wanted }, 600).map(({ key, print }) => [`${key}`, print]));
    const others = listed(b, { shift: 52, wanted }, 600);
    expect(others.filter(({ key, print }) => prints.get(`${key}`) !== print)).toEqual([
      {
        keyBytes: 6,
        key: bytes('key:77'),
        keyHash: b.route(bytes('key:77')).hash,
        print: termOf(bytes('key:77'), bytes('another'), null),
        expiresAtMs: NO_EXPIRY,
      },
    ]);
    expect(prints.size).toBe(others.length);
  });

  it('lists and finds an entry by its print, which its expiry has no part in', () => {
    for (const digests of [true, false]) {
      const engine = newEngine({ digests });
      engine.set(bytes('a'), bytes('1'), 1_900_000_000_000n);
      const { shard } = engine.route(bytes('a'));
      const print = termOf(bytes('a'), bytes('1'), null);
      const entry = { print, expiresAtMs: 1_900_000_000_000n };
      expect(engine.digests.entry(bytes('a'))).toEqual({ shard, entry });
      expect(engine.digests.entry(bytes('a'), (shard + 1) % 4).entry).toBeUndefined();
      expect(engine.digests.entry(bytes('b'), 3)).toEqual({ shard: 3, entry: undefined });
      const [only] = engine.digests.list(shard, ALL, 0n, 1e9).entries;
      expect(only).toMatchObject({ key: bytes('a'), ...entry });
    }
  });

  it('are emitted again as they are, or their deletion, for a replica that has other content', () => {
    const engine = newEngine({ shards: 1 });
    const replica = newReplica({ shards: 1, secret: 9n });
    engine.onBatch = ({ payload }) => replica.apply(payload);
    engine.set(bytes('value'), bytes('1'), 1_900_000_000_000n);
    engine.set(bytes('lost'), bytes('2'));
    engine.flush();
    replica.set(bytes('value'), bytes('wrong'));
    replica.del(bytes('lost'));
    replica.set(bytes('added'), bytes('3'));
    const before = engine.digests.of(0);
    for (const key of ['value', 'lost', 'added']) engine.digests.emitAgain(bytes(key), 0);
    engine.flush();
    engine.kernel.invariants();
    expect(engine.digests.of(0)).toEqual(before);
    expect(keptBy(replica)).toEqual(keptBy(engine));
  });

  it('count each key that stays exactly once, whatever grows and shrinks between the steps', () => {
    for (const isGrowing of [true, false]) {
      const engine = newEngine({ shards: 1 });
      const others = Array.from({ length: 40_000 }, (_, n) => bytes(`other:${n}`));
      for (let n = 0; n < 3000; n++) engine.set(bytes(`stays:${n}`), bytes('v'));
      if (!isGrowing) for (const other of others) engine.set(other, bytes('v'));
      const seen = new Map<string, number>();
      for (let cursor = 0n, isOver = false; !isOver; isOver = cursor === 0n) {
        const step = engine.digests.list(0, ALL, cursor, 1);
        cursor = step.cursor;
        for (const { key } of step.entries) seen.set(`${key}`, (seen.get(`${key}`) ?? 0) + 1);
        for (const other of others.splice(0, 1000)) {
          if (isGrowing) engine.set(other, bytes('v'));
          else engine.del(other);
        }
      }
      engine.kernel.invariants();
      expect(new Set(seen.values())).toEqual(new Set([1]));
      for (let n = 0; n < 3000; n++) expect(seen.get(`stays:${n}`)).toBe(1);
    }
  });

  it('lists keys that are larger than its buffer', () => {
    const engine = newEngine({ shards: 1 });
    const keys = Array.from({ length: 20 }, (_, n) => Buffer.alloc(30_000, n));
    for (const key of keys) engine.set(key, bytes('v'));
    const found = new Set(listed(engine, ALL, 1000).map(({ key }) => key[0]));
    expect(found).toEqual(new Set(keys.map((key) => key[0])));
  });

  it('list the beginning of keys of more than 32 KiB, with their length, alone if wanted', () => {
    const engine = newEngine({ shards: 1 });
    const long = Buffer.alloc(1_000_000, 'long');
    for (const key of [long, long.subarray(0, 32_769), long.subarray(0, 32_768), bytes('short')])
      engine.set(key, bytes('v'));
    const sizes = listed(engine, ALL, 1000).map(({ key, keyBytes }) => [key.length, keyBytes]);
    expect(sizes.sort(([, a], [, b]) => a! - b!)).toEqual([
      [5, 5],
      [32_768, 32_768],
      [256, 32_769],
      [256, 1_000_000],
    ]);
    const { entries } = engine.digests.list(0, ALL, 0n, 1e9, 32_769);
    expect(entries.map(({ keyBytes }) => keyBytes).sort()).toEqual([1_000_000, 32_769]);
    expect(entries.every(({ key }) => key.equals(long.subarray(0, 256)))).toBe(true);
    expect(entries.map(({ keyHash }) => keyHash)).toContain(xxh3.xxh64(long));
  });

  it('count each change of keys of more than 32 KiB', () => {
    const engine = newEngine({ shards: 1 });
    const long = Buffer.alloc(32_769, 'x');
    const counts: number[] = [];
    const counted = (change: () => void) => {
      const before = engine.digests.longKeyChanges();
      change();
      counts.push(engine.digests.longKeyChanges() - before);
    };
    counted(() => engine.set(long, bytes('1')));
    counted(() => engine.set(long.subarray(1), bytes('1')));
    counted(() => engine.expire(long, 1_900_000_000_000n));
    counted(() => engine.get(long));
    counted(() => engine.del(long));
    counted(() => engine.del(long));
    expect(counts).toEqual([1, 0, 1, 0, 1, 0]);
  });

  it('of a long key are emitted again by its hash and length', () => {
    const engine = newEngine({ shards: 1 });
    const replica = newReplica({ shards: 1, secret: 9n });
    engine.onBatch = ({ payload }) => replica.apply(payload);
    const long = Buffer.alloc(40_000, 'x');
    engine.set(long, bytes('1'), 1_900_000_000_000n);
    for (let n = 0; n < 20_000; n++) engine.set(bytes(`other:${n}`), bytes('v'));
    engine.flush();
    replica.set(long, bytes('wrong'));
    const again = (keyBytes: number) => {
      let emitted = 0;
      for (let cursor = 0n, isOver = false; !isOver; isOver = cursor === 0n) {
        const key = { keyHash: xxh3.xxh64(long), keyBytes };
        const step = engine.digests.emitLongAgain(0, key, cursor, 1000);
        emitted += step.emitted;
        cursor = step.cursor;
      }
      engine.flush();
      return emitted;
    };
    expect(again(40_001)).toBe(0);
    expect(keptBy(replica)).not.toEqual(keptBy(engine));
    expect(again(40_000)).toBe(1);
    expect(keptBy(replica)).toEqual(keptBy(engine));
  });

  it('are refused in too many parts', () => {
    const { digests } = newEngine();
    expect(() => digests.range(0, { ...WHOLE, shift: 0 })).toThrow(/too many/);
    expect(DIGEST_PARTS_MAX).toBe(65_536);
  });
});
