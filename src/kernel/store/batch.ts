// Each shard's open frame: records are encoded straight into a MutationBatch payload (docs/protocol.md,
// "MutationBatch"). The count in front is written when the batch is sealed. The host copies the sealed
// payload at once.
//
// Invariants (`checkFrame`): an open frame's records fill its bytes, and their sequences lead without gap to
// the shard's; the buffer has room for them; while any frame is open, the host has been called for it. The
// same holds for the record that is postponed.
import { ASSERTS } from '../assertions';
import { copyBytes } from '../bytes';
import { nowMs, nowUs } from '../clock';
import { dirty, seal } from '../host';
import { OP_SET, PAYLOAD_MAX_BYTES, POSTPONED_VALUE_BYTES_MIN, RECORD_HEADER_BYTES } from '../layout';
import { allocateReserve, freePages, runBytes } from '../memory/pages';
import { keyLengthOf, keyOf, valueAt, valueLengthOf } from '../memory/record';
import {
  RECORD_COUNT_BYTES,
  wireKey,
  wireSequence,
  wireShard,
  wireValue,
  wireValueLength,
  writeRecordHead,
} from '../record-fields';
import { expiryOf } from '../table/expiry';
import {
  frameBytesOf,
  frameCapacityOf,
  frameOf,
  frameRecordsOf,
  idOf,
  openedAtOf,
  sequenceOf,
  setFrame,
  setFrameBytes,
  setFrameCapacity,
  setFrameRecords,
  setOpenedAt,
  setSequence,
  shardAt,
  shardCount,
} from '../table/shard';
import { countIn, countOut } from './digest';

const FIRST_CAPACITY: usize = 16384;
/** Bytes that all shards' empty buffers may keep together; one that is larger than its share is freed. */
const KEPT_BYTES_MAX: u32 = 16777216;

let maxRecords: u32 = 512;
let maxBytes: u32 = 1048576;
/**
 * The record whose Set is postponed, 0 when none is: the Set of a large value of which a part was written
 * leaves before anything else does, with all parts that were written until then. Such a record is larger than
 * a slab's blocks, so that no compaction moves it. With it its shard and its hash.
 */
let postponed: usize = 0;
let postponedShard: usize = 0;
let postponedHash: u64 = 0;
/** Whether the host has been called for what waits since the last flush. */
let isDirty: bool = false;
let emitted: f64 = 0;
/** Bytes of those records. */
let emittedSize: f64 = 0;

/** Sets how many records, or bytes of them, seal a frame at once. */
export function setBatchLimits(records: u32, bytes: u32): void {
  maxRecords = max<u32>(records, 1);
  maxBytes = bytes;
}

/** Returns how many records have been encoded since the start. */
export function emittedRecords(): f64 {
  return emitted;
}

/**
 * Makes room so that one `emit` of such a record cannot fail, and may seal what waits; false without memory.
 */
export function reserveRecord(shard: usize, keyBytes: u32, valueBytes: u32): bool {
  if (postponed !== 0) emitPostponed();
  const record = wireBytes(keyBytes, valueBytes);
  if (record + <u64>RECORD_COUNT_BYTES > <u64>PAYLOAD_MAX_BYTES) return false;
  if (frameRecordsOf(shard) !== 0 && <u64>frameBytesOf(shard) + record > <u64>PAYLOAD_MAX_BYTES)
    sealShard(shard);
  const needed = usedIn(shard) + <usize>record;
  if (needed <= <usize>frameCapacityOf(shard)) return true;
  return growFrame(shard, needed) || (frameRecordsOf(shard) !== 0 && sealAndRetry(shard, <usize>record));
}

/**
 * Makes room as `reserveRecord` does, for `emitRewritten` of a record that has `valueBytes` then. It need not
 * leave meanwhile if it is the one that is postponed.
 */
