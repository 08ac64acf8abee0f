/**
 * The reported memory is the memory that the content takes, block by block, after any sequence of operations.
 */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { newEngine, StandingClock, scanAll } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const PAGE = 4096;
const HEADER = 24;
const EXPIRY = 16;

/**
 * A block by the arena's rules: steps of 8 bytes up to 256, 16 steps a doubling up to 32 KiB, pages above.
 */
function blockBytes(bytes: number): number {
  if (bytes > 32_768) return Math.ceil(bytes / PAGE) * PAGE;
  if (bytes <= 256) return Math.ceil(bytes / 8) * 8;
  const step = 2 ** Math.floor(Math.log2(bytes - 1)) / 16;
  return Math.ceil(bytes / step) * step;
}

it.each([1, 2, 3, 4])('never drifts from what a recount finds (seed %i)', (seed) => {
  const clock = new StandingClock();
  const engine = newEngine({ clock, maxMemoryBytes: 64 * 2 ** 20 });
  const driver = new RespDriver(engine);
  const random = new RandomSource(seed);
  const keyOf = (n: number) => Buffer.from(`${n}`.padStart(1 + (n % 40), 'k'));
  const anyKey = () => keyOf(random.below(3000));
  const anyExpiry = () => (random.chance(0.5) ? NO_EXPIRY : BigInt(clock.ms + 1 + random.below(60_000)));
  const bytes = Buffer.alloc(300_000);
  engine.set(keyOf(0), bytes);
  engine.flush();
  const outside = () => {
    const { allocated, frames, freeBlocks } = engine.memory();
    return allocated - frames - freeBlocks - engine.usedBytes();
  };
  const before = outside();
  for (let step = 1; step <= 20_000; step++) {
    const size = random.skewed(random.chance(0.02) ? bytes.length : 2000);
    const chosen = random.below(100);
    if (chosen < 45) engine.set(anyKey(), bytes.subarray(0, size), anyExpiry());
    else if (chosen < 60) driver.run(command('APPEND', anyKey(), bytes.subarray(0, size & 255)));
    else if (chosen < 80) engine.del(anyKey());
    else if (chosen < 90) engine.expire(anyKey(), anyExpiry());
    else if (chosen < 94) engine.compact(random.below(500));
    else if (chosen < 96) clock.pass(random.below(1000));
    else if (chosen < 98) engine.sweep(100);
    else {
      engine.limitMemory({
        maxBytes: Math.floor(engine.usedBytes() * (1 - random.below(10) / 500)),
        policy: random.pick(['allkeys-lru', 'allkeys-random', 'volatile-ttl']),
      });
      engine.makeRoom();
      engine.limitMemory({ maxBytes: 0, policy: 'noeviction' });
    }
    if (step % 1000 !== 0) continue;
    engine.kernel.invariants();
    engine.sweep(100_000);
    engine.flush();
    let recounted = 0;
    for (const { key, value, expireAtMs } of scanAll(engine)) {
      const block = blockBytes(HEADER + key.length + value.length);
      recounted += block;
      expect(engine.recordBytes(key)).toBe(block + (expireAtMs === null ? 0 : EXPIRY));
    }
    const { records, tables, freeBlocks } = engine.memory();
    expect(records).toBe(recounted);
    expect(outside()).toBe(before);
    // Slabs lose at most a 32nd at their ends; the shards themselves lie in one page.
    const rest = engine.usedBytes() - tables - records - PAGE;
    expect(rest).toBeGreaterThanOrEqual(0);
    expect(rest).toBeLessThan((records + freeBlocks) / 30);
  }
  for (const { key } of [...scanAll(engine)]) engine.del(key);
  while (engine.compact(10_000) > 0);
  expect(engine.memory()).toMatchObject({ records: 0, freeBlocks: 0 });
  expect(engine.usedBytes()).toBe(engine.memory().tables + PAGE);
});
