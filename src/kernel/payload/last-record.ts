// Knows records again that were applied last: behind a primary without histories, one that comes again proves
// that it is still the same run (docs/architecture.md, "Rust primaries").
import { APPLY_OK, RESULT_EXPECTED_U64, RESULT_FOUND_U64, RESULT_SHARD } from '../layout';
import { RECORD_COUNT_BYTES, wireSequence, wireShard } from '../record-fields';
import { setResult, setResultU64 } from '../result';
import {
  printedSequenceOf,
  printOf,
  sequenceOf,
  setPrint,
  setPrintedSequence,
  shardAt,
  shardCount,
} from '../table/shard';
import { xxh3 } from '../xxh3';
import { behindRecord, checkRecordCount, soundRecordBytes } from './payload-checks';

/** Bytes of a record that are compared: its sequence, time, key hash and lengths are among the first. */
const COMPARED_BYTES_MAX: usize = 4096;

/** Remembers the sound record at `at`, which has just been applied. */
export function rememberRecord(at: usize): void {
  rememberPrint(wireShard(at), wireSequence(at), printAt(at));
}

/** Remembers the record of this shard, which must exist, and sequence by its print. */
export function rememberPrint(id: u32, sequence: u64, print: u64): void {
  const shard = shardAt(id);
  setPrintedSequence(shard, sequence);
  setPrint(shard, print);
}

/**
 * Finds the first shard whose last record is remembered, which stands in the result block with the sequence
 * and the print; returns false when there is none.
 */
export function lastRecord(): bool {
  for (let id: u32 = 0; id < shardCount; id++) {
    const shard = shardAt(id);
    const sequence = sequenceOf(shard);
    if (sequence === 0 || printedSequenceOf(shard) !== sequence) continue;
    setResult(RESULT_SHARD, id);
    setResultU64(RESULT_EXPECTED_U64, sequence);
    setResultU64(RESULT_FOUND_U64, printOf(shard));
    return true;
  }
  return false;
}

/** Returns whether a MutationBatch payload has the record of this shard and sequence, with this print. */
export function hasRecord(payload: usize, bytes: usize, id: u32, sequence: u64, print: u64): bool {
  if (checkRecordCount(payload, bytes) !== APPLY_OK) return false;
  const count = load<u32>(payload);
  const end = payload + bytes;
  let at = payload + RECORD_COUNT_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    if (soundRecordBytes(payload, at, end) === 0) return false;
    if (wireShard(at) === id && wireSequence(at) === sequence) return printAt(at) === print;
    at = behindRecord(at);
  }
  return false;
}

function printAt(at: usize): u64 {
  return xxh3(at, <u32>min(behindRecord(at) - at, COMPARED_BYTES_MAX));
}
