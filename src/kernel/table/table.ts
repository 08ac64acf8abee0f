// A shard's table from key to record, by extendible hashing (docs/architecture.md, "Growth without a pause").
// The keyed hash of a key (keyed-hash.ts) says where it is: its top 32 bits choose the segment, bits 8 to 13
// the bucket, and 0 to 7 are the tag. The directory's 2^depth words point at segments by the top bits; a full
// segment splits in two, and a pair of sparse ones joins, so that no step touches more than a segment's keys,
// however large the table is.
//
// Keys never move within a segment's generation, which is what lets a scan (scan.ts) pass it slot by slot.
//
// Invariants (`checkTable`), beside those of a segment (segment.ts):
//   - all directory words that begin with a segment's prefix point at it, and no others do;
//   - each key is in the segment of its prefix, and once;
//   - the shard's counts of keys, segments (all parts of chains) and segments of the directory's depth are
//     right.
import { ASSERTS } from '../assertions';
import { keyedHash } from '../keyed-hash';
import { allocatePages, freePages, PAGE_BYTES, runBytes, shrinkRun } from '../memory/pages';
import { hasKey, keyLengthOf, keyOf } from '../memory/record';
import {
  BUCKET_SLOTS,
  BUCKETS,
  bucketOf,
  countOf,
  depthIn,
  firstRecord,
  overflowOf,
  renew,
  SLOT_MASK,
  setCount,
  setOverflow,
  tagOf,
  usedSlots,
} from './segment';
import {
  deepestOf,
  depthOf,
  directoryOf,
  keysOf,
  segmentsOf,
  setDeepest,
  setDepth,
  setDirectory,
  setKeys,
  setSegments,
} from './shard';

/**
 * A segment splits when this many of its 768 slots are in use, and two join when together they have fewer
 * than MERGE_AT keys, which is looked at when one of them has fewer than MERGE_TRY_AT.
 */
const SPLIT_AT: u32 = 640;
const MERGE_AT: u32 = 520;
const MERGE_TRY_AT: u32 = 260;
const DEPTH_MAX: u32 = 26;

let probed: f64 = 0;
/** The words that were read ahead, kept so that no compiler leaves the reading out. */
export let readAhead: u64 = 0;
/** A copy of the segment that is being split or joined. */
const scratch: usize = memory.data(4096, 16);

/** Returns how many buckets `find` has looked at so far, in the debug build. */
export function bucketsProbed(): f64 {
  return probed;
}

/** Returns the address of the word that holds the record of `key`, or 0. */
export function find(shard: usize, keyed: u64, key: usize, length: u32): usize {
  const directory = directoryOf(shard);
  if (directory === 0) return 0;
  let segment = segmentIn(directory, depthOf(shard), keyed);
  const tag = v128.splat<u8>(tagOf(keyed));
  do {
    let bucket = bucketOf(keyed);
    for (let probes: u32 = 0; probes < BUCKETS; probes++) {
      if (ASSERTS) probed++;
      const line = segment + ((<usize>bucket) << 6);
      const tags = v128.load(line);
      let matches = <u32>v128.bitmask<u8>(v128.eq<u8>(tags, tag)) & SLOT_MASK;
      while (matches !== 0) {
        const slot = line + 16 + ((<usize>ctz(matches)) << 2);
        if (hasKey(load<u32>(slot), key, length)) return slot;
        matches &= matches - 1;
      }
      if (load<u8>(line, 12) === 0) break;
      bucket = (bucket + 1) & (BUCKETS - 1);
    }
    segment = overflowOf(segment);
  } while (segment !== 0);
  return 0;
}

/** Returns the address of a key's bucket, so that it can be read ahead of `find`; 0 without a table. */
export function bucketAt(shard: usize, keyed: u64): usize {
  const directory = directoryOf(shard);
  if (directory === 0) return 0;
  return segmentIn(directory, depthOf(shard), keyed) + ((<usize>bucketOf(keyed)) << 6);
}

