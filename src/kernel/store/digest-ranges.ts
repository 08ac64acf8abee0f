// Digests of ranges of key hashes (XXH3-64), in steps between which writes go on. A step takes whole
// segments, and the cursor is the keyed hash up to which they are done: 0 at first, and again at the end. So
// every place is taken exactly once, whatever splits or joins meanwhile; a key that is changed between two
// steps counts as it was when its segment was taken.
import { copyBytes } from '../bytes';
import { keyedHash } from '../keyed-hash';
import {
  DIGEST_PART_BYTES,
  LISTED_HEADER_BYTES,
  RESULT_COUNT,
  RESULT_CURSOR_U64,
  RESULT_DIGEST_U64,
  RESULT_NEED,
  RESULT_SECOND_DIGEST_U64,
} from '../layout';
import { PAGE_BYTES } from '../memory/pages';
import { keyLengthOf, keyOf, termOf } from '../memory/record';
import { setResult, setResultU64 } from '../result';
import { expiryOf } from '../table/expiry';
import { countOf, firstRecord, overflowOf, spanOf, usedSlots } from '../table/segment';
import { depthOf, digestOf, directoryOf, secondDigestOf, shardAt } from '../table/shard';
import { segmentIn } from '../table/table';
import { xxh3 } from '../xxh3';
import { emitPostponed } from './batch';
import { keepsDigests, makeTerm, secondOf } from './digest';

/** The range at hand, of key hashes. */
let firstHash: u64 = 0;
let lastHash: u64 = 0;
/** Keys of the segment at hand that are hashed below this were taken before. */
let takenBelow: u64 = 0;
/** The key hash of the record that `isWanted` was asked for. */
let hashHere: u64 = 0;

/** Puts a shard's digest, of all that was written, into the result block. */
export function digestShard(id: u32): void {
  emitPostponed();
  setResultU64(RESULT_DIGEST_U64, digestOf(shardAt(id)));
  setResultU64(RESULT_SECOND_DIGEST_U64, secondDigestOf(shardAt(id)));
}

/**
 * Adds each entry of a shard whose key hash is from `first` to `last` to the digest of its part: the parts
 * divide the range in pieces of 2^`shift` hashes, and `parts` has DIGEST_PART_BYTES for each of them. Entries
 * count by their content as it lies there if `fromContent`, else by the term that is kept of it. Stops behind
 * `limit` entries or more that were looked at; RESULT_CURSOR_U64 is the next cursor, and 0 at the end.
 */
export function digestRanges(
  id: u32,
  cursor: u64,
  first: u64,
  last: u64,
  shift: u32,
  parts: usize,
  limit: u32,
  fromContent: bool,
): void {
  emitPostponed();
  const shard = shardAt(id);
  firstHash = first;
  lastHash = last;
  let looked: u32 = 0;
  let isDone = directoryOf(shard) === 0;
  while (!isDone && looked < limit) {
    const segment = enter(shard, cursor);
    for (let part = segment; part !== 0; part = overflowOf(part)) {
      looked += countOf(part);
      for (let line = part; line < part + PAGE_BYTES; line += 64) {
        for (let used = usedSlots(line); used !== 0; used &= used - 1) {
          const record = firstRecord(line, used);
          if (!isWanted(record)) continue;
          const at = parts + <usize>((hashHere - first) >> <u64>shift) * DIGEST_PART_BYTES;
          const term = termHere(shard, record, fromContent);
          store<u64>(at, load<u64>(at) + term);
          store<u64>(at, load<u64>(at, 8) + secondOf(term), 8);
          store<u64>(at, load<u64>(at, 16) + 1, 16);
        }
      }
    }
    cursor = behind(segment, cursor);
    isDone = cursor === 0;
  }
  setResultU64(RESULT_CURSOR_U64, isDone ? 0 : cursor);
}

/**
 * Lists the entries of a shard whose key hash is from `first` to `last`, each with LISTED_HEADER_BYTES before
 * its key; returns the bytes. RESULT_COUNT is how many. Stops behind `limit` entries or more that were looked
 * at, or where a segment's do not fit; RESULT_CURSOR_U64 is the next cursor. When not even one segment's fit,
 * nothing is written and RESULT_NEED is what they take.
 */
export function listRange(
  id: u32,
  cursor: u64,
  first: u64,
  last: u64,
  output: usize,
  capacity: usize,
  limit: u32,
): usize {
  emitPostponed();
  const shard = shardAt(id);
  firstHash = first;
  lastHash = last;
  let looked: u32 = 0;
  let count: u32 = 0;
  let written: usize = 0;
  let isDone = directoryOf(shard) === 0;
  setResult(RESULT_NEED, 0);
  while (!isDone && looked < limit) {
    const segment = enter(shard, cursor);
    const needed = listedBytes(segment);
    if (needed > <u64>(capacity - written)) {
      if (written === 0) setResult(RESULT_NEED, <u32>min(needed, u32.MAX_VALUE));
      break;
    }
    for (let part = segment; part !== 0; part = overflowOf(part)) {
      looked += countOf(part);
      for (let line = part; line < part + PAGE_BYTES; line += 64) {
        for (let used = usedSlots(line); used !== 0; used &= used - 1) {
          const record = firstRecord(line, used);
          if (!isWanted(record)) continue;
          written += list(output + written, shard, record);
          count++;
        }
      }
    }
    cursor = behind(segment, cursor);
    isDone = cursor === 0;
  }
  setResult(RESULT_COUNT, count);
  setResultU64(RESULT_CURSOR_U64, isDone ? 0 : cursor);
  return written;
}

/** Returns the segment of the cursor, of which the places below the cursor were taken before. */
function enter(shard: usize, cursor: u64): usize {
  const segment = segmentIn(directoryOf(shard), depthOf(shard), cursor);
  takenBelow = (cursor & (spanOf(segment) - 1)) === 0 ? 0 : cursor;
  return segment;
}

/** Returns the cursor behind a segment, 0 behind the last. */
function behind(segment: usize, cursor: u64): u64 {
  const span = spanOf(segment);
  return (cursor & ~(span - 1)) + span;
}

function isWanted(record: usize): bool {
  const key = keyOf(record);
  const length = keyLengthOf(record);
  if (takenBelow !== 0 && keyedHash(key, length) < takenBelow) return false;
  hashHere = xxh3(key, length);
  return hashHere >= firstHash && hashHere <= lastHash;
}

/** Returns the term of the record that `isWanted` was asked for. */
function termHere(shard: usize, record: usize, fromContent: bool): u64 {
  return fromContent || !keepsDigests ? makeTerm(record, hashHere, expiryOf(shard, record)) : termOf(record);
}

function listedBytes(segment: usize): u64 {
  let bytes: u64 = 0;
  for (let part = segment; part !== 0; part = overflowOf(part)) {
    for (let line = part; line < part + PAGE_BYTES; line += 64) {
      for (let used = usedSlots(line); used !== 0; used &= used - 1) {
        const record = firstRecord(line, used);
        if (isWanted(record)) bytes += LISTED_HEADER_BYTES + <u64>keyLengthOf(record);
      }
    }
  }
  return bytes;
}

function list(at: usize, shard: usize, record: usize): usize {
  const length = keyLengthOf(record);
  store<u64>(at, hashHere);
  store<u64>(at, termHere(shard, record, false), 8);
  store<u32>(at, length, 16);
  copyBytes(at + LISTED_HEADER_BYTES, keyOf(record), length);
  return <usize>LISTED_HEADER_BYTES + <usize>length;
}
