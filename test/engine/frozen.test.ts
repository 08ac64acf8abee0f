/**
 * A frozen store (CLIENT PAUSE): expired keys are hidden and stay, nothing is evicted, and both go on when
 * the pause ends.
 */
import '../support/debug-kernel.js';

import { beforeEach, describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { decodeBatch } from '../../src/frame/batch.js';
import { contentOf, matchingKeys, newEngine, newReplica, StandingClock } from '../support/engines.js';

const k = Buffer.from('k');
const value = Buffer.from('value');

let clock: StandingClock;
let engine: ShardEngine;
let emitted: string[];

beforeEach(() => {
  clock = new StandingClock();
  engine = newEngine({ clock });
  emitted = [];
  engine.onBatch = ({ payload }) => {
    for (const { op, key } of decodeBatch(payload).records) emitted.push(`${op} ${key}`);
  };
});

/** Returns the records that were emitted until now, or since the last call. */
function news(): string[] {
  engine.flush();
  return emitted.splice(0);
}

describe('a key that expires while its store is frozen', () => {
  beforeEach(() => {
    engine.set(k, value, BigInt(clock.ms + 10));
    engine.setFrozen(true);
    clock.pass(10);
    expect(news()).toEqual(['set k']);
  });

  it('is hidden from everyone, and neither deleted nor told of', () => {
    const ticket = engine.watches.watch(k);
    expect(engine.get(k)).toBeUndefined();
    expect(engine.expiryOf(k)).toBeUndefined();
    expect(engine.uses.touch(k)).toBe(false);
    expect(engine.del(k)).toBe(false);
    expect(engine.expire(k, BigInt(clock.ms + 1000))).toBe(false);
    expect(engine.keyspace.random()).toBeUndefined();
    expect(matchingKeys(engine, Buffer.from('*'))).toEqual([]);
    expect(engine.sweep(10)).toBe(0);
    expect(engine.watches.changedSince(k, ticket)).toBe(false);
    expect(engine.keyCount()).toBe(1);
    expect(contentOf(engine).size).toBe(1);
    expect(news()).toEqual([]);
  });

  it('is deleted on access when that is over', () => {
    engine.setFrozen(false);
    expect(engine.get(k)).toBeUndefined();
    expect(engine.keyCount()).toBe(0);
    expect(news()).toEqual(['del k']);
  });

  it('is swept when that is over', () => {
    engine.setFrozen(false);
    expect(engine.sweep(10)).toBe(1);
    expect(news()).toEqual(['del k']);
  });

  it('can be set again: the old one is deleted before', () => {
    engine.set(k, Buffer.from('new'));
    expect(engine.get(k)?.toString()).toBe('new');
    expect(engine.keyCount()).toBe(1);
    expect(news()).toEqual(['del k', 'set k']);
  });
});

it('a frozen store evicts nothing and refuses nothing, and keeps to its limit again when it thaws', () => {
  for (let n = 0; n < 1000; n++) engine.set(Buffer.from(`key:${n}`), value);
  news();
  engine.setFrozen(true);
  engine.limitMemory({ maxBytes: 1, policy: 'allkeys-random' });
  expect(engine.makeRoom()).toBe(true);
  expect([engine.keyCount(), engine.evictedCount()]).toEqual([1000, 0]);
  expect(news()).toEqual([]);
  engine.setFrozen(false);
  while (engine.evictedCount() < 1000) engine.makeRoom();
  expect(news().length).toBe(1000);
});

it('a frozen replica that becomes a primary stays frozen', () => {
  const replica = newReplica({ clock });
  replica.setFrozen(true);
  replica.setReplica(false);
  replica.set(k, value, BigInt(clock.ms + 10));
  clock.pass(10);
  expect(replica.get(k)).toBeUndefined();
  expect(replica.keyCount()).toBe(1);
  replica.setFrozen(false);
  expect(replica.get(k)).toBeUndefined();
  expect(replica.keyCount()).toBe(0);
});
