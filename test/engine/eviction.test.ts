/**
 * The memory limit: the keys that go by each policy and those that stay, the commands that are refused, and
 * those that run all the same.
 */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import { Housekeeping } from '../../src/engine/housekeeping.js';
import { type EvictionPolicy, evictionPolicies } from '../../src/engine/memory-limit.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { batchBytes } from '../support/batch-bytes.js';
import { contentOf, newEngine, newReplica, StandingClock } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const MIB = 1024 * 1024;
const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);
const value = Buffer.alloc(100, 'v');

function fill(engine: ShardEngine, from: number, to: number): void {
  for (let n = from; n < to; n++) engine.set(keyOf(n), value);
}

/** Numbers of the keys that are there. */
function held(engine: ShardEngine, from: number, to: number): number[] {
  const content = contentOf(engine);
  return Array.from({ length: to - from }, (_, n) => from + n).filter((n) => content.has(`key:${n}`));
}

/** Has the policy evict so many keys, whatever the limit is. */
function evict(engine: ShardEngine, policy: EvictionPolicy, count: number): void {
  const target = engine.evictedCount() + count;
  while (engine.evictedCount() < target) {
    engine.limitMemory({ maxBytes: engine.usedBytes() - 1, policy });
    expect(engine.makeRoom()).toBe(true);
  }
  engine.limitMemory({ maxBytes: 0, policy: 'noeviction' });
}

describe('without eviction, above the limit', () => {
  const engine = newEngine();
  const driver = new RespDriver(engine);
  const text = (...args: string[]) => driver.run(command(...args)).replies.toString();
  engine.set(Buffer.from('number'), Buffer.from('5'));
  fill(engine, 0, 1000);
  engine.limitMemory({ maxBytes: engine.usedBytes() - 1, policy: 'noeviction' });

  it.each([
    ['SET', 'a', '1'],
    ['SET', 'key:0', ''],
    ['SET', 'key:0', 'v', 'NO', 'SYNTAX'],
    ['MSET', 'a', '1', 'b', '2'],
    ['INCR', 'number'],
    ['INCR', 'key:0'],
    ['INCRBY', 'number', '2'],
    ['DECR', 'number'],
    ['DECRBY', 'number', '2'],
    ['APPEND', 'number', '2'],
  ])('%s %s is refused before anything else is looked at but its arity', (...args) => {
    expect(text(...args)).toBe(OOM);
    expect(text(args[0]!)).toBe(`-ERR wrong number of arguments for '${args[0]!.toLowerCase()}' command\r\n`);
    expect(engine.makeRoom()).toBe(false);
    expect(engine.get(Buffer.from('number'))?.toString()).toBe('5');
    expect(engine.evictedCount()).toBe(0);
  });

  it('everything else runs, and what a DEL frees can be written again', () => {
    expect(text('GET', 'number')).toBe('$1\r\n5\r\n');
    expect(text('EXPIRE', 'number', '100')).toBe(':1\r\n');
    expect(text('PERSIST', 'number')).toBe(':1\r\n');
    expect(text('EXISTS', 'number', 'key:0')).toBe(':2\r\n');
    const keys = Array.from({ length: 100 }, (_, n) => `key:${n}`);
    expect(text('DEL', ...keys)).toBe(':100\r\n');
    expect(text('SET', 'a', '1')).toBe('+OK\r\n');
    engine.limitMemory({ maxBytes: 1, policy: 'noeviction' });
    expect(text('SET', 'a', '1')).toBe(OOM);
    engine.limitMemory({ maxBytes: 0, policy: 'noeviction' });
    expect(text('SET', 'a', '1')).toBe('+OK\r\n');
  });
});

it('an empty store with a limit that it can never keep refuses under every policy', () => {
  for (const policy of evictionPolicies) {
    const engine = newEngine();
    engine.limitMemory({ maxBytes: 1, policy });
    expect(engine.makeRoom()).toBe(false);
    expect(new RespDriver(engine).run(command('SET', 'a', '1')).replies.toString()).toBe(OOM);
  }
});

describe.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random'] as const)('%s', (policy) => {
  it('keeps the store at its limit, takes every write, and evicts no more than that needs', () => {
    const engine = newEngine();
    const driver = new RespDriver(engine);
    engine.limitMemory({ maxBytes: 4 * MIB, policy });
    const random = new RandomSource(3);
    for (let n = 0; n < 100_000; n++) {
      const { replies } = driver.run(command('SET', keyOf(n), value.subarray(0, random.below(100))));
      if (!replies.equals(Buffer.from('+OK\r\n'))) expect.fail(replies.toString());
      // One record, and what a table may grow by for it.
      if (engine.usedBytes() > 4 * MIB + 64 * 1024) expect.fail(`${engine.usedBytes()} bytes`);
      engine.flush();
    }
    expect(engine.keyCount() + engine.evictedCount()).toBe(100_000);
    expect(engine.usedBytes()).toBeGreaterThan(4 * MIB - 64 * 1024);
    expect(engine.makeRoom()).toBe(true);
  });
});

