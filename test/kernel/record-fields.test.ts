/**
 * The kernel and frame/ each name the places of a record's fields: these are the same, and those of real
 * records.
 */
import { expect, it } from 'vitest';
import { encodeBatch, RECORD_FIXED_BYTES, RECORD_OFFSETS } from '../../src/frame/batch.js';
import * as layout from '../../src/kernel/layout.js';

it('the kernel reads the fields of a record where frame/ has written them', () => {
  const payload = encodeBatch([
    {
      shard: 0x0102_0304,
      sequence: 0x1112_1314_1516_1718n,
      timestampMs: 0x2122_2324_2526_2728n,
      op: 'set',
      keyHash: 0x3132_3334_3536_3738n,
      expireAtMs: 0x4142_4344_4546_4748n,
      key: Buffer.from('key'),
      value: Buffer.from('value'),
    },
  ]);
  const record = payload.subarray(4);
  expect(record.readUInt32LE(layout.RECORD_SHARD_AT)).toBe(0x0102_0304);
  expect(record.readBigUInt64LE(layout.RECORD_SEQUENCE_AT)).toBe(0x1112_1314_1516_1718n);
  expect(record.readBigUInt64LE(layout.RECORD_TIMESTAMP_AT)).toBe(0x2122_2324_2526_2728n);
  expect(record[layout.RECORD_OP_AT]).toBe(layout.OP_SET);
  expect(record.readBigUInt64LE(layout.RECORD_KEY_HASH_AT)).toBe(0x3132_3334_3536_3738n);
  expect(record.readBigUInt64LE(layout.RECORD_KEY_TAG_AT)).toBe(0x31n);
  expect(record.readBigUInt64LE(layout.RECORD_EXPIRY_AT)).toBe(0x4142_4344_4546_4748n);
  expect(record.readUInt32LE(layout.RECORD_KEY_BYTES_AT)).toBe(3);
  expect(record.readUInt32LE(layout.RECORD_VALUE_BYTES_AT)).toBe(5);
  expect(record.subarray(layout.RECORD_HEADER_BYTES).toString()).toBe('keyvalue');
});

it('frame/ names the same places of a record as the kernel', () => {
  expect(RECORD_OFFSETS).toEqual({
    sequence: layout.RECORD_SEQUENCE_AT,
    timestampMs: layout.RECORD_TIMESTAMP_AT,
    op: layout.RECORD_OP_AT,
    keyBytes: layout.RECORD_KEY_BYTES_AT,
    valueBytes: layout.RECORD_VALUE_BYTES_AT,
  });
  expect(RECORD_FIXED_BYTES).toBe(layout.RECORD_HEADER_BYTES);
});