/** Returns the record in the key's bucket that is most likely the key's, 0 for none. */
export function likelyRecord(bucket: usize, keyed: u64): usize {
  if (bucket === 0) return 0;
  const tag = v128.splat<u8>(tagOf(keyed));
  const matches = <u32>v128.bitmask<u8>(v128.eq<u8>(v128.load(bucket), tag)) & SLOT_MASK;
  return matches === 0 ? 0 : load<u32>(bucket + 16 + ((<usize>ctz(matches)) << 2));
}

/** Makes room so that `insert` cannot fail; returns false when memory is exhausted. */
export function reserve(shard: usize, keyed: u64): bool {
  if (directoryOf(shard) === 0 && !createTable(shard)) return false;
  let segment = segmentIn(directoryOf(shard), depthOf(shard), keyed);
  while (countOf(segment) >= SPLIT_AT && split(shard, segment, keyed)) {
    segment = segmentIn(directoryOf(shard), depthOf(shard), keyed);
  }
  while (countOf(segment) >= BUCKETS * BUCKET_SLOTS) {
    const overflow = overflowOf(segment);
    if (overflow !== 0) segment = overflow;
    else {
      // A chain takes keys that no split parts. Nobody finds such without the secret, but memory may have no
      // room for a larger directory.
      const added = newSegment(depthIn(segment));
      if (added === 0) return false;
      setOverflow(segment, added);
      setSegments(shard, segmentsOf(shard) + 1);
      return true;
    }
  }
  return true;
}

/** Puts in the record of a key that is not there, for which `reserve` has made room. */
export function insert(shard: usize, keyed: u64, record: usize): void {
  let segment = segmentIn(directoryOf(shard), depthOf(shard), keyed);
  if (ASSERTS) {
    const key = keyOf(record);
    assert(find(shard, keyed, key, keyLengthOf(record)) === 0, 'a key that is put in is not there');
  }
  while (countOf(segment) >= BUCKETS * BUCKET_SLOTS) segment = overflowOf(segment);
  if (ASSERTS) assert(segment !== 0, 'room was made for a new key');
  insertInto(segment, keyed, record);
  setKeys(shard, keysOf(shard) + 1);
}

/** Takes out the record whose address stands at `slot`. */
export function remove(shard: usize, keyed: u64, slot: usize): void {
  const segment = slot & ~(PAGE_BYTES - 1);
  const line = slot & ~63;
  if (ASSERTS) {
    const record: usize = load<u32>(slot);
    assert(
      record !== 0 && find(shard, keyed, keyOf(record), keyLengthOf(record)) === slot,
      'the key is here',
    );
  }
  const at = <u32>((line - segment) >> 6);
  for (let bucket = bucketOf(keyed); bucket !== at; bucket = (bucket + 1) & (BUCKETS - 1)) {
    const passed = segment + ((<usize>bucket) << 6);
    const overflowed = load<u8>(passed, 12);
    if (overflowed !== 255) store<u8>(passed, overflowed - 1, 12);
  }
  store<u8>(line + ((slot - line - 16) >> 2), 0);
  store<u32>(slot, 0);
  const left = countOf(segment) - 1;
  setCount(segment, left);
  setKeys(shard, keysOf(shard) - 1);
  if (left >= MERGE_TRY_AT) return;
  if (left === 0) dropEmptyParts(shard, segmentIn(directoryOf(shard), depthOf(shard), keyed));
  while (join(shard, keyed)) {}
}

/** Returns the bytes of the directory and the segments. */
export function tableBytes(shard: usize): f64 {
  const directory = directoryOf(shard);
  if (directory === 0) return 0;
  return <f64>segmentsOf(shard) * <f64>PAGE_BYTES + <f64>runBytes(directory);
}

/** Returns the segment whose prefix the keyed hash begins with. */
export function segmentIn(directory: usize, depth: u32, keyed: u64): usize {
  return load<u32>(directory + ((<usize>(keyed >> (64 - <u64>depth))) << 2));
}

