/** By which a store knows the record again that ended a shard's last batch. */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import { WatermarkStore } from '../../src/engine/watermark-store.js';
import { batchBytes } from '../support/batch-bytes.js';
import { newReplica } from '../support/engines.js';

const key = Buffer.from('alpha');
const record = { shard: 2, sequence: 2n, op: 1, key, value: 'v', timestampMs: 7n };
const before = { ...record, sequence: 1n };

describe.each([
  ['a store', () => newReplica()],
  ['a store without content', () => new WatermarkStore(4)],
])('%s', (_, make) => {
  it('knows the last record of the first shard that has applied one', () => {
    const store = make();
    expect(store.lastRecord()).toBeUndefined();
    store.apply(batchBytes({ ...before, shard: 3 }));
    expect(store.lastRecord()).toMatchObject({ shard: 3, sequence: 1n });
    store.apply(batchBytes(before, record));
    const last = store.lastRecord()!;
    expect(last).toMatchObject({ shard: 2, sequence: 2n });
    store.apply(batchBytes(before, record));
    expect(store.lastRecord()).toEqual(last);
    store.setWatermarks([0n, 0n, 5n, 1n]);
    expect(store.lastRecord()).toMatchObject({ shard: 3 });
  });

  it('finds it in a batch by its time and its value too, and in nothing that is malformed', () => {
    const store = make();
    store.apply(batchBytes(before, record));
    const last = store.lastRecord()!;
    expect(store.hasRecord(batchBytes(before, record), last)).toBe(true);
    expect(store.hasRecord(batchBytes(before), last)).toBe(false);
    expect(store.hasRecord(batchBytes({ ...record, timestampMs: 8n }), last)).toBe(false);
    expect(store.hasRecord(batchBytes({ ...record, value: 'w' }), last)).toBe(false);
    expect(store.hasRecord(batchBytes({ ...record, shard: 1 }), last)).toBe(false);
    expect(store.hasRecord(batchBytes(record).subarray(0, 40), last)).toBe(false);
    expect(store.hasRecord(Buffer.alloc(3), last)).toBe(false);
    expect(store.hasRecord(Buffer.from([255, 255, 255, 255]), last)).toBe(false);
  });
});

it('a store remembers the record that another one knew', () => {
  const store = new WatermarkStore(4);
  store.setWatermarks([0n, 2n, 0n, 0n]);
  store.remember({ shard: 1, sequence: 2n, print: 3n });
  expect(store.lastRecord()).toEqual({ shard: 1, sequence: 2n, print: 3n });
});
