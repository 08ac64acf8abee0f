/**
 * Ten million random commands on a primary that a replica follows: both end with the oracle's content, and
 * lean.
 */
import { expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { newEngine, newReplica, StandingClock } from '../support/engines.js';
import { MapOracle } from '../support/map-oracle.js';
import { RandomSource } from '../support/random.js';
import { RespDriver } from '../support/resp-driver.js';

const OPERATIONS = 10_000_000;
const CALLS = 200_000;
const PIPELINE = 10_000;
const KEYS = 250_000;

function houseKeep(engine: ShardEngine): void {
  while (engine.compact(10_000) > 0);
}

/** Bytes that a store takes for its content: all but the open frames' buffers and what is the tests' own. */
function contentBytes(engine: ShardEngine, others: number): number {
  const { allocated, frames } = engine.memory();
  return allocated - frames - others;
}

it('ten million operations leave the content of the oracle, and no more memory than it needs', () => {
  const clock = new StandingClock();
  const random = new RandomSource(20);
  const oracle = new MapOracle(random, clock, KEYS);
  const primary = newEngine({ clock });
  const replica = newReplica({ clock });
  const driver = new RespDriver(primary);
  primary.onBatch = ({ payload }) => replica.apply(payload);

  let wrong = 0;
  for (let done = 0; done < OPERATIONS; done += PIPELINE) {
    const { commands, replies } = oracle.pipeline(PIPELINE);
    const run = driver.run(commands);
    expect(run.consumed).toBe(commands.length);
    if (!run.replies.equals(replies)) expect.fail(`other replies after ${done} operations`);
    wrong += oracle.callsOn(primary, CALLS / (OPERATIONS / PIPELINE));
    clock.pass(random.below(200));
    if (random.chance(0.2)) primary.sweep(random.below(5000));
    if (random.chance(0.1)) primary.compact(2000);
    if (random.chance(0.1)) replica.compact(2000);
  }
  expect(wrong).toBe(0);

  oracle.expireDue();
  while (primary.sweep(10_000) > 0);
  primary.flush();
  houseKeep(primary);
  houseKeep(replica);
  for (const engine of [primary, replica]) {
    expect(engine.keyCount()).toBe(oracle.held.size);
    expect(oracle.differences(engine)).toEqual([]);
    expect(oracle.wrongGets(engine)).toBe(0);
  }
  expect(replica.watermarks()).toEqual(primary.watermarks());

  const needed = oracle.neededBytes();
  const overhead = (engine: ShardEngine, others: number) => contentBytes(engine, others) / needed;
  const APPLY_BUFFER = 1024 * 1024;
  expect(overhead(primary, driver.bytes)).toBeLessThan(1.1);
  expect(overhead(replica, APPLY_BUFFER)).toBeLessThan(1.1);
}, 300_000);
