/**
 * The end of WebAssembly's memory: addresses above 2 GiB are right, and nothing traps when not a page is
 * left.
 */
import { expect, it } from 'vitest';
import { batchBytes } from '../support/batch-bytes.js';
import { newEngine, newReplica, scanAll } from '../support/engines.js';
import { command, RespDriver } from '../support/resp-driver.js';

const MIB = 1024 * 1024;
const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);
const oom = expect.objectContaining({ code: 'OUT_OF_MEMORY' });

/** Takes memory that is never touched, so that no machine has to have it: all but about `left` bytes. */
function leaveOnly(engine: ReturnType<typeof newEngine>, left: number): void {
  engine.kernel.allocate(2 ** 32 - left - engine.kernel.bytes.length);
}

it('a store without a limit keeps room for replies and frames', () => {
  const { available } = newEngine().memory();
  expect(available).toBeGreaterThan(2 ** 32 - 140 * MIB);
  expect(available).toBeLessThan(2 ** 32 - 128 * MIB);
});

it('a store in the last megabytes takes, finds, scans and gives back as anywhere', () => {
  const engine = newEngine();
  leaveOnly(engine, 64 * MIB);
  const driver = new RespDriver(engine);
  const sizes = [0, 20, 300, 5_000, 50_000];
  const valueFor = (n: number) => Buffer.alloc(sizes[n % sizes.length]!, `${n},`);
  const rounds = [0, 1, 2].map(() => {
    let taken = 0;
    try {
      for (; ; taken++) engine.set(keyOf(taken), valueFor(taken));
    } catch (error) {
      expect(error).toEqual(oom);
    }
    for (let n = 0; n < taken; n++)
      if (!engine.get(keyOf(n))?.equals(valueFor(n))) expect.fail(`key ${n} differs`);
    expect(driver.run(command('SET', 'more', Buffer.alloc(MIB))).replies.toString()).toContain('-OOM');
    const keys = Array.from({ length: taken }, (_, n) => `key:${n}`);
    for (let from = 0; from < taken; from += 500) {
      const some = keys.slice(from, from + 500);
      const { replies } = driver.run(Buffer.concat([command('EXISTS', ...some), command('DEL', ...some)]));
      expect(replies.toString()).toBe(`:${some.length}\r\n`.repeat(2));
    }
    while (engine.compact(10_000) > 0);
    return taken;
  });
  expect(engine.kernel.bytes.length).toBeGreaterThan(2 ** 32 - MIB);
  expect(rounds[0]).toBeGreaterThan(1500);
  expect(rounds[2]).toBeGreaterThanOrEqual(rounds[0]! * 0.95);
  expect([...scanAll(engine, 1000)]).toEqual([]);
});

it('a replica that runs out there says so, applies no part of a record and goes on when there is room', () => {
  const engine = newReplica();
  leaveOnly(engine, 16 * MIB);
  let sequence = 0n;
  const next = (bytes: number) =>
    batchBytes({
      shard: 0,
      sequence: sequence + 1n,
      op: 1,
      key: `key:${sequence}`,
      value: Buffer.alloc(bytes),
    });
  expect(() => {
    for (; ; sequence++) engine.apply(next(100_000));
  }).toThrow(oom);
  expect(engine.watermarks()[0]).toBe(sequence);
  expect(BigInt(engine.keyCount())).toBe(sequence);
  const first = batchBytes({ shard: 0, sequence: sequence + 1n, op: 2, key: 'key:0' });
  expect(engine.apply(first).applied).toBe(1);
  sequence++;
  expect(engine.apply(next(50_000)).applied).toBe(1);
});
