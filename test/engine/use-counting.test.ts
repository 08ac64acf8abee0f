/** The policies that count uses (LFU), and those that choose among keys that expire. */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import type { EvictionPolicy, UseCounting } from '../../src/engine/memory-limit.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { batchBytes } from '../support/batch-bytes.js';
import { contentOf, newEngine, newReplica, StandingClock } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const MINUTE_MS = 60_000;
const EVERY_USE: UseCounting = { logFactor: 0, decayMinutes: 0 };
const LATER = 4_000_000_000_000n;
const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const value = Buffer.alloc(100, 'v');
const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);

function counting(useCounting: UseCounting = EVERY_USE) {
  const clock = new StandingClock();
  const engine = newEngine({ clock });
  engine.limitMemory({ maxBytes: 0, policy: 'allkeys-lfu', useCounting });
  return { clock, engine, driver: new RespDriver(engine) };
}

/** Has the policy evict so many keys, whatever the limit is. */
function evict(engine: ShardEngine, policy: EvictionPolicy, count: number): void {
  const target = engine.evictedCount() + count;
  while (engine.evictedCount() < target) {
    engine.limitMemory({ maxBytes: engine.usedBytes() - 1, policy, useCounting: EVERY_USE });
    expect(engine.makeRoom()).toBe(true);
  }
}

describe('uses', () => {
  it('count from 5 on, one a command, up to 255', () => {
    const { engine, driver } = counting();
    const uses: [string[], number][] = [
      [['SET', 'k', '1'], 5],
      [['GET', 'k'], 6],
      [['SET', 'k', '22'], 7],
      [['SET', 'k', 'x'.repeat(500)], 8],
      [['SET', 'k', '7', 'XX'], 9],
      [['INCR', 'k'], 10],
      [['APPEND', 'k', '1'], 11],
      [['STRLEN', 'k'], 12],
      [['MGET', 'k', 'none'], 13],
      [['MSET', 'k', '1'], 14],
      [['EXPIRE', 'k', '100'], 15],
      [['PERSIST', 'k'], 16],
      [['TOUCH', 'k'], 17],
      [['EXISTS', 'k'], 17],
      [['TTL', 'k'], 17],
    ];
    for (const [words, expected] of uses) {
      driver.run(command(...words));
      expect([words, engine.uses.frequency(Buffer.from('k'))]).toEqual([words, expected]);
    }
    engine.set(Buffer.from('k'), value);
    expect(engine.uses.frequency(Buffer.from('k'))).toBe(18);
    for (let n = 0; n < 300; n++) engine.get(Buffer.from('k'));
    expect(engine.uses.frequency(Buffer.from('k'))).toBe(255);
    expect(engine.uses.frequency(Buffer.from('none'))).toBeUndefined();
  });

  it('count on a replica too, for the day when it is promoted', () => {
    const engine = newReplica({ shards: 1 });
    engine.limitMemory({ maxBytes: 0, policy: 'volatile-lfu', useCounting: EVERY_USE });
    for (const sequence of [1n, 2n, 3n])
      engine.apply(batchBytes({ shard: 0, sequence, op: 1, key: 'k', value }));
    expect(engine.uses.frequency(Buffer.from('k'))).toBe(7);
  });

  it('count the more rarely the more there were, as the factor says', () => {
    // Redis' table (redis.conf): about these counters after so many uses.
    for (const [logFactor, uses, least, most] of [
      [1, 1000, 35, 65],
      [10, 1000, 13, 25],
      [10, 100_000, 120, 165],
      [100, 1000, 7, 14],
    ] as const) {
      const { engine } = counting({ logFactor, decayMinutes: 0 });
      engine.set(keyOf(1), value);
      for (let n = 0; n < uses; n++) engine.uses.touch(keyOf(1));
      expect(engine.uses.frequency(keyOf(1))).toBeGreaterThan(least);
      expect(engine.uses.frequency(keyOf(1))).toBeLessThan(most);
    }
  });

  it('are forgotten one by one for each time without a use', () => {
    const { clock, engine } = counting({ logFactor: 0, decayMinutes: 2 });
    engine.set(keyOf(1), value);
    for (let n = 0; n < 10; n++) engine.uses.touch(keyOf(1));
    clock.pass(6 * MINUTE_MS);
    expect(engine.uses.frequency(keyOf(1))).toBe(12);
    engine.uses.touch(keyOf(1));
    expect(engine.uses.frequency(keyOf(1))).toBe(13);
    clock.pass(1000 * MINUTE_MS);
    expect(engine.uses.frequency(keyOf(1))).toBe(0);
  });

  it('count on when the minutes come round after 45 days', () => {
    const { clock, engine } = counting({ logFactor: 0, decayMinutes: 1 });
    clock.us = (2 ** 16 - 1) * 60e6;
    engine.set(keyOf(1), value);
    clock.us += 120e6;
    expect(engine.uses.frequency(keyOf(1))).toBe(3);
  });
});

