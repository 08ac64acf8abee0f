// Checks the structure of what a peer has sent: each length before it is used. A fault is put into the result
// block, where offsets count from the start of the payload or of the entries.
import {
  entryGovernanceLength,
  entryHeaderBytes,
  entryKeyLength,
  entryValueLength,
  NO_GOVERNANCE,
} from '../entry-fields';
import {
  APPLY_COUNT,
  APPLY_OK,
  APPLY_OP,
  APPLY_TRAILING,
  APPLY_TRUNCATED,
  OP_SET,
  OP_SET_GOVERNED,
  RECORD_HEADER_BYTES,
  RECORD_OP_AT,
  RESULT_EXPECTED_U64,
  RESULT_FAULT_OFFSET,
  RESULT_FOUND_U64,
} from '../layout';
import { RECORD_COUNT_BYTES, wireKeyLength, wireOp, wireValue, wireValueLength } from '../record-fields';
import { setResult, setResultU64 } from '../result';

/** The status (APPLY_*) with which `soundRecordBytes` has refused a record. */
export let recordStatus: i32 = 0;

/** Checks the count of a MutationBatch payload; returns APPLY_*. */
export function checkRecordCount(payload: usize, bytes: usize): i32 {
  if (bytes < RECORD_COUNT_BYTES) return fault(APPLY_TRUNCATED, 0, RECORD_COUNT_BYTES, bytes);
  const count = load<u32>(payload);
  const room = bytes - RECORD_COUNT_BYTES;
  if (<u64>count * <u64>RECORD_HEADER_BYTES > <u64>room) {
    return fault(APPLY_COUNT, 0, room / RECORD_HEADER_BYTES, count);
  }
  return APPLY_OK;
}

/** Returns the bytes of the record at `at`, 0 when it is malformed or runs past `end`. */
export function soundRecordBytes(payload: usize, at: usize, end: usize): usize {
  const left = <u64>(end - at);
  // The op stands before the lengths, and of two faults the first one is reported.
  const op: i32 = left > <u64>RECORD_OP_AT ? wireOp(at) : OP_SET;
  if (op === 0 || op > OP_SET_GOVERNED) return refused(APPLY_OP, at - payload + RECORD_OP_AT, 0, op);
  if (left < <u64>RECORD_HEADER_BYTES) {
    return refused(APPLY_TRUNCATED, at - payload, RECORD_HEADER_BYTES, left);
  }
  let size = <u64>RECORD_HEADER_BYTES + <u64>wireKeyLength(at) + <u64>wireValueLength(at);
  if (op === OP_SET_GOVERNED) {
    if (size + 4 > left) return refused(APPLY_TRUNCATED, at - payload, size + 4, left);
    size += 4 + <u64>load<u32>(at + <usize>size);
  }
  if (size > left) return refused(APPLY_TRUNCATED, at - payload, size, left);
  return <usize>size;
}

/** Returns the address behind a sound record. */
export function behindRecord(at: usize): usize {
  const end = wireValue(at) + <usize>wireValueLength(at);
  return wireOp(at) === OP_SET_GOVERNED ? end + 4 + <usize>load<u32>(end) : end;
}

/** Checks that `count` entries of a SnapshotChunk fill `bytes` exactly; returns APPLY_*. */
export function checkEntries(entries: usize, bytes: usize, count: u32, governed: bool): i32 {
  const header = entryHeaderBytes(governed);
  const end = entries + bytes;
  if (<u64>count * <u64>header > <u64>bytes) return fault(APPLY_COUNT, 0, bytes / header, count);
  let at = entries;
  for (let i: u32 = 0; i < count; i++) {
    const size = entryBytes(at, end, header, governed);
    if (size === 0) return fault(APPLY_TRUNCATED, at - entries, 0, end - at);
    at += <usize>size;
  }
  return at === end ? APPLY_OK : fault(APPLY_TRAILING, at - entries, 0, end - at);
}

/** Returns the bytes of the entry at `at`, 0 when it runs past `end`. */
export function entryBytes(at: usize, end: usize, header: usize, governed: bool): u64 {
  const left = <u64>(end - at);
  if (left < <u64>header) return 0;
  let size = <u64>header + <u64>entryKeyLength(at) + <u64>entryValueLength(at);
  if (governed && entryGovernanceLength(at) !== NO_GOVERNANCE) size += <u64>entryGovernanceLength(at);
  return size <= left ? size : 0;
}

/** Puts a fault into the result block; returns its status. */
export function fault(status: i32, offset: usize, expected: u64, found: u64): i32 {
  setResult(RESULT_FAULT_OFFSET, <u32>offset);
  setResultU64(RESULT_EXPECTED_U64, expected);
  setResultU64(RESULT_FOUND_U64, found);
  return status;
}

function refused(status: i32, offset: usize, expected: u64, found: u64): usize {
  recordStatus = fault(status, offset, expected, found);
  return 0;
}