export function createTable(shard: usize): bool {
  const directory = allocatePages(PAGE_BYTES);
  if (directory === 0) return false;
  const first = newSegment(1);
  const second: usize = first === 0 ? 0 : newSegment(1);
  if (second === 0) {
    if (first !== 0) freePages(first);
    freePages(directory);
    return false;
  }
  store<u32>(directory, <u32>first);
  store<u32>(directory, <u32>second, 4);
  setDirectory(shard, directory);
  setDepth(shard, 1);
  setSegments(shard, 2);
  setDeepest(shard, 2);
  return true;
}

function newSegment(depth: u32): usize {
  const segment = allocatePages(PAGE_BYTES);
  if (segment !== 0) clearSegment(segment, depth);
  return segment;
}

function clearSegment(segment: usize, depth: u32): void {
  memory.fill(segment, 0, PAGE_BYTES);
  store<u8>(segment, <u8>depth, 13);
  renew(segment);
}

function insertInto(segment: usize, keyed: u64, record: usize): void {
  let bucket = bucketOf(keyed);
  for (;;) {
    const line = segment + ((<usize>bucket) << 6);
    const empty = usedSlots(line) ^ SLOT_MASK;
    if (empty !== 0) {
      const index = <usize>ctz(empty);
      store<u8>(line + index, tagOf(keyed));
      store<u32>(line + 16 + (index << 2), <u32>record);
      setCount(segment, countOf(segment) + 1);
      return;
    }
    const overflowed = load<u8>(line, 12);
    if (overflowed !== 255) store<u8>(line, overflowed + 1, 12);
    bucket = (bucket + 1) & (BUCKETS - 1);
  }
}

/**
 * Puts each record of the copied segment into `first` or `second` by a bit of its keyed hash; bit 64: all
 * into `first`.
 */
function distribute(source: usize, first: usize, second: usize, bit: u32): void {
  for (let line = source; line < source + PAGE_BYTES; line += 64) {
    // The keys of a bucket are read ahead together, so that the waits for memory overlap.
    for (let used = usedSlots(line); used !== 0; used &= used - 1) {
      readAhead ^= load<u64>(keyOf(firstRecord(line, used)));
    }
    for (let used = usedSlots(line); used !== 0; used &= used - 1) {
      const record = firstRecord(line, used);
      const keyed = keyedHash(keyOf(record), keyLengthOf(record));
      let target = bit < 64 && ((keyed >> <u64>bit) & 1) !== 0 ? second : first;
      // In a chain it is the first part that has room: no more parts are filled here than have been emptied.
      while (countOf(target) >= BUCKETS * BUCKET_SLOTS) target = overflowOf(target);
      insertInto(target, keyed, record);
    }
  }
}

/**
 * Splits a full segment with its chain; returns false without memory, or when the directory may not grow for
 * it.
 */
export function split(shard: usize, segment: usize, keyed: u64): bool {
  const depth = depthIn(segment);
  if (depth === depthOf(shard) && !doubleDirectory(shard)) return false;
  const second = newChain(partsOf(segment), depth + 1);
  if (second === 0) return false;
  const added = partsOf(second);
  for (let part = segment; part !== 0; ) {
    const next = overflowOf(part);
    memory.copy(scratch, part, PAGE_BYTES);
    clearSegment(part, depth + 1);
    setOverflow(part, next);
    distribute(scratch, segment, second, 63 - depth);
    part = next;
  }

  const span: u32 = 1 << (depthOf(shard) - depth);
  const index = <u32>(keyed >> (64 - <u64>depthOf(shard)));
  const base = index & ~(span - 1);
  point(shard, base + (span >> 1), span >> 1, second);
  setSegments(shard, segmentsOf(shard) + added);
  if (depth + 1 === depthOf(shard)) setDeepest(shard, deepestOf(shard) + 2);
  dropEmptyParts(shard, segment);
  dropEmptyParts(shard, second);
  return true;
}

