import { describe, expect, it } from 'vitest';
import { decodeBatch, type MutationRecord } from '../../../src/frame/batch.js';
import { BatchBuilder, type BatchRules } from '../../../src/replication/stream/batch-builder.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const rules: BatchRules = { immediate: false, maxRecords: 3, maxBytes: 1_000, maxDelayUs: 750 };

function record(sequence: bigint, value = 'v'): MutationRecord {
  return {
    shard: 2,
    sequence,
    timestampMs: 1n,
    op: 'set',
    keyHash: 7n,
    expireAtMs: null,
    key: Buffer.from('k'),
    value: Buffer.from(value),
  };
}

describe('a batch builder', () => {
  it('gives a batch with the record that fills it, with its span of sequences', () => {
    const builder = new BatchBuilder(rules);
    expect(builder.push(record(5n))).toBeUndefined();
    expect(builder.push(record(6n))).toBeUndefined();
    const batch = builder.push(record(7n));
    expect(batch).toMatchObject({ shard: 2, records: 3, minSequence: 5n, maxSequence: 7n });
    expect([...decodeBatch(batch!.payload).records].map(({ sequence }) => sequence)).toEqual([5n, 6n, 7n]);
    expect(builder.length).toBe(0);
  });

  it('counts encoded bytes: 53 and key and value for each record', () => {
    const builder = new BatchBuilder({ ...rules, maxRecords: 100, maxBytes: 2 * (53 + 1 + 10) });
    expect(builder.push(record(1n, '0123456789'))).toBeUndefined();
    expect(builder.push(record(2n, '012345678'))).toBeUndefined();
    expect(builder.push(record(3n, ''))?.records).toBe(3);
  });

  it('gives every record at once when immediate', () => {
    const builder = new BatchBuilder({ ...rules, immediate: true });
    expect(builder.push(record(1n))?.records).toBe(1);
    expect(builder.push(record(2n))?.records).toBe(1);
    expect(builder.flush()).toBeUndefined();
  });

  it('is due when its first record is old enough, not a microsecond before', () => {
    const world = new VirtualWorld();
    const builder = new BatchBuilder({ ...rules, maxDelayUs: 3_000 }, world.seams.clock);
    expect(builder.nextTimeoutUs()).toBeUndefined();
    builder.push(record(1n));
    world.run(1);
    builder.push(record(2n));
    expect(builder.nextTimeoutUs()).toBe(2_000);
    world.run(1);
    expect(builder.flushDue()).toBeUndefined();
    world.run(1);
    expect(builder.nextTimeoutUs()).toBe(0);
    expect(builder.flushDue()?.records).toBe(2);
    expect(builder.nextTimeoutUs()).toBeUndefined();
  });

  it('without a clock gives all that waits whenever it is asked', () => {
    const builder = new BatchBuilder(rules);
    expect(builder.flushDue()).toBeUndefined();
    builder.push(record(1n));
    expect(builder.nextTimeoutUs()).toBe(0);
    expect(builder.flushDue()?.records).toBe(1);
  });

  it('yields nothing when nothing waits', () => {
    expect(new BatchBuilder(rules).flush()).toBeUndefined();
  });
});