describe('allkeys-lru', () => {
  const KEYS = 4000;
  const isEven = (n: number) => n % 2 === 0;

  function keptAfter(use: (engine: ShardEngine, driver: RespDriver, n: number) => void) {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const driver = new RespDriver(engine);
    fill(engine, 0, KEYS);
    clock.pass(10_000);
    for (let n = 0; n < KEYS; n += 2) use(engine, driver, n);
    clock.pass(10_000);
    evict(engine, 'allkeys-lru', KEYS / 4);
    const left = held(engine, 0, KEYS);
    expect(left.length).toBe((KEYS * 3) / 4);
    return left.filter(isEven).length;
  }

  it.each([
    ['GET', (_, driver, n) => driver.run(command('GET', keyOf(n)))],
    ['MGET', (_, driver, n) => driver.run(command('MGET', 'none', keyOf(n)))],
    ['STRLEN', (_, driver, n) => driver.run(command('STRLEN', keyOf(n)))],
    ['SET', (_, driver, n) => driver.run(command('SET', keyOf(n), value))],
    ['SET NX', (_, driver, n) => driver.run(command('SET', keyOf(n), value, 'NX'))],
    ['APPEND', (_, driver, n) => driver.run(command('APPEND', keyOf(n), '1'))],
    ['EXPIRE', (_, driver, n) => driver.run(command('EXPIRE', keyOf(n), '100'))],
    ['get', (engine, _, n) => engine.get(keyOf(n))],
    ['set', (engine, _, n) => engine.set(keyOf(n), value)],
    ['touch', (engine, _, n) => engine.uses.touch(keyOf(n))],
  ] as [string, Parameters<typeof keptAfter>[0]][])('spares what %s has used', (_, use) => {
    expect(keptAfter(use)).toBeGreaterThan(0.99 * (KEYS / 2));
  });

  it.each([
    ['EXISTS', (_, driver, n) => driver.run(command('EXISTS', keyOf(n)))],
    ['TTL', (_, driver, n) => driver.run(command('TTL', keyOf(n)))],
    ['idleSeconds', (engine, _, n) => engine.uses.idleSeconds(keyOf(n))],
    ['expiryOf', (engine, _, n) => engine.expiryOf(keyOf(n))],
  ] as [string, Parameters<typeof keptAfter>[0]][])('takes %s for no use', (_, use) => {
    const kept = keptAfter(use) / (KEYS / 2);
    expect(kept).toBeGreaterThan(0.7);
    expect(kept).toBeLessThan(0.8);
  });

  it('evicts the oldest first, nearly in order, the better the more it samples', () => {
    const misplaced = [1, 5, 10].map((samples) => {
      const clock = new StandingClock();
      const engine = newEngine({ clock });
      for (let n = 0; n < KEYS; n++) {
        engine.set(keyOf(n), value);
        clock.pass(1000);
      }
      for (let n = 0; n < KEYS / 4; n++) {
        engine.limitMemory({ maxBytes: engine.usedBytes() - 1, policy: 'allkeys-lru', samples });
        engine.makeRoom();
      }
      const gone = KEYS - engine.keyCount();
      return (held(engine, 0, gone).length / gone) * 100;
    });
    const [one, five, ten] = misplaced as [number, number, number];
    expect(five).toBeLessThan(40);
    expect(ten).toBeLessThan(five);
    expect(one).toBeGreaterThan(five);
  });

  it('finds its candidates again when they have moved, changed or gone', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const copy = newReplica();
    engine.onBatch = ({ payload }) => copy.apply(Buffer.from(payload));
    const random = new RandomSource(8);
    for (let step = 0; step < 60_000; step++) {
      const key = keyOf(random.below(20_000));
      const chosen = random.below(10);
      if (chosen < 5) engine.set(key, Buffer.alloc(random.skewed(3000)));
      else if (chosen < 7) engine.del(key);
      else if (chosen < 8) engine.get(key);
      else if (step % 10 === 0) engine.compact(200);
      if (step % 5 === 0) clock.pass(1000);
      if (step % 4 === 0 && engine.keyCount() > 100) evict(engine, 'allkeys-lru', 1);
    }
    engine.flush();
    expect(engine.evictedCount()).toBeGreaterThan(10_000);
    expect(contentOf(copy)).toEqual(contentOf(engine));
    expect(copy.watermarks()).toEqual(engine.watermarks());
  });
});

