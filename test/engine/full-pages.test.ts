/** A store that evicts and has no more pages: it goes on taking writes, whatever sizes come after which. */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { newEngine } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const MIB = 1024 * 1024;
const OK = Buffer.from('+OK\r\n');

/** Sets keys of about `size` bytes until `bytes` have gone in. */
function pour(
  engine: ShardEngine,
  driver: RespDriver,
  random: RandomSource,
  size: number,
  bytes: number,
): void {
  for (let poured = 0; poured < bytes; ) {
    const value = Buffer.alloc(Math.ceil(size * (0.75 + random.below(1000) / 2000)));
    const key = `${size}:${random.below(1e9)}`;
    const reply = driver.run(command('SET', key, value)).replies;
    if (!reply.equals(OK)) expect.fail(`${size} bytes: ${reply}`);
    poured += value.length + 50;
    engine.flush();
  }
}

const SIZES = [60, 3000, 120, 200_000, 12_000, 40_000, 900, 2_000_000, 20_000, 60];

it.each([
  ['allkeys-lru', 0],
  ['allkeys-random', 8 * MIB],
] as const)('8 MiB of pages, %s with a limit of %i', { timeout: 120_000 }, (policy, maxBytes) => {
  const engine = newEngine({ maxMemoryBytes: 8 * MIB });
  const driver = new RespDriver(engine);
  engine.limitMemory({ maxBytes, policy });
  const random = new RandomSource(2);
  for (const size of SIZES) {
    pour(engine, driver, random, size, 10 * MIB);
    expect(engine.usedBytes()).toBeGreaterThan(4 * MIB);
  }
  for (let round = 0; round < 300; round++) pour(engine, driver, random, random.skewed(500_000), MIB / 8);
  const text = (...args: string[]) => driver.run(command(...args)).replies.toString();
  expect(text('MSET', 'a', 'x'.repeat(1000), 'b', 'x'.repeat(100_000))).toBe('+OK\r\n');
  // The value that grows may itself have been evicted for it.
  expect(text('APPEND', 'a', 'x'.repeat(3_000_000))).toMatch(/^:300[01]000\r\n$/);
  expect(text('INCR', 'number')).toBe(':1\r\n');
  engine.set(Buffer.from('embedded'), Buffer.alloc(4 * MIB));
  expect(engine.get(Buffer.from('embedded'))?.length).toBe(4 * MIB);
});

it('the end of the 4 GiB, where what is free lies in pieces', { timeout: 120_000 }, () => {
  const engine = newEngine();
  // Taken and never touched, so that no machine has to have it.
  engine.kernel.allocate(2 ** 32 - 64 * MIB - engine.kernel.bytes.length);
  const driver = new RespDriver(engine);
  engine.limitMemory({ maxBytes: 0, policy: 'allkeys-random' });
  const random = new RandomSource(2);
  for (const size of [300, 3000, 20_000, 900, 60_000]) pour(engine, driver, random, size, 60 * MIB);
  expect(engine.evictedCount()).toBeGreaterThan(10_000);
});

it('what can never fit is refused, and costs no more than its try', () => {
  const engine = newEngine({ maxMemoryBytes: 8 * MIB });
  const driver = new RespDriver(engine);
  engine.limitMemory({ maxBytes: 0, policy: 'allkeys-random' });
  const tooLarge = command('SET', 'large', Buffer.alloc(9 * MIB));
  expect(driver.run(tooLarge).replies.toString()).toContain('-OOM');
  expect(driver.run(command('SET', 'small', 'v')).replies).toEqual(OK);
});

it('without eviction full pages refuse as ever, and nothing is gathered or evicted for it', () => {
  const engine = newEngine({ maxMemoryBytes: 8 * MIB });
  const driver = new RespDriver(engine);
  let taken = 0;
  while (driver.run(command('SET', `${taken}`, Buffer.alloc(1000))).replies.equals(OK)) taken++;
  expect(engine.keyCount()).toBe(taken);
  expect(engine.evictedCount()).toBe(0);
});
