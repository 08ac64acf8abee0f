// Digests of ranges of key hashes (XXH3-64), in steps between which writes go on. A step takes whole
// segments, and the cursor is the keyed hash up to which they are done: 0 at first, and again at the end. So
// every place is taken exactly once, whatever splits or joins meanwhile; a key that is changed between two
// steps counts as it was when its segment was taken.
import { copyBytes } from '../bytes';
import { keyedHash } from '../keyed-hash';
import {
  DIGEST_PART_BYTES,
  LISTED_BEGINNING_BYTES,
  LISTED_HEADER_BYTES,
  LISTED_KEY_BYTES_MAX,
  OP_DEL,
  OP_SET,
  RESULT_COUNT,
  RESULT_CURSOR_U64,
  RESULT_DIGEST_U64,
  RESULT_NEED,
  RESULT_SECOND_DIGEST_U64,
  RESULT_SHARD,
  ROUTED_SHARD,
  WRITE_DONE,
  WRITE_MEMORY,
} from '../layout';
import { PAGE_BYTES } from '../memory/pages';
import { keyLengthOf, keyOf, termOf, valueAt, valueLengthOf } from '../memory/record';
import { setResult, setResultU64 } from '../result';
import { expiryOf, NEVER } from '../table/expiry';
import { countOf, firstRecord, overflowOf, spanOf, usedSlots } from '../table/segment';
import { depthOf, digestOf, directoryOf, secondDigestOf, shardAt } from '../table/shard';
import { find, segmentIn } from '../table/table';
import { xxh3 } from '../xxh3';
import { emit, emitPostponed, reserveRecord } from './batch';
import { keepsDigests, makeTerm, printOf, secondOf } from './digest';
import { shardOfKey } from './places';

/** The range at hand, of key hashes. */
let firstHash: u64 = 0;
let lastHash: u64 = 0;
/** Shorter keys are not listed. */
let leastBytes: u32 = 0;
/** Keys of the segment at hand that are hashed below this were taken before. */
let takenBelow: u64 = 0;
/** The key hash of the record that `isWanted` was asked for. */
let hashHere: u64 = 0;
/** The place of `nextRecord`: a part of a segment, a bucket of it, and the slots that are still to come. */
let partHere: usize = 0;
let lineHere: usize = 0;
let slotsHere: u32 = 0;

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
    looked += recordsIn(segment);
    for (let record = firstOf(segment); record !== 0; record = nextRecord()) {
      if (!isWanted(record)) continue;
      const at = parts + <usize>((hashHere - first) >> <u64>shift) * DIGEST_PART_BYTES;
      const term = termHere(shard, record, fromContent);
      store<u64>(at, load<u64>(at) + term);
      store<u64>(at, load<u64>(at, 8) + secondOf(term), 8);
      store<u64>(at, load<u64>(at, 16) + 1, 16);
    }
    cursor = behind(segment, cursor);
    isDone = cursor === 0;
  }
  setResultU64(RESULT_CURSOR_U64, isDone ? 0 : cursor);
}

/**
 * Lists the entries of a shard whose key hash lies in a wanted part: the parts divide all hashes in pieces of
 * 2^`shift`, and `wanted` has a bit for each. Those of keys with fewer than `least` bytes are left out. Each
 * entry has LISTED_HEADER_BYTES before its key; of a key of more than LISTED_KEY_BYTES_MAX bytes only the
 * first LISTED_BEGINNING_BYTES follow. Returns the bytes. Stops behind `limit` entries or more that were
 * looked at, or where a segment's do not fit; RESULT_CURSOR_U64 is the next cursor. When not even one
 * segment's fit, nothing is written and RESULT_NEED is what they take.
 */
export function listParts(
  id: u32,
  cursor: u64,
  shift: u32,
  wanted: usize,
  output: usize,
  capacity: usize,
  limit: u32,
  least: u32,
): usize {
  emitPostponed();
  const shard = shardAt(id);
  firstHash = 0;
  lastHash = u64.MAX_VALUE;
  leastBytes = least;
  let looked: u32 = 0;
  let written: usize = 0;
  let isDone = directoryOf(shard) === 0;
  setResult(RESULT_NEED, 0);
  while (!isDone && looked < limit) {
    const segment = enter(shard, cursor);
    const needed = listedBytes(segment, shift, wanted);
    if (needed > <u64>(capacity - written)) {
      if (written === 0) setResult(RESULT_NEED, <u32>min(needed, u32.MAX_VALUE));
      break;
    }
    looked += recordsIn(segment);
    // Most segments have nothing of few parts.
    let record: usize = needed === 0 ? 0 : firstOf(segment);
    for (; record !== 0; record = nextRecord()) {
      if (isListed(record, shift, wanted)) written += list(output + written, shard, record);
    }
    cursor = behind(segment, cursor);
    isDone = cursor === 0;
  }
  setResultU64(RESULT_CURSOR_U64, isDone ? 0 : cursor);
  return written;
}

/**
 * Looks for an entry, past its expiry or not, in the shard `id`, or in that of the key with ROUTED_SHARD;
 * returns whether it is there. RESULT_SHARD is the shard, RESULT_DIGEST_U64 the entry's print, and
 * RESULT_CURSOR_U64 its expiry.
 */
export function entryOf(id: u32, key: usize, length: u32): bool {
  emitPostponed();
  hashHere = xxh3(key, length);
  const number = id === ROUTED_SHARD ? shardOfKey(key, length, hashHere) : id;
  setResult(RESULT_SHARD, number);
  const shard = shardAt(number);
  const slot = find(shard, keyedHash(key, length), key, length);
  if (slot === 0) return false;
  const record: usize = load<u32>(slot);
  const expiresAtMs = expiryOf(shard, record);
  setResultU64(RESULT_DIGEST_U64, printOf(termHere(shard, record, false), expiresAtMs));
  setResultU64(RESULT_CURSOR_U64, expiresAtMs);
  return true;
}