describe('allkeys-random', () => {
  it('evicts used and unused keys alike', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    fill(engine, 0, 4000);
    clock.pass(10_000);
    for (let n = 0; n < 4000; n += 2) engine.get(keyOf(n));
    evict(engine, 'allkeys-random', 2000);
    const kept = held(engine, 0, 4000).filter((n) => n % 2 === 0).length;
    expect(kept).toBeGreaterThan(900);
    expect(kept).toBeLessThan(1100);
  });

  it('is as likely to evict one key as another, in segments of every depth', () => {
    const KEYS = 1500;
    const ROUNDS = 200;
    const engine = newEngine({ shards: 1 });
    const evictions = new Array<number>(KEYS).fill(0);
    fill(engine, 0, KEYS);
    for (let round = 0; round < ROUNDS; round++) {
      evict(engine, 'allkeys-random', KEYS / 2);
      const left = new Set(held(engine, 0, KEYS));
      for (let n = 0; n < KEYS; n++) {
        if (left.has(n)) continue;
        evictions[n]!++;
        engine.set(keyOf(n), value);
      }
    }
    // A hundred of two hundred: the standard deviation is 7.
    expect(Math.min(...evictions)).toBeGreaterThan(60);
    expect(Math.max(...evictions)).toBeLessThan(140);
  });

  it('takes from each shard by its share of the keys', () => {
    const engine = newEngine({ shards: 16, route: 'session-prefix' });
    const counts = [10_000, 1000, 1000, 100];
    counts.forEach((count, session) => {
      for (let n = 0; n < count; n++) engine.set(Buffer.from(`s:${session}:c:${n}`), value);
    });
    evict(engine, 'allkeys-random', 6050);
    const content = [...contentOf(engine).keys()];
    counts.forEach((count, session) => {
      const left = content.filter((key) => key.startsWith(`s:${session}:`)).length / count;
      const deviation = Math.sqrt(0.25 / count);
      expect(Math.abs(left - 0.5)).toBeLessThan(5 * deviation);
    });
  });
});

describe('volatile-ttl', () => {
  it('evicts what expires next, of all shards, and nothing that does not expire', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const random = new RandomSource(4);
    const order = Array.from({ length: 1000 }, (_, n) => ({ n, at: clock.ms + 1000 + random.below(1e9) }));
    for (const { n, at } of order) engine.set(keyOf(n), value, BigInt(at));
    fill(engine, 1000, 2000);
    order.sort((a, b) => a.at - b.at);
    for (const evicted of [1, 10, 500, 1000]) {
      evict(engine, 'volatile-ttl', evicted - engine.evictedCount());
      const left = new Set(held(engine, 0, 2000));
      expect(order.map(({ n }) => left.has(n))).toEqual(order.map((_, place) => place >= evicted));
      expect(left.size).toBe(2000 - evicted);
    }
  });

  it('refuses writes when no key has an expiry, and deletes', () => {
    const engine = newEngine();
    const driver = new RespDriver(engine);
    fill(engine, 0, 1000);
    // The first expiry of a shard takes two pages, which it keeps.
    engine.expire(keyOf(7), 2_000_000_000_000n);
    engine.expire(keyOf(7), NO_EXPIRY);
    engine.limitMemory({ maxBytes: engine.usedBytes() - 1, policy: 'volatile-ttl' });
    expect(driver.run(command('SET', 'more', 'v')).replies.toString()).toBe(OOM);
    expect(driver.run(command('EXPIRE', 'key:7', '1000')).replies.toString()).toBe(':1\r\n');
    expect(driver.run(command('SET', 'more', 'v')).replies.toString()).toBe('+OK\r\n');
    expect(held(engine, 0, 1000).length).toBe(999);
    expect(engine.get(keyOf(7))).toBeUndefined();
    expect(driver.run(command('DEL', 'key:8')).replies.toString()).toBe(':1\r\n');
  });
});

