// Applying what a primary sent: a MutationBatch payload, or the entries of a SnapshotChunk. A payload is looked through
// whole before the first record is applied, so that a malformed one, or one that leaves a gap, changes nothing.
import { result, setResult } from './arguments';
import {
  APPLY_COUNT,
  APPLY_GAP,
  APPLY_HASH,
  APPLY_MEMORY,
  APPLY_OK,
  APPLY_OP,
  APPLY_SHARD,
  APPLY_TRAILING,
  APPLY_TRUNCATED,
  ENTRY_HEADER_BYTES,
  OP_DEL,
  OP_EXPIRE,
  OP_SET,
  OP_SET_GOVERNED,
  RECORD_HEADER_BYTES,
  RESULT_APPLIED,
  RESULT_EXPECTED_U64,
  RESULT_FAULT_OFFSET,
  RESULT_FOUND_U64,
  RESULT_SHARD,
  RESULT_SKIPPED,
  RESULT_TIMESTAMP_F64,
} from './layout';
import {
  guardOf,
  guardRoundOf,
  sequenceOf,
  setGuard,
  setGuardRound,
  setSequence,
  shardAt,
  shardCount,
} from './shard';
import { discardHere, expireHereQuietly, locateAny, touchBucketOf, touchRecordOf, writeHere } from './store';
import { xxh3 } from './xxh3';

const NO_GOVERNANCE: u32 = 0xffffffff;
/** Records that are looked at together; a power of two. */
const AHEAD: u32 = 16;
let round: u32 = 0;
let newestMs: u64 = 0;

/** Applies a MutationBatch payload; returns one of APPLY_*, with the counts or the fault in the result block. */
export function apply(payload: usize, bytes: usize): i32 {
  setResult(RESULT_APPLIED, 0);
  setResult(RESULT_SKIPPED, 0);
  const status = checkBatch(payload, bytes);
  if (status !== APPLY_OK) return status;
  store<f64>(result + (RESULT_TIMESTAMP_F64 << 2), <f64>newestMs);

  const count = load<u32>(payload);
  let at = payload + 4;
  let applied: u32 = 0;
  let skipped: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if ((i & (AHEAD - 1)) === 0) touchAhead(at, min(count - i, AHEAD));
    const shard = shardAt(load<u32>(at));
    const sequence = load<u64>(at, 4);
    if (sequence <= sequenceOf(shard)) skipped++;
    else {
      if (!applyRecord(at)) {
        setResult(RESULT_APPLIED, applied);
        return fault(APPLY_MEMORY, at - payload, 0, 0);
      }
      setSequence(shard, sequence);
      applied++;
    }
    at = behindRecord(at);
  }
  setResult(RESULT_APPLIED, applied);
  setResult(RESULT_SKIPPED, skipped);
  return APPLY_OK;
}

/** Loads `count` entries of a SnapshotChunk; `governed` when each carries governance bytes. */
export function loadEntries(entries: usize, bytes: usize, count: u32, governed: bool): i32 {
  const header: usize = governed ? ENTRY_HEADER_BYTES + 4 : ENTRY_HEADER_BYTES;
  const end = entries + bytes;
  if (<u64>count * <u64>header > <u64>bytes) return fault(APPLY_COUNT, 0, bytes / header, count);
  let at = entries;
  for (let i: u32 = 0; i < count; i++) {
    const size = entryBytes(at, end, header, governed);
    if (size === 0) return fault(APPLY_TRUNCATED, at - entries, 0, end - at);
    at += <usize>size;
  }
  if (at !== end) return fault(APPLY_TRAILING, at - entries, 0, end - at);

  at = entries;
  for (let i: u32 = 0; i < count; i++) {
    const size = entryBytes(at, end, header, governed);
    const keyBytes = load<u32>(at);
    const key = at + header;
    const record = locateAny(key, keyBytes, xxh3(key, keyBytes));
    const expiresAtMs = load<u64>(at + header - 8);
    if (!writeHere(record, key, keyBytes, key + <usize>keyBytes, load<u32>(at, 4), expiresAtMs)) {
      return fault(APPLY_MEMORY, at - entries, 0, 0);
    }
    at += <usize>size;
  }
  return APPLY_OK;
}

/** Bytes of the entry at `at`, 0 when it runs past `end`. */
function entryBytes(at: usize, end: usize, header: usize, governed: bool): u64 {
  const left = <u64>(end - at);
  if (left < <u64>header) return 0;
  let size = <u64>header + <u64>load<u32>(at) + <u64>load<u32>(at, 4);
  if (governed && load<u32>(at, 8) !== NO_GOVERNANCE) size += <u64>load<u32>(at, 8);
  return size <= left ? size : 0;
}