describe.each(['allkeys-lfu', 'volatile-lfu'] as const)('%s', (policy) => {
  it('evicts what is used least, although it was used last', () => {
    const { clock, engine } = counting();
    const expiry = policy === 'volatile-lfu' ? LATER : NO_EXPIRY;
    for (let n = 0; n < 4000; n++) engine.set(keyOf(n), value, expiry);
    for (let use = 0; use < 20; use++) for (let n = 0; n < 4000; n += 2) engine.get(keyOf(n));
    clock.pass(10_000);
    for (let n = 1; n < 4000; n += 2) engine.get(keyOf(n));
    evict(engine, policy, 1000);
    const left = [...contentOf(engine).keys()].filter((key) => Number(key.slice(4)) % 2 === 0);
    expect(left.length).toBeGreaterThan(1990);
  });
});

it('volatile-lru evicts what was used longest ago', () => {
  const clock = new StandingClock();
  const engine = newEngine({ clock });
  for (let n = 0; n < 4000; n++) engine.set(keyOf(n), value, LATER);
  clock.pass(10_000);
  for (let n = 0; n < 4000; n += 2) engine.get(keyOf(n));
  clock.pass(10_000);
  evict(engine, 'volatile-lru', 1000);
  const left = [...contentOf(engine).keys()].filter((key) => Number(key.slice(4)) % 2 === 0);
  expect(left.length).toBeGreaterThan(1990);
});

it('volatile-random is as likely to evict one key as another, of every shard', () => {
  const engine = newEngine({ shards: 8 });
  for (let n = 0; n < 4000; n++) engine.set(keyOf(n), value, LATER + BigInt(n));
  evict(engine, 'volatile-random', 2000);
  const left = [...contentOf(engine).keys()].map((key) => Number(key.slice(4)));
  // Two thousand of four thousand: the standard deviation of each half is 22.
  expect(Math.abs(left.filter((n) => n < 2000).length - 1000)).toBeLessThan(120);
});

describe.each(['volatile-lru', 'volatile-lfu', 'volatile-random'] as const)('%s', (policy) => {
  it('evicts nothing that does not expire, and then refuses', () => {
    const engine = newEngine();
    const driver = new RespDriver(engine);
    for (let n = 0; n < 2000; n++) engine.set(keyOf(n), value, n < 1000 ? LATER : NO_EXPIRY);
    evict(engine, policy, 1000);
    expect(engine.keyCount()).toBe(1000);
    expect([...contentOf(engine).keys()].every((key) => Number(key.slice(4)) >= 1000)).toBe(true);
    engine.limitMemory({ maxBytes: engine.usedBytes() - 1, policy });
    expect(driver.run(command('SET', 'more', 'v')).replies.toString()).toBe(OOM);
    expect(driver.run(command('DEL', 'key:1000')).replies.toString()).toBe(':1\r\n');
  });

  it('finds its candidates again when they have moved, changed, gone or shall not expire', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const copy = newReplica();
    engine.onBatch = ({ payload }) => copy.apply(Buffer.from(payload));
    const random = new RandomSource(8);
    for (let step = 0; step < 20_000; step++) {
      const key = keyOf(random.below(5_000));
      const chosen = random.below(10);
      if (chosen < 5) engine.set(key, Buffer.alloc(random.skewed(1000)), LATER);
      else if (chosen < 6) engine.del(key);
      else if (chosen < 7) engine.get(key);
      else if (chosen < 8) engine.expire(key, NO_EXPIRY);
      else if (step % 10 === 0) engine.compact(200);
      if (step % 5 === 0) clock.pass(1000);
      if (step % 4 === 0 && engine.expiringKeyCount() > 100) {
        const lasting = engine.keyCount() - engine.expiringKeyCount();
        evict(engine, policy, 1);
        expect(engine.keyCount() - engine.expiringKeyCount()).toBe(lasting);
      }
      engine.limitMemory({ maxBytes: 0, policy });
    }
    engine.flush();
    expect(engine.evictedCount()).toBeGreaterThan(2_000);
    expect(contentOf(copy)).toEqual(contentOf(engine));
  });
});