describe('a limit that is lowered', () => {
  it('is reached in steps, while writes are taken', () => {
    const engine = newEngine();
    const driver = new RespDriver(engine);
    fill(engine, 0, 20_000);
    const before = engine.usedBytes();
    engine.limitMemory({ maxBytes: before / 2, policy: 'allkeys-random' });
    let steps = 0;
    for (; engine.usedBytes() > before / 2; steps++) {
      const evicted = engine.evictedCount();
      expect(driver.run(command('SET', `more:${steps}`, 'v')).replies.toString()).toBe('+OK\r\n');
      expect(engine.evictedCount() - evicted).toBeLessThanOrEqual(256);
    }
    expect(steps).toBeGreaterThan(20_000 / 3 / 256);
  });

  it('is reached between commands too', () => {
    const engine = newEngine();
    fill(engine, 0, 20_000);
    const before = engine.usedBytes();
    engine.limitMemory({ maxBytes: before / 2, policy: 'allkeys-lru' });
    const waiting: (() => void)[] = [];
    const timers = {
      after: (_: number, run: () => void) => {
        waiting.push(run);
        return { cancel: () => {} };
      },
      endOfTurn: (run: () => void) => waiting.push(run),
    };
    const housekeeping = new Housekeeping({ timers, engine: () => engine, sweeps: () => true });
    for (let steps = 0; engine.usedBytes() > before / 2; steps++) {
      expect(steps).toBeLessThan(200);
      waiting.shift()!();
    }
    housekeeping.stop();
  });

  it('tolerates what was there, but no growth', () => {
    const engine = newEngine();
    const driver = new RespDriver(engine);
    fill(engine, 0, 100_000);
    const before = engine.usedBytes();
    engine.limitMemory({ maxBytes: before / 4, policy: 'allkeys-random' });
    const large = Buffer.alloc(MIB);
    for (let n = 0; n < 40; n++) {
      expect(driver.run(command('SET', `more:${n}`, large)).replies.toString()).toBe('+OK\r\n');
      expect(engine.usedBytes()).toBeLessThan(before + 1.1 * MIB);
      engine.flush();
    }
  });

  it('of a replica evicts nothing; when it becomes a primary, step by step', () => {
    const engine = newReplica({ shards: 1 });
    const driver = new RespDriver(engine);
    engine.limitMemory({ maxBytes: 100_000, policy: 'allkeys-lru' });
    const records = Array.from({ length: 5000 }, (_, n) => {
      return { shard: 0, sequence: BigInt(n + 1), op: 1, key: `key:${n}`, value };
    });
    engine.apply(batchBytes(...records));
    expect(engine.makeRoom()).toBe(true);
    expect(driver.run(command('SET', 'more', 'v')).replies.toString()).toContain('-READONLY');
    expect(engine.keyCount()).toBe(5000);
    expect(engine.evictedCount()).toBe(0);
    engine.setReplica(false);
    expect(engine.makeRoom()).toBe(true);
    expect(engine.evictedCount()).toBe(256);
    while (engine.usedBytes() > 100_000) expect(engine.makeRoom()).toBe(true);
    expect(engine.watermarks()).toEqual([5000n + BigInt(engine.evictedCount())]);
  });
});

describe('the access clock', () => {
  it('tells for how many seconds a key was not used', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    engine.set(keyOf(1), value, BigInt(clock.ms + 100_000));
    expect(engine.uses.idleSeconds(keyOf(1))).toBe(0);
    clock.pass(7000);
    expect(engine.uses.idleSeconds(keyOf(1))).toBe(7);
    expect(engine.uses.idleSeconds(keyOf(1))).toBe(7);
    expect(engine.uses.touch(keyOf(1))).toBe(true);
    expect(engine.uses.idleSeconds(keyOf(1))).toBe(0);
    clock.pass(93_000);
    for (const key of [keyOf(1), keyOf(2)]) {
      expect(engine.uses.idleSeconds(key)).toBeUndefined();
      expect(engine.uses.touch(key)).toBe(false);
      expect(engine.recordBytes(key)).toBeUndefined();
    }
  });

  it('goes on when it comes round after 194 days, and does not leap with the wall clock', () => {
    const clock = new StandingClock();
    clock.us = (2 ** 24 - 2) * 1e6;
    const engine = newEngine({ clock });
    engine.set(keyOf(1), value);
    clock.us += 5e6;
    clock.ms -= 3_600_000;
    expect(engine.uses.idleSeconds(keyOf(1))).toBe(5);
  });

  it('runs on a replica too, for the day when it is promoted', () => {
    const clock = new StandingClock();
    const engine = newReplica({ clock });
    engine.apply(batchBytes({ shard: 0, sequence: 1n, op: 1, key: 'a', value }));
    clock.pass(3000);
    expect(engine.uses.idleSeconds(Buffer.from('a'))).toBe(3);
    engine.get(Buffer.from('a'));
    expect(engine.uses.idleSeconds(Buffer.from('a'))).toBe(0);
  });
});