export function reserveRewritten(shard: usize, record: usize, keyBytes: u32, valueBytes: u32): bool {
  if (record !== postponed) return reserveRecord(shard, keyBytes, valueBytes);
  const needed = <u64>usedIn(shard) + wireBytes(keyBytes, valueBytes);
  if (needed <= <u64>frameCapacityOf(shard)) return true;
  const hasGrown = needed <= <u64>PAYLOAD_MAX_BYTES && growFrame(shard, <usize>needed);
  return hasGrown || reserveRecord(shard, keyBytes, valueBytes);
}

/** Emits the Set of a record of which a part was written, now or later. `reserveRewritten` has made room. */
export function emitRewritten(shard: usize, hash: u64, record: usize): void {
  postponed = record;
  postponedShard = shard;
  postponedHash = hash;
  if (valueLengthOf(record) < <u32>POSTPONED_VALUE_BYTES_MIN || maxRecords === 1) emitPostponed();
  else callHost();
}

/** Returns whether this record's Set is postponed. */
export function isPostponed(record: usize): bool {
  return record === postponed;
}

/** Emits the Set that is postponed, if one is. */
export function emitPostponed(): void {
  const record = postponed;
  if (record === 0) return;
  postponed = 0;
  const expiresAtMs = expiryOf(postponedShard, record);
  const value = valueAt(record);
  const valueBytes = valueLengthOf(record);
  const key = keyOf(record);
  countOut(postponedShard, record);
  countIn(postponedShard, record, postponedHash, expiresAtMs);
  emit(postponedShard, OP_SET, postponedHash, expiresAtMs, key, keyLengthOf(record), value, valueBytes);
}

/** Returns how many bytes the records have that were emitted so far. */
export function emittedBytes(): f64 {
  return emittedSize;
}

/** Encodes a record into the shard's open frame under the next sequence. `reserveRecord` has made room. */
export function emit(
  shard: usize,
  op: i32,
  hash: u64,
  expiresAtMs: u64,
  key: usize,
  keyBytes: u32,
  value: usize,
  valueBytes: u32,
): void {
  const records = frameRecordsOf(shard);
  if (records === 0) {
    setFrameBytes(shard, <u32>RECORD_COUNT_BYTES);
    setOpenedAt(shard, nowUs);
  }
  if (ASSERTS) {
    assert(postponed === 0, 'postponed records leave first');
    const bytes = <u64>frameBytesOf(shard) + wireBytes(keyBytes, valueBytes);
    assert(bytes <= <u64>frameCapacityOf(shard), 'room was made for the record');
  }
  const sequence = sequenceOf(shard) + 1;
  setSequence(shard, sequence);
  const at = frameOf(shard) + <usize>frameBytesOf(shard);
  writeRecordHead(at, idOf(shard), sequence, nowMs, op, hash, expiresAtMs, keyBytes, valueBytes);
  copyBytes(wireKey(at), key, keyBytes);
  copyBytes(wireKey(at) + <usize>keyBytes, value, valueBytes);
  const bytes = frameBytesOf(shard) + RECORD_HEADER_BYTES + keyBytes + valueBytes;
  setFrameBytes(shard, bytes);
  setFrameRecords(shard, records + 1);
  emitted += 1;
  emittedSize += <f64>(RECORD_HEADER_BYTES + keyBytes) + <f64>valueBytes;
  if (records + 1 >= maxRecords || bytes - <u32>RECORD_COUNT_BYTES >= maxBytes) sealShard(shard);
  else callHost();
}

/** Seals every shard's open frame that has records. */
export function flushAll(): void {
  emitPostponed();
  isDirty = false;
  for (let id: u32 = 0; id < shardCount; id++) {
    const shard = shardAt(id);
    if (frameRecordsOf(shard) !== 0) sealShard(shard);
  }
}

/**
 * Seals the frames whose first record is `maxDelayUs` old; returns the microseconds to the next, -1 when none
 * waits.
 */
export function flushDue(maxDelayUs: f64): f64 {
  emitPostponed();
  let next: f64 = -1;
  for (let id: u32 = 0; id < shardCount; id++) {
    const shard = shardAt(id);
    if (frameRecordsOf(shard) === 0) continue;
    const left = openedAtOf(shard) + maxDelayUs - nowUs;
    if (left <= 0) sealShard(shard);
    else if (next < 0 || left < next) next = left;
  }
  if (next < 0) isDirty = false;
  return next;
}