/** Looks through a whole batch: structure, shards, key hashes, and that each shard goes on where it stands. */
function checkBatch(payload: usize, bytes: usize): i32 {
  if (bytes < 4) return fault(APPLY_TRUNCATED, 0, 4, bytes);
  const count = load<u32>(payload);
  if (<u64>count * <u64>RECORD_HEADER_BYTES > <u64>(bytes - 4)) {
    return fault(APPLY_COUNT, 0, (bytes - 4) / RECORD_HEADER_BYTES, count);
  }
  round++;
  newestMs = 0;
  const end = payload + bytes;
  let at = payload + 4;
  for (let i: u32 = 0; i < count; i++) {
    const left = <u64>(end - at);
    // The op stands before the lengths: of two faults the first is told.
    const op: i32 = left > 20 ? load<u8>(at, 20) : OP_SET;
    if (op === 0 || op > OP_SET_GOVERNED) return fault(APPLY_OP, at - payload + 20, 0, op);
    if (left < <u64>RECORD_HEADER_BYTES)
      return fault(APPLY_TRUNCATED, at - payload, RECORD_HEADER_BYTES, left);
    const keyBytes = load<u32>(at, 45);
    let size = <u64>RECORD_HEADER_BYTES + <u64>keyBytes + <u64>load<u32>(at, 49);
    if (op === OP_SET_GOVERNED) {
      if (size + 4 > left) return fault(APPLY_TRUNCATED, at - payload, size + 4, left);
      size += 4 + <u64>load<u32>(at + <usize>size);
    }
    if (size > left) return fault(APPLY_TRUNCATED, at - payload, size, left);
    const id = load<u32>(at);
    if (id >= shardCount) return fault(APPLY_SHARD, at - payload, shardCount, id);
    const hash = xxh3(at + RECORD_HEADER_BYTES, keyBytes);
    if (hash !== load<u64>(at, 21)) return fault(APPLY_HASH, at - payload + 21, hash, load<u64>(at, 21));
    const shard = shardAt(id);
    const sequence = load<u64>(at, 4);
    const watermark = guardRoundOf(shard) === round ? guardOf(shard) : sequenceOf(shard);
    if (sequence > watermark) {
      if (sequence !== watermark + 1) {
        setResult(RESULT_SHARD, id);
        return fault(APPLY_GAP, at - payload + 4, watermark + 1, sequence);
      }
      setGuard(shard, sequence);
      setGuardRound(shard, round);
    }
    newestMs = max(newestMs, load<u64>(at, 12));
    at += <usize>size;
  }
  return at === end ? APPLY_OK : fault(APPLY_TRAILING, at - payload, 0, end - at);
}

/** The record behind a sound one. */
function behindRecord(at: usize): usize {
  const end = at + RECORD_HEADER_BYTES + <usize>load<u32>(at, 45) + <usize>load<u32>(at, 49);
  return load<u8>(at, 20) === OP_SET_GOVERNED ? end + 4 + <usize>load<u32>(end) : end;
}

/** Reads what the next `count` records will need, all buckets and then all records (store.ts). */
function touchAhead(at: usize, count: u32): void {
  let record = at;
  for (let i: u32 = 0; i < count; i++, record = behindRecord(record)) {
    touchBucketOf(record + RECORD_HEADER_BYTES, load<u32>(record, 45), load<u64>(record, 21));
  }
  for (record = at; count > 0; count--, record = behindRecord(record)) {
    touchRecordOf(record + RECORD_HEADER_BYTES, load<u32>(record, 45), load<u64>(record, 21));
  }
}

function applyRecord(at: usize): bool {
  const key = at + RECORD_HEADER_BYTES;
  const keyBytes = load<u32>(at, 45);
  const op = <i32>load<u8>(at, 20);
  const record = locateAny(key, keyBytes, load<u64>(at, 21));
  if (op === OP_DEL) {
    if (record !== 0) discardHere(record);
    return true;
  }
  const expiresAtMs = load<u64>(at, 37);
  if (op === OP_EXPIRE) return record === 0 || expireHereQuietly(record, expiresAtMs);
  // A Set that is past its expiry replaces what was there all the same, and is hidden: the older value must not live on.
  return writeHere(record, key, keyBytes, key + <usize>keyBytes, load<u32>(at, 49), expiresAtMs);
}

function fault(status: i32, offset: usize, expected: u64, found: u64): i32 {
  setResult(RESULT_FAULT_OFFSET, <u32>offset);
  store<u64>(result + (RESULT_EXPECTED_U64 << 2), expected);
  store<u64>(result + (RESULT_FOUND_U64 << 2), found);
  return status;
}
