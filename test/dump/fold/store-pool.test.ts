import { expect, it } from 'vitest';
import { type FoldStore, StorePool } from '../../../src/dump/fold/store-pool.js';
import { WatermarkStore } from '../../../src/engine/watermark-store.js';
import { newReplica } from '../../support/engines.js';

function poolOf(create: (shards: number) => FoldStore) {
  const created: number[] = [];
  const pool = new StorePool((shards) => {
    created.push(shards);
    return create(shards);
  });
  return { created, pool };
}

it('stores without content are reused whatever the order of their shard counts', () => {
  const { created, pool } = poolOf((shards) => new WatermarkStore(shards));
  for (let turn = 0; turn < 20; turn += 1) {
    for (const shards of [1, 2, 4]) pool.giveBack(pool.take(shards));
  }
  expect(created).toEqual([1, 2, 4]);
});

it('of stores with content one is kept, and only until another is needed', () => {
  const clock = { nowMs: () => 0, monotonicUs: () => 0 };
  const { created, pool } = poolOf((shards) => newReplica({ shards, clock }));
  pool.giveBack(pool.take(1));
  pool.giveBack(pool.take(1));
  pool.giveBack(pool.take(2));
  pool.giveBack(pool.take(1));
  expect(created).toEqual([1, 2, 1]);
});