/** Returns the bytes of the open frames' buffers. */
export function frameBufferBytes(): f64 {
  let sum: f64 = 0;
  for (let id: u32 = 0; id < shardCount; id++) sum += <f64>frameCapacityOf(shardAt(id));
  return sum;
}

/** Returns the bytes that a record takes in a batch. */
function wireBytes(keyBytes: u32, valueBytes: u32): u64 {
  return <u64>RECORD_HEADER_BYTES + <u64>keyBytes + <u64>valueBytes;
}

/** Returns the bytes of a shard's open frame. */
function usedIn(shard: usize): usize {
  return frameRecordsOf(shard) === 0 ? RECORD_COUNT_BYTES : <usize>frameBytesOf(shard);
}

/** Calls the host, unless it knows that something waits. */
function callHost(): void {
  if (isDirty) return;
  isDirty = true;
  dirty();
}

function sealShard(shard: usize): void {
  const records = frameRecordsOf(shard);
  const payload = frameOf(shard);
  const last = sequenceOf(shard);
  store<u32>(payload, records);
  setFrameRecords(shard, 0);
  seal(idOf(shard), payload, <usize>frameBytesOf(shard), records, last - <u64>records + 1, last);
  if (frameCapacityOf(shard) > max(KEPT_BYTES_MAX / shardCount, <u32>FIRST_CAPACITY)) {
    freePages(payload);
    setFrame(shard, 0);
    setFrameCapacity(shard, 0);
  }
}

function sealAndRetry(shard: usize, record: usize): bool {
  sealShard(shard);
  const needed = RECORD_COUNT_BYTES + record;
  return needed <= <usize>frameCapacityOf(shard) || growFrame(shard, needed);
}

function growFrame(shard: usize, needed: usize): bool {
  const old = frameOf(shard);
  const wanted = max(
    max(needed, FIRST_CAPACITY),
    min((<usize>frameCapacityOf(shard)) << 1, <usize>maxBytes + FIRST_CAPACITY),
  );
  let grown = allocateReserve(wanted);
  if (grown === 0) grown = allocateReserve(needed);
  if (grown === 0) return false;
  if (old !== 0) {
    if (frameRecordsOf(shard) !== 0) memory.copy(grown, old, frameBytesOf(shard));
    freePages(old);
  }
  setFrame(shard, grown);
  setFrameCapacity(shard, <u32>runBytes(grown));
  return true;
}

/** Asserts that what is postponed is known to the host and has room. */
export function checkPostponed(): void {
  if (postponed === 0) return;
  assert(isDirty, 'the host knows that a record is postponed');
  const bytes = wireBytes(keyLengthOf(postponed), valueLengthOf(postponed));
  assert(
    <u64>usedIn(postponedShard) + bytes <= <u64>frameCapacityOf(postponedShard),
    'postponed records have room',
  );
}

/** Asserts the invariants of a shard's open frame. */
export function checkFrame(shard: usize): void {
  const frame = frameOf(shard);
  const capacity = <usize>frameCapacityOf(shard);
  assert(
    frame === 0 ? capacity === 0 : runBytes(frame) === capacity,
    "a frame's capacity is that of its buffer",
  );
  const records = frameRecordsOf(shard);
  if (records === 0) return;
  const bytes = <usize>frameBytesOf(shard);
  assert(isDirty, 'the host knows that a frame is open');
  assert(bytes <= capacity && records < maxRecords, 'an open frame has room');
  let at = frame + RECORD_COUNT_BYTES;
  for (let left = records; left > 0; left--) {
    assert(wireShard(at) === idOf(shard), "a frame's records are its shard's");
    assert(wireSequence(at) === sequenceOf(shard) - <u64>(left - 1), 'sequences have no gaps');
    at = wireValue(at) + <usize>wireValueLength(at);
  }
  assert(at === frame + bytes, 'the records fill the frame');
}
