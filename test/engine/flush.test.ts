/**
 * A store that is emptied in steps, as FLUSHALL does: its reports, its memory, and the content of a replica
 * then.
 */
import '../support/debug-kernel.js';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { ShardEngine } from '../../src/engine/shard-engine.js';
import { decodeBatch } from '../../src/frame/batch.js';
import { batchBytes } from '../support/batch-bytes.js';
import { keyHashedTo, newChosenEngine } from '../support/colliding-keys.js';
import { embeddedPair, isCaughtUp } from '../support/embedded-pair.js';
import { newEngine, newReplica, StandingClock } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const MIB = 1024 * 1024;
const value = Buffer.from('value');
const pair = await embeddedPair({ shards: 8 });
const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);

afterEach(() => {
  vi.restoreAllMocks();
});

/** Empties a store in steps of `limit`; how many it took. */
function empty(engine: ShardEngine, limit: number): number {
  for (let steps = 1; ; steps++) {
    const before = engine.keyCount();
    const isEmpty = engine.keyspace.deleteSome(limit);
    expect(before - engine.keyCount()).toBe(Math.min(before, limit));
    expect(isEmpty).toBe(engine.keyCount() === 0);
    if (isEmpty) return steps;
  }
}

/** Takes what the kernel can still grow by, down to its last page. */
function takeAllMemory({ kernel }: ShardEngine): number[] {
  const taken: number[] = [];
  for (let bytes = 2 ** 30; bytes >= 4096; bytes /= 2) {
    for (let at = 1; at !== 0; ) {
      at = kernel.exports.allocate(bytes) >>> 0;
      if (at !== 0) taken.push(at);
    }
  }
  return taken;
}

describe('a flush', { timeout: 180_000 }, () => {
  it.each([
    [1, 1],
    [1, 1_000],
    [4, 777],
    [64, 100_000],
    [1024, 50],
  ])('of %i shards in steps of %i tells of every key once, and a replica follows', (shards, limit) => {
    const clock = new StandingClock();
    const primary = newEngine({ shards, clock });
    const replica = newReplica({ shards, clock });
    const deleted: string[] = [];
    primary.onBatch = ({ payload }) => {
      const own = Buffer.from(payload);
      for (const { op, key } of decodeBatch(own).records)
        if (op === 'del') deleted.push(key.toString('latin1'));
      replica.apply(own);
    };
    const random = new RandomSource(shards);
    const keys = Array.from({ length: 20_000 }, (_, n) =>
      Buffer.concat([random.bytes(random.below(30)), keyOf(n)]),
    );
    // Some have expired, some will: they go with the others.
    for (const [n, key] of keys.entries())
      primary.set(key, value, n % 5 === 0 ? BigInt(clock.ms + 1 + n) : undefined);
    clock.pass(10_000);
    const tables = primary.memory().tables;
    expect(empty(primary, limit)).toBe(Math.ceil(keys.length / limit));
    primary.flush();
    expect(deleted.sort()).toEqual(keys.map((key) => key.toString('latin1')).sort());
    expect(replica.keyCount()).toBe(0);
    expect(replica.watermarks()).toEqual(primary.watermarks());
    if (shards === 1) expect(primary.memory().tables).toBeLessThan(tables / 5);
    expect(primary.memory().records).toBe(0);
    expect(primary.keyspace.deleteSome(10)).toBe(true);
    primary.set(value, value);
    expect(primary.get(value)).toEqual(value);
  });

  it('of a store that follows is silent', () => {
    const engine = newReplica();
    const emitted = vi.fn();
    engine.onBatch = emitted;
    for (let n = 0; n < 5_000; n++) engine.set(keyOf(n), value);
    empty(engine, 300);
    engine.flush();
    expect(emitted).not.toHaveBeenCalled();
  });

  it.each([10, 5_000, 2_000_000])('of a store full of values of %i bytes needs no memory', (bytes) => {
    const engine = newEngine({ maxMemoryBytes: 8 * MIB });
    let taken = 0;
    expect(() => {
      for (; ; taken++) engine.set(keyOf(taken), Buffer.alloc(bytes));
    }).toThrow();
    expect(empty(engine, 100)).toBe(Math.max(1, Math.ceil(taken / 100)));
  });

  it('of a store that has no memory left at all goes on where it can, and says when it can not', () => {
    const engine = newReplica({ shards: 2 });
    const sequences = [0n, 0n];
    for (let n = 0; n < 100; n++) {
      const key = n === 50 ? Buffer.alloc(1_000_000, 'L') : keyOf(n);
      const { shard } = engine.route(key);
      sequences[shard]! += 1n;
      engine.apply(
        batchBytes({ shard, sequence: sequences[shard]!, op: 1, key, value: Buffer.alloc(100_000) }),
      );
    }
    engine.setReplica(false);
    // No shard has a buffer for what it would tell.
    const taken = takeAllMemory(engine);
    expect(() => engine.keyspace.deleteSome(10)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
    expect(engine.keyCount()).toBe(100);
    engine.kernel.exports.release(taken.pop()!);
    expect(engine.memory().available).toBeGreaterThan(0);
    for (let steps = 0; !engine.keyspace.deleteSome(10); steps++) expect(steps).toBeLessThan(12);
  });

  it('of keys that all fall into one segment comes to its end', () => {
    const engine = newChosenEngine();
    for (let n = 0; n < 20_000; n++)
      engine.set(keyHashedTo((0xabcd_ef01n << 32n) | (BigInt(n) << 14n)), value);
    for (let n = 0; n < 5_000; n++) engine.set(keyOf(n), value);
    empty(engine, 500);
    expect(engine.memory().tables).toBeLessThanOrEqual(4 * 4096);
  });

  it('goes on while others write', () => {
    const engine = newEngine();
    for (let n = 0; n < 20_000; n++) engine.set(keyOf(n), value);
    let next = 20_000;
    while (!engine.keyspace.deleteSome(500)) for (let n = 0; n < 50; n++) engine.set(keyOf(next++), value);
    expect(engine.keyCount()).toBe(0);
    expect(next).toBeGreaterThan(21_000);
  });
});

it('a primary that is emptied in steps, and the replica behind it, end empty and at the same watermarks', async () => {
  const { primary, replica } = pair;
  const set = vi.spyOn(ShardEngine.prototype, 'set');
  primary.set(Buffer.from([0, 255, 13, 10]), 'binary');
  const engine = set.mock.contexts[0] as ShardEngine;
  for (let n = 0; n < 20_000; n++) primary.set(`key:${n}`, 'value');
  await isCaughtUp({ primary, replica });
  expect(replica.keyCount()).toBe(20_001);
  while (!engine.keyspace.deleteSome(1_000)) await new Promise(setImmediate);
  await isCaughtUp({ primary, replica });
  expect([primary.keyCount(), replica.keyCount()]).toEqual([0, 0]);
  expect(replica.watermarks()).toEqual(primary.watermarks());
});
