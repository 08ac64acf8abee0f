/**
 * A replica of the same build can hold all that a primary accepts: in the order of a snapshot, and in that of
 * the writes.
 */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { encodeSnapshotChunk } from '../../src/frame/snapshot.js';
import { newEngine, newReplica } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const MIB = 1024 * 1024;
const maxMemoryBytes = 24 * MIB;
/** Values of 300,000 bytes leave gaps, of which a sixteenth of this is enough. */
const attachedBytes = 64 * MIB;
const OK = Buffer.from('+OK\r\n');

/** Sets keys of `size` bytes until the store refuses one; returns how many it took. */
function fill(driver: RespDriver, size: number): number {
  const value = Buffer.alloc(size, 'v');
  for (let taken = 0; ; taken++) {
    const { replies } = driver.run(command('SET', `${size}:${taken}`, value));
    if (replies.equals(OK)) continue;
    expect(replies.toString()).toContain('-OOM');
    return taken;
  }
}

/** Loads a snapshot of the primary's content. */
function load(replica: ShardEngine, primary: ShardEngine): void {
  const scan = primary.scan();
  for (let done = false; !done; ) {
    const step = scan.next(256 * 1024);
    done = step.done;
    replica.loadChunk(encodeSnapshotChunk({ ...step, chunkIndex: 0n, last: done, watermarks: [] }));
  }
  scan.close();
}

describe('a primary that is filled until it refuses', { timeout: 120_000 }, () => {
  it.each([
    ['big and then small values', [2 * MIB, MIB, 200_000, 20_000, 900, 20]],
    ['small and then big values', [20, 900, 20_000, 200_000, MIB, 2 * MIB]],
    ['big values and then small ones alone', [MIB, 20]],
    ['the smallest alone', [0]],
  ])('with %s has no more than a replica that joins can hold', (_, sizes) => {
    const primary = newEngine({ maxMemoryBytes });
    const driver = new RespDriver(primary);
    for (const size of sizes) {
      // Of the first sizes half of what fits, so that there is room for those behind.
      const taken = fill(driver, size);
      const kept = sizes.at(-1) === size ? taken : Math.ceil(taken / 2);
      for (let n = kept; n < taken; n++) driver.run(command('DEL', `${size}:${n}`));
    }
    primary.flush();
    expect(primary.usedBytes()).toBeGreaterThan(maxMemoryBytes * 0.9);
    for (let secret = 1n; secret <= 2n; secret++) {
      const replica = newReplica({ maxMemoryBytes, secret });
      load(replica, primary);
      expect(replica.keyCount()).toBe(primary.keyCount());
      replica.kernel.invariants();
    }
  });
});

it('a replica that is attached holds what a full primary takes in for what it deletes', {
  timeout: 120_000,
}, () => {
  const primary = newEngine({ maxMemoryBytes: attachedBytes });
  const driver = new RespDriver(primary);
  const random = new RandomSource(6);
  const replica = newReplica({ maxMemoryBytes: attachedBytes, secret: 5n });
  const batches: Buffer[] = [];
  primary.onBatch = ({ payload }) => batches.push(Buffer.from(payload));
  const apply = () => {
    primary.flush();
    for (const batch of batches.splice(0)) replica.apply(batch);
  };
  let refused = 0;
  for (let n = 0; n < 20_000; n++) {
    const key = `key:${random.below(8_000)}`;
    const size = random.skewed(300_000);
    const { replies } = driver.run(command('SET', key, Buffer.alloc(size, 'v')));
    if (!replies.equals(OK)) {
      refused++;
      for (let gone = 0; gone < 20; gone++) driver.run(command('DEL', `key:${random.below(8_000)}`));
    }
    if (n % 50 === 0) apply();
  }
  apply();
  expect(refused).toBeGreaterThan(100);
  expect(replica.keyCount()).toBe(primary.keyCount());
  expect(replica.watermarks()).toEqual(primary.watermarks());
});

it('a replica that can hold less says what it holds and what it can have', () => {
  const primary = newEngine({ maxMemoryBytes });
  fill(new RespDriver(primary), MIB);
  const smaller = newReplica({ maxMemoryBytes: 8 * MIB });
  let text = '';
  try {
    load(smaller, primary);
  } catch (error) {
    text = String(error);
  }
  expect(text).toContain(`It holds ${smaller.usedBytes()} of the ${8 * MIB} bytes that it can have at most.`);
});

it('a replica at its limit moves no more records to make room than are written', { timeout: 60_000 }, () => {
  const primary = newEngine({ maxMemoryBytes });
  const driver = new RespDriver(primary);
  const batches: Buffer[] = [];
  primary.onBatch = ({ payload }) => batches.push(Buffer.from(payload));
  const random = new RandomSource(15);
  const write = () => {
    const value = Buffer.alloc(random.skewed(2_000), 'v');
    const isTaken = driver.run(command('SET', `key:${random.below(100_000)}`, value)).replies.equals(OK);
    if (isTaken) return true;
    for (let gone = 0; gone < 20; gone++) driver.run(command('DEL', `key:${random.below(100_000)}`));
    return false;
  };
  while (write()) {}
  // Its content has no gaps, and hardly more has room.
  const replica = newReplica({ maxMemoryBytes: primary.usedBytes() * 1.03, secret: 7n });
  primary.flush();
  load(replica, primary);
  replica.setWatermarks(primary.watermarks());
  batches.length = 0;
  const { recordsMoved } = replica.kernel.exports;
  let applied = 0;
  for (let round = 0; round < 200; round++) {
    for (let n = 0; n < 100; n++) write();
    primary.flush();
    for (const batch of batches.splice(0)) applied += replica.apply(batch).applied;
  }
  expect(recordsMoved!()).toBeGreaterThan(100);
  expect(recordsMoved!()).toBeLessThan(applied);
});
