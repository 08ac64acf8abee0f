/**
 * Memory: the bytes that tables take as a store grows, those that come back as it shrinks, and the commands
 * that a full store still runs.
 */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { batchBytes } from '../support/batch-bytes.js';
import { newEngine, newReplica, scanAll } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const MIB = 1024 * 1024;
const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);
const oom = expect.objectContaining({ code: 'OUT_OF_MEMORY' });

/** Bytes for content, without the frames' buffers. */
function contentBytes(engine: ShardEngine): number {
  const { allocated, frames } = engine.memory();
  return allocated - frames;
}

function compactAll(engine: ShardEngine): void {
  while (engine.compact(10_000) > 0);
}

/** Sets keys one after the other until the store refuses; how many it took. */
function fillUp(engine: ShardEngine, value: Buffer): number {
  for (let n = 0; ; n++) {
    try {
      engine.set(keyOf(n), value);
    } catch (error) {
      expect(error).toEqual(oom);
      return n;
    }
  }
}

describe('a million keys', { timeout: 120_000 }, () => {
  const KEYS = 1_000_000;
  const value = Buffer.alloc(40, 'v');
  // 16 of header, up to 10 of key and 40 of value: 72 at the most; 16 of table.
  const A_KEY = 72 + 16;

  it.each([1, 4, 64])(
    'in %i shards take 16 bytes of table each at any size, and give their memory back',
    (shards) => {
      const engine = newEngine({ shards });
      engine.set(keyOf(0), value);
      const empty = engine.memory().tables / shards;
      let most = 0;
      for (let n = 1; n < KEYS; n++) {
        engine.set(keyOf(n), value);
        if (n % 1000 === 0) {
          // Each shard begins with a directory and two segments.
          const began = shards * 8 * 4096;
          const perKey = (engine.memory().tables - began) / n;
          if (perKey > most) most = perKey;
        }
      }
      expect(empty).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(16);
      expect(contentBytes(engine)).toBeLessThan(KEYS * A_KEY * 1.1);

      const random = new RandomSource(5);
      for (let n = 0; n < KEYS; n++) if (!random.chance(0.1)) engine.del(keyOf(n));
      engine.flush();
      compactAll(engine);
      const left = engine.keyCount();
      expect(left).toBeLessThan(0.11 * KEYS);
      expect(contentBytes(engine)).toBeLessThan(left * A_KEY * 1.1 + shards * 12 * 4096 + MIB);
      expect([...scanAll(engine)].length).toBe(left);

      for (const { key } of [...scanAll(engine)]) engine.del(key);
      compactAll(engine);
      expect(engine.keyCount()).toBe(0);
      expect(contentBytes(engine)).toBeLessThan(MIB + shards * 4 * 4096);
    },
  );
});

it('memory that one size gave back serves any other', { timeout: 120_000 }, () => {
  const engine = newEngine({ maxMemoryBytes: 64 * MIB });
  const random = new RandomSource(12);
  for (const size of [16, 3000, 100, 200_000, 40, 40_000, 900, 5_000_000, 16]) {
    let held = 0;
    for (let bytes = 0; bytes < 40 * MIB; bytes += size + 100) {
      engine.set(keyOf(held), Buffer.alloc(size));
      held++;
    }
    const order = Array.from({ length: held }, (_, n) => n);
    for (let n = held - 1; n > 0; n--) {
      const other = random.below(n + 1);
      [order[n], order[other]] = [order[other]!, order[n]!];
    }
    expect(order.every((n) => engine.del(keyOf(n)))).toBe(true);
    engine.flush();
    compactAll(engine);
    expect(engine.memory().records).toBe(0);
  }
});