/**
 * Emits an entry of a shard once more as it is, or the deletion of one that is not there, so that all who
 * apply the records have it as it is here; returns WRITE_DONE or WRITE_MEMORY.
 */
export function emitAgain(id: u32, key: usize, length: u32): i32 {
  emitPostponed();
  const shard = shardAt(id);
  const hash = xxh3(key, length);
  const slot = find(shard, keyedHash(key, length), key, length);
  const record: usize = slot === 0 ? 0 : load<u32>(slot);
  const valueBytes = record === 0 ? 0 : valueLengthOf(record);
  if (!reserveRecord(shard, length, valueBytes)) return WRITE_MEMORY;
  if (record === 0) emit(shard, OP_DEL, hash, NEVER, key, length, 0, 0);
  else emit(shard, OP_SET, hash, expiryOf(shard, record), key, length, valueAt(record), valueBytes);
  return WRITE_DONE;
}

/**
 * Emits once more, as they are, the entries of a shard whose keys have this hash (XXH3-64) and so many bytes;
 * returns WRITE_DONE, or WRITE_MEMORY, after which a call with the same cursor goes on. Stops behind `limit`
 * entries or more that were looked at; RESULT_COUNT is how many were emitted, and RESULT_CURSOR_U64 the next
 * cursor, 0 at the end.
 */
export function emitLongAgain(id: u32, cursor: u64, keyHash: u64, length: u32, limit: u32): i32 {
  emitPostponed();
  const shard = shardAt(id);
  firstHash = keyHash;
  lastHash = keyHash;
  let looked: u32 = 0;
  let emitted: u32 = 0;
  let isDone = directoryOf(shard) === 0;
  while (!isDone && looked < limit) {
    const segment = enter(shard, cursor);
    looked += recordsIn(segment);
    for (let record = firstOf(segment); record !== 0; record = nextRecord()) {
      if (keyLengthOf(record) !== length || !isWanted(record)) continue;
      const valueBytes = valueLengthOf(record);
      if (!reserveRecord(shard, length, valueBytes)) return WRITE_MEMORY;
      const expiresAtMs = expiryOf(shard, record);
      emit(shard, OP_SET, keyHash, expiresAtMs, keyOf(record), length, valueAt(record), valueBytes);
      emitted++;
    }
    cursor = behind(segment, cursor);
    isDone = cursor === 0;
  }
  setResult(RESULT_COUNT, emitted);
  setResultU64(RESULT_CURSOR_U64, isDone ? 0 : cursor);
  return WRITE_DONE;
}

/** Returns the segment of the cursor, of which the places below the cursor were taken before. */
function enter(shard: usize, cursor: u64): usize {
  const segment = segmentIn(directoryOf(shard), depthOf(shard), cursor);
  takenBelow = (cursor & (spanOf(segment) - 1)) === 0 ? 0 : cursor;
  return segment;
}

/** Returns how many records a segment has, its overflow included. */
function recordsIn(segment: usize): u32 {
  let count: u32 = 0;
  for (let part = segment; part !== 0; part = overflowOf(part)) count += countOf(part);
  return count;
}

/** Returns the first record of a segment, 0 where it has none; the others follow by `nextRecord`. */
function firstOf(segment: usize): usize {
  partHere = segment;
  lineHere = segment;
  slotsHere = usedSlots(segment);
  return nextRecord();
}

/** Returns the next record of the segment that `firstOf` has begun, with its overflow; 0 at the end. */
function nextRecord(): usize {
  while (slotsHere === 0) {
    lineHere += 64;
    if (lineHere === partHere + PAGE_BYTES) {
      partHere = overflowOf(partHere);
      if (partHere === 0) return 0;
      lineHere = partHere;
    }
    slotsHere = usedSlots(lineHere);
  }
  const record = firstRecord(lineHere, slotsHere);
  slotsHere &= slotsHere - 1;
  return record;
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

/** Returns whether a record is to be listed. */
function isListed(record: usize, shift: u32, wanted: usize): bool {
  if (keyLengthOf(record) < leastBytes || !isWanted(record)) return false;
  const part = <usize>(hashHere >> <u64>shift);
  return ((<u32>load<u8>(wanted + (part >> 3)) >> <u32>(part & 7)) & 1) !== 0;
}

/** Returns how many bytes of its key are listed. */
function listedKeyBytes(record: usize): u32 {
  const length = keyLengthOf(record);
  return length > <u32>LISTED_KEY_BYTES_MAX ? <u32>LISTED_BEGINNING_BYTES : length;
}

function listedBytes(segment: usize, shift: u32, wanted: usize): u64 {
  let bytes: u64 = 0;
  for (let record = firstOf(segment); record !== 0; record = nextRecord()) {
    if (isListed(record, shift, wanted)) bytes += LISTED_HEADER_BYTES + <u64>listedKeyBytes(record);
  }
  return bytes;
}

function list(at: usize, shard: usize, record: usize): usize {
  const length = listedKeyBytes(record);
  const expiresAtMs = expiryOf(shard, record);
  store<u64>(at, hashHere);
  store<u64>(at, printOf(termHere(shard, record, false), expiresAtMs), 8);
  store<u64>(at, expiresAtMs, 16);
  store<u32>(at, keyLengthOf(record), 24);
  copyBytes(at + LISTED_HEADER_BYTES, keyOf(record), length);
  return <usize>LISTED_HEADER_BYTES + <usize>length;
}
