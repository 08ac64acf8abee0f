// The fields of a MutationBatch record as it travels (docs/protocol.md, "MutationBatch"); layout.ts has their
// offsets. A record of the store itself has another layout, which is memory/record.ts's.
import {
  RECORD_EXPIRY_AT,
  RECORD_HEADER_BYTES,
  RECORD_KEY_BYTES_AT,
  RECORD_KEY_HASH_AT,
  RECORD_KEY_TAG_AT,
  RECORD_OP_AT,
  RECORD_SEQUENCE_AT,
  RECORD_SHARD_AT,
  RECORD_TIMESTAMP_AT,
  RECORD_VALUE_BYTES_AT,
} from './layout';

/** Bytes of the record count in front of a payload's records. */
export const RECORD_COUNT_BYTES: usize = 4;

export function wireShard(at: usize): u32 {
  return load<u32>(at, RECORD_SHARD_AT);
}

export function wireSequence(at: usize): u64 {
  return load<u64>(at, RECORD_SEQUENCE_AT);
}

/** When the record was made, Unix ms. */
export function wireTimestamp(at: usize): u64 {
  return load<u64>(at, RECORD_TIMESTAMP_AT);
}

/** One of OP_* in a sound record. */
export function wireOp(at: usize): i32 {
  return load<u8>(at, RECORD_OP_AT);
}

/** The XXH3-64 of the key, as the sender gives it. */
export function wireKeyHash(at: usize): u64 {
  return load<u64>(at, RECORD_KEY_HASH_AT);
}

/** The top byte of the key's hash, as the sender gives it. */
export function wireKeyTag(at: usize): u64 {
  return load<u64>(at, RECORD_KEY_TAG_AT);
}

/** When the key expires, Unix ms; all ones without expiry. */
export function wireExpiry(at: usize): u64 {
  return load<u64>(at, RECORD_EXPIRY_AT);
}

export function wireKeyLength(at: usize): u32 {
  return load<u32>(at, RECORD_KEY_BYTES_AT);
}

export function wireValueLength(at: usize): u32 {
  return load<u32>(at, RECORD_VALUE_BYTES_AT);
}

/** Address of the key. */
export function wireKey(at: usize): usize {
  return at + RECORD_HEADER_BYTES;
}

/** Address of the value, and of the end of a record without governance bytes when there is none. */
export function wireValue(at: usize): usize {
  return at + RECORD_HEADER_BYTES + <usize>wireKeyLength(at);
}

/** Writes all that stands before a record's key. */
export function writeRecordHead(
  at: usize,
  shard: u32,
  sequence: u64,
  timestampMs: u64,
  op: i32,
  hash: u64,
  expiresAtMs: u64,
  keyBytes: u32,
  valueBytes: u32,
): void {
  store<u32>(at, shard, RECORD_SHARD_AT);
  store<u64>(at, sequence, RECORD_SEQUENCE_AT);
  store<u64>(at, timestampMs, RECORD_TIMESTAMP_AT);
  store<u8>(at, <u8>op, RECORD_OP_AT);
  store<u64>(at, hash, RECORD_KEY_HASH_AT);
  store<u64>(at, hash >> 56, RECORD_KEY_TAG_AT);
  store<u64>(at, expiresAtMs, RECORD_EXPIRY_AT);
  store<u32>(at, keyBytes, RECORD_KEY_BYTES_AT);
  store<u32>(at, valueBytes, RECORD_VALUE_BYTES_AT);
}