function partsOf(segment: usize): u32 {
  let parts: u32 = 0;
  for (let part = segment; part !== 0; part = overflowOf(part)) parts++;
  return parts;
}

/** Returns a chain of so many empty parts, 0 when memory is exhausted. */
function newChain(parts: u32, depth: u32): usize {
  let first: usize = 0;
  for (; parts > 0; parts--) {
    const added = newSegment(depth);
    if (added === 0) {
      freeChain(first);
      return 0;
    }
    setOverflow(added, first);
    first = added;
  }
  return first;
}

function freeChain(first: usize): void {
  while (first !== 0) {
    const next = overflowOf(first);
    freePages(first);
    first = next;
  }
}

/** Frees the empty parts behind a segment. */
function dropEmptyParts(shard: usize, segment: usize): void {
  let before = segment;
  for (let part = overflowOf(segment); part !== 0; part = overflowOf(before)) {
    if (countOf(part) !== 0) {
      before = part;
      continue;
    }
    setOverflow(before, overflowOf(part));
    freePages(part);
    setSegments(shard, segmentsOf(shard) - 1);
    // A scan counts the parts, so that its position would mean another part.
    renew(segment);
  }
}

/** Joins the segment of `keyed` with its other half when both are sparse; returns whether it did. */
function join(shard: usize, keyed: u64): bool {
  const directory = directoryOf(shard);
  const depth = depthOf(shard);
  const segment = segmentIn(directory, depth, keyed);
  const own = depthIn(segment);
  if (own <= 1) return false;
  const span: u32 = 1 << (depth - own);
  const base = <u32>(keyed >> (64 - <u64>depth)) & ~(span - 1);
  const other: usize = load<u32>(directory + ((<usize>(base ^ span)) << 2));
  if (depthIn(other) !== own || countOf(segment) + countOf(other) >= MERGE_AT) return false;
  if (overflowOf(segment) !== 0 || overflowOf(other) !== 0) return false;
  memory.copy(scratch, other, PAGE_BYTES);
  freePages(other);
  distribute(scratch, segment, segment, 64);
  store<u8>(segment, <u8>(own - 1), 13);
  renew(segment);
  point(shard, base & ~span, span << 1, segment);
  setSegments(shard, segmentsOf(shard) - 1);
  if (own === depth) setDeepest(shard, deepestOf(shard) - 2);
  while (deepestOf(shard) === 0 && halveDirectory(shard)) {}
  return true;
}

function point(shard: usize, from: u32, words: u32, segment: usize): void {
  const directory = directoryOf(shard);
  for (let i = from; i < from + words; i++) store<u32>(directory + ((<usize>i) << 2), <u32>segment);
}

function doubleDirectory(shard: usize): bool {
  const depth = depthOf(shard);
  const words: usize = (<usize>1) << depth;
  // It is no chance that keys share so many bits: they go to a chain instead.
  if (depth >= DEPTH_MAX || words > (<usize>segmentsOf(shard)) << 4) return false;
  const old = directoryOf(shard);
  const doubled = allocatePages(words << 3);
  if (doubled === 0) return false;
  for (let i: usize = 0; i < words; i++) {
    const segment = <u64>load<u32>(old + (i << 2));
    store<u64>(doubled + (i << 3), segment | (segment << 32));
  }
  freePages(old);
  setDirectory(shard, doubled);
  setDepth(shard, depth + 1);
  setDeepest(shard, 0);
  return true;
}

function halveDirectory(shard: usize): bool {
  const depth = depthOf(shard);
  if (depth <= 1) return false;
  const words: usize = (<usize>1) << (depth - 1);
  const directory = directoryOf(shard);
  let deepest: u32 = 0;
  for (let i: usize = 0; i < words; i++) {
    const segment = load<u32>(directory + (i << 3));
    store<u32>(directory + (i << 2), segment);
    if (depthIn(segment) === depth - 1) deepest++;
  }
  shrinkRun(directory, words << 2);
  setDepth(shard, depth - 1);
  setDeepest(shard, deepest);
  return true;
}