describe('a full store', () => {
  it.each([10, 100, 5_000, 100_000, 2_000_000])(
    'of values of %i bytes refuses, deletes, and takes again',
    (bytes) => {
      const engine = newEngine({ maxMemoryBytes: 8 * MIB });
      const value = Buffer.alloc(bytes, 'v');
      const taken = fillUp(engine, value);
      expect(taken).toBeGreaterThan(0);
      expect(engine.keyCount()).toBe(taken);
      for (let n = 0; n < taken; n++)
        if (!engine.get(keyOf(n))?.equals(value)) expect.fail(`key ${n} has changed`);
      expect(engine.get(keyOf(taken))).toBeUndefined();
      for (let again = 0; again < 100; again++)
        expect(() => engine.set(keyOf(taken), Buffer.alloc(2_000_000))).toThrow(oom);
      for (let n = 0; n < taken; n += 2) engine.del(keyOf(n));
      expect(engine.keyCount()).toBe(Math.floor(taken / 2));
      compactAll(engine);
      for (let n = 0; n < taken; n += 4) engine.set(keyOf(n), value);
      for (let n = 0; n < taken; n++) engine.del(keyOf(n));
      compactAll(engine);
      expect(fillUp(engine, value)).toBeGreaterThanOrEqual(taken * 0.9);
    },
  );

  it('answers OOM to what needs memory, and all else as ever', () => {
    const engine = newEngine({ maxMemoryBytes: 8 * MIB });
    const driver = new RespDriver(engine);
    const taken = fillUp(engine, Buffer.alloc(1000, 'v'));
    const text = (...args: (string | Buffer)[]) => driver.run(command(...args)).replies.toString();
    const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    const large = Buffer.alloc(100_000);
    expect(text('SET', 'more', large)).toBe(OOM);
    expect(text('SET', 'more', large, 'GET')).toBe(OOM);
    expect(text('APPEND', 'key:1', large)).toBe(OOM);
    expect(text('APPEND', 'more', large)).toBe(OOM);
    expect(text('MSET', 'key:1', large, 'more', large)).toBe(OOM);
    expect(text('STRLEN', 'key:1')).toBe(':1000\r\n');
    expect(text('EXISTS', 'more')).toBe(':0\r\n');
    expect(text('GET', 'key:0')).toBe(`$1000\r\n${'v'.repeat(1000)}\r\n`);
    const keys = Array.from({ length: 2000 }, (_, n) => `key:${n}`);
    expect(text('DEL', ...keys)).toBe(':2000\r\n');
    expect(text('SET', 'more', large)).toBe('+OK\r\n');
    expect(engine.keyCount()).toBe(taken - 2000 + 1);
  });

  it('overwrites that no longer fit leave the older value', () => {
    const engine = newEngine({ maxMemoryBytes: 8 * MIB });
    const value = Buffer.alloc(300, 'v');
    const taken = fillUp(engine, value);
    let refused = 0;
    for (let n = 0; n < taken; n++) {
      try {
        engine.set(keyOf(n), Buffer.alloc(5000, 'w'));
      } catch (error) {
        expect((error as Error & { code: string }).code).toBe('OUT_OF_MEMORY');
        refused++;
        if (!engine.get(keyOf(n))?.equals(value)) expect.fail(`key ${n} has changed`);
      }
    }
    expect(refused).toBeGreaterThan(taken / 2);
    expect(engine.keyCount()).toBe(taken);
  });

  it('whose keys all expire refuses before it fails, and empties by a sweep', () => {
    const engine = newEngine({ maxMemoryBytes: 8 * MIB });
    let taken = 0;
    expect(() => {
      for (; ; taken++) engine.set(keyOf(taken), Buffer.alloc(8), 1_900_000_000_000n);
    }).toThrow(oom);
    expect(engine.keyCount()).toBe(taken);
    expect(engine.expiringKeyCount()).toBe(taken);
    for (let n = 0; n < taken; n++) engine.expire(keyOf(n), 0n);
    expect(engine.keyCount()).toBe(0);
  });

  it('that follows says so, and has applied what its watermarks say', () => {
    const engine = newReplica({ maxMemoryBytes: 8 * MIB });
    const key = (n: number) => `key:${n}`;
    let sequence = 0n;
    let full = false;
    for (let n = 0; !full; n += 100) {
      const records = Array.from({ length: 100 }, (_, i) => {
        sequence++;
        return { shard: 0, sequence, op: 1, key: key(n + i), value: Buffer.alloc(500) };
      });
      try {
        engine.apply(batchBytes(...records));
      } catch (error) {
        expect(error).toEqual(oom);
        full = true;
      }
    }
    expect(engine.watermarks()[0]).toBeLessThan(sequence);
    expect(BigInt(engine.keyCount())).toBe(engine.watermarks()[0]);
  });
});

it('a store that is smaller than its first pages is refused, not trapped', () => {
  const engine = newEngine({ shards: 1024, maxMemoryBytes: MIB });
  expect(fillUp(engine, Buffer.alloc(10))).toBeLessThan(10_000);
  expect(engine.del(keyOf(0))).toBeTypeOf('boolean');
});
