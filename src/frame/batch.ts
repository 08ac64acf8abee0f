/**
 * MutationBatch payloads for tools and tests (docs/protocol.md, "MutationBatch"); the hot path encodes and
 * applies them in the kernel. u32 record count, then for each record:
 *
 *     u32 shard | u64 sequence | u64 timestamp | u8 op | u64 key hash | u64 key tag | u64 expiry |
 *     u32 key length | u32 value length | key | value | op 4 only: u32 governance length, governance bytes
 *
 * Op 4, a Set with governance bytes, is a later release's: it is read and never written.
 */
import { FastcacheError } from '../errors.js';
import { PayloadReader } from './payload-reader.js';

/** A record without its key and value. */
export const RECORD_FIXED_BYTES = 53;
/** Offsets of fields within a record, for code that looks at them in place. */
export const RECORD_OFFSETS = { sequence: 4, timestampMs: 12, op: 20, keyBytes: 45, valueBytes: 49 } as const;
const COUNT_BYTES = 4;
/** The expiry on the wire that means none. */
export const NO_EXPIRY = 0xffff_ffff_ffff_ffffn;

const opBytes = { set: 1, del: 2, expire: 3 } as const;
const GOVERNED_SET = 4;
const opNames = new Map<number, MutationOp>([
  [opBytes.set, 'set'],
  [opBytes.del, 'del'],
  [opBytes.expire, 'expire'],
  [GOVERNED_SET, 'set'],
]);

/** The operation of a record; an `expire` with no expiry persists the key. */
export type MutationOp = keyof typeof opBytes;

/** One change of one key. */
export interface MutationRecord {
  shard: number;
  sequence: bigint;
  /** The writer's time, Unix ms. */
  timestampMs: bigint;
  op: MutationOp;
  /** XXH3-64 of the key, seed 0; not checked here. */
  keyHash: bigint;
  /** The absolute expiry, Unix ms; null: none (and of an `expire`: persist). */
  expireAtMs: bigint | null;
  key: Uint8Array;
  value: Uint8Array;
}

/** A record as it was read. */
export interface DecodedRecord extends MutationRecord {
  /** Payload offset of the record's first byte. */
  offset: number;
  keyTag: bigint;
  /** The key, like the value a view of the payload. */
  key: Buffer;
  value: Buffer;
  /** The governance bytes that an op 4 has behind its value; undefined for other ops. */
  governance: Buffer | undefined;
}

/** Encodes a payload. The key tag is made from the key hash. */
export function encodeBatch(records: readonly MutationRecord[]): Buffer {
  let size = COUNT_BYTES;
  for (const record of records) size += RECORD_FIXED_BYTES + record.key.length + record.value.length;
  const payload = Buffer.allocUnsafeSlow(size);
  let position = payload.writeUInt32LE(records.length);
  for (const record of records) position = writeRecord(payload, position, record);
  return payload;
}

/**
 * Returns the time of a payload's first record, Unix ms, 0 when it has none; read in place, for it is asked
 * for once a frame.
 */
export function firstTimestampMs(payload: Uint8Array): number {
  if (payload.length < COUNT_BYTES + RECORD_FIXED_BYTES) return 0;
  const view = new DataView(payload.buffer, payload.byteOffset + COUNT_BYTES + RECORD_OFFSETS.timestampMs, 8);
  return view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
}

/** The fields at fixed places of a payload that has a record. */
export interface BatchHead {
  records: number;
  /** The first record's shard; the fields below are the first record's too. */
  shard: number;
  sequence: bigint;
  timestampMs: number;
}

/**
 * Returns what `readBatchHead` does, of any payload; undefined when it has no record, or not even one whole.
 */
export function batchHeadOf(payload: Uint8Array): BatchHead | undefined {
  if (payload.length < COUNT_BYTES + RECORD_FIXED_BYTES) return undefined;
  const head = readBatchHead(payload);
  return head.records === 0 ? undefined : head;
}

/** Reads the head in place; the payload must have been found sound and not empty. */
export function readBatchHead(payload: Uint8Array): BatchHead {
  const view = new DataView(payload.buffer, payload.byteOffset, COUNT_BYTES + RECORD_FIXED_BYTES);
  return {
    records: view.getUint32(0, true),
    shard: view.getUint32(COUNT_BYTES, true),
    sequence: view.getBigUint64(COUNT_BYTES + RECORD_OFFSETS.sequence, true),
    timestampMs: firstTimestampMs(payload),
  };
}

/** A payload as it was opened. */
export interface DecodedBatch {
  recordCount: number;
  /**
   * The records in order, each decoded when it is asked for; to be walked once. Throws as `decodeBatch` does.
   */
  records: IterableIterator<DecodedRecord>;
}

/**
 * Opens a payload. Throws `FCRP_FIELD_PAST_PAYLOAD`, `FCRP_COUNT_OVER_PAYLOAD`, and while the records are
 * walked also `FCRP_UNKNOWN_OP` and, behind the last, `FCRP_TRAILING_BYTES`; with payload offsets.
 */
export function decodeBatch(payload: Uint8Array): DecodedBatch {
  const reader = new PayloadReader(payload);
  const recordCount = reader.u32('record count');
  reader.checkCount(recordCount, RECORD_FIXED_BYTES, 'record count', 0);
  return { recordCount, records: readRecords(reader, recordCount) };
}

function* readRecords(reader: PayloadReader, recordCount: number): Generator<DecodedRecord> {
  for (let index = 0; index < recordCount; index += 1) yield readRecord(reader);
  reader.finish();
}

function readRecord(reader: PayloadReader): DecodedRecord {
  const offset = reader.position;
  const shard = reader.u32('shard id');
  const sequence = reader.u64('sequence');
  const timestampMs = reader.u64('timestamp');
  const opOffset = reader.position;
  const opByte = reader.u8('op');
  const op = opNames.get(opByte);
  if (op === undefined) {
    throw new FastcacheError('FCRP_UNKNOWN_OP', `A record is of the unknown op ${opByte}.`, {
      offset: opOffset,
      expected: '1 to 4',
      found: opByte,
    });
  }
  const keyHash = reader.u64('key hash');
  const keyTag = reader.u64('key tag');
  const expiry = reader.u64('expiry');
  const keyBytes = reader.u32('key length');
  const valueBytes = reader.u32('value length');
  const key = reader.bytes(keyBytes, 'key');
  const value = reader.bytes(valueBytes, 'value');
  const governance =
    opByte === GOVERNED_SET ? reader.bytes(reader.u32('governance length'), 'governance') : undefined;
  const expireAtMs = expiry === NO_EXPIRY ? null : expiry;
  return { offset, shard, sequence, timestampMs, op, keyHash, keyTag, expireAtMs, key, value, governance };
}

function writeRecord(payload: Buffer, start: number, record: MutationRecord): number {
  let position = payload.writeUInt32LE(record.shard, start);
  position = payload.writeBigUInt64LE(record.sequence, position);
  position = payload.writeBigUInt64LE(record.timestampMs, position);
  position = payload.writeUInt8(opBytes[record.op], position);
  position = payload.writeBigUInt64LE(record.keyHash, position);
  position = payload.writeBigUInt64LE(record.keyHash >> 56n, position);
  position = payload.writeBigUInt64LE(record.expireAtMs ?? NO_EXPIRY, position);
  position = payload.writeUInt32LE(record.key.length, position);
  position = payload.writeUInt32LE(record.value.length, position);
  payload.set(record.key, position);
  payload.set(record.value, position + record.key.length);
  return position + record.key.length + record.value.length;
}
