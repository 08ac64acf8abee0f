// SCAN: all keys by a cursor, for which the kernel keeps nothing. Each key that is there throughout is listed
// exactly once, whatever grows, shrinks or is compacted between the steps.
//
// A key has a place that never changes: the bucket of its keyed hash, followed by the hash's 36 top bits. A
// cursor is a shard and a place in it (shard * 2^42 + place), and a step lists all keys between two places:
// bucket after bucket, and in each bucket the segments in their order. A split or a join only distributes a
// bucket's places among other segments. So a step reads hardly more keys than it lists, because one bucket of
// one segment has about a dozen.
import { keyedHash } from '../keyed-hash';
import {
  RESULT_COUNT,
  RESULT_CURSOR_U64,
  RESULT_NEED,
  RESULT_OUTPUT,
  WRITE_DONE,
  WRITE_MEMORY,
} from '../layout';
import { keyLengthOf, keyOf } from '../memory/record';
import { setResult, setResultU64 } from '../result';
import { filterKeys, listedBytes, writeKey } from './key-list';
import { closeHeap, heapSize, leastPlace, openHeap, pop, push } from './place-heap';
import { BUCKETS, bucketOf, depthIn, firstRecord, overflowOf, usedSlots } from './segment';
import { depthOf, directoryOf, keysOf, shardAt, shardCount } from './shard';
import { segmentIn } from './table';

const PREFIX_BITS: u64 = 36;
/** Bits of a place: the prefix and six bits of the bucket. */
const SHARD_SHIFT: u64 = 42;
const PLACE_MASK: u64 = ((<u64>1) << SHARD_SHIFT) - 1;
/** A step may look at so many keys more than it was asked to, so that an ordinary bucket is read once. */
const COUNT_SLACK: u64 = 64;
/** Buckets that a step may find empty, beside ten a key: as in Redis, a sparse table does not delay it. */
const BUCKETS_MIN: u64 = 1000;

/** More bytes than a list can ever need. */
const NEED_MAX: u64 = 0xf0000000;

// The bytes that the step at hand has written, the keys in them, and the keys that it has looked at.
let written: usize = 0;
let listed: u32 = 0;
let looked: u64 = 0;

/**
 * Lists (key-list.ts) from `cursor` on the live keys that match, looking at about `count`. After WRITE_DONE
 * the result block has the bytes, the count of keys, and the next cursor, which is 0 at the end and when
 * `cursor` was no cursor. When not even the first keys fit, RESULT_NEED is what they take at the least, and
 * the next cursor stands before them. WRITE_MEMORY is returned when a chain of segments takes more memory
 * than there is.
 */
export function scanKeys(
  cursor: u64,
  count: u32,
  pattern: usize,
  patternBytes: u32,
  output: usize,
  capacity: usize,
): i32 {
  filterKeys(pattern, patternBytes);
  written = 0;
  listed = 0;
  looked = 0;
  setResult(RESULT_NEED, 0);
  let buckets: u64 = <u64>count * 10 + BUCKETS_MIN;
  let next = cursor;
  while (looked < <u64>count && buckets-- !== 0) {
    const id = next >> SHARD_SHIFT;
    if (id >= <u64>shardCount) break;
    const shard = shardAt(<u32>id);
    if (keysOf(shard) === 0) {
      next = (id + 1) << SHARD_SHIFT;
      continue;
    }
    const place = next & PLACE_MASK;
    const segment = segmentIn(directoryOf(shard), depthOf(shard), place << (64 - PREFIX_BITS));
    const span = (<u64>1) << (PREFIX_BITS - <u64>depthIn(segment));
    // Behind the last segment's places come those of the next bucket, behind the last bucket's the next
    // shard's.
    const behind = (next & ~(span - 1)) + span;
    if (!openHeap(segment)) {
      if (listed === 0) return WRITE_MEMORY;
      break;
    }
    collect(segment, <u32>(place >> PREFIX_BITS), place);
    const isWhole = take(shard, <u64>count + COUNT_SLACK, output, capacity);
    next = isWhole ? behind : (next & ~PLACE_MASK) | leastPlace();
    closeHeap();
    if (!isWhole) break;
  }
  setResult(RESULT_COUNT, listed);
  setResultU64(RESULT_CURSOR_U64, next >> SHARD_SHIFT < <u64>shardCount ? next : 0);
  setResult(RESULT_OUTPUT, <u32>written);
  return WRITE_DONE;
}

/** Puts those of the segment's keys on the heap that are of the bucket and not before `place`. */
function collect(segment: usize, bucket: u32, place: u64): void {
  for (let part = segment; part !== 0; part = overflowOf(part)) {
    let at = bucket;
    for (let probes: u32 = 0; probes < BUCKETS; probes++) {
      const line = part + ((<usize>at) << 6);
      for (let used = usedSlots(line); used !== 0; used &= used - 1) {
        const record = firstRecord(line, used);
        const keyed = keyedHash(keyOf(record), keyLengthOf(record));
        const own = ((<u64>bucketOf(keyed)) << PREFIX_BITS) | (keyed >> (64 - PREFIX_BITS));
        if (bucketOf(keyed) === bucket && own >= place) push(own, record);
      }
      if (load<u8>(line, 12) === 0) break;
      at = (at + 1) & (BUCKETS - 1);
    }
  }
}

/**
 * Lists the heap's keys by their places; returns false when it stopped, which is never between keys of one
 * place.
 */
function take(shard: usize, most: u64, output: usize, capacity: usize): bool {
  while (heapSize() !== 0) {
    if (looked >= most) return false;
    const place = leastPlace();
    const writtenBefore = written;
    const listedBefore = listed;
    while (heapSize() !== 0 && leastPlace() === place) {
      const record = pop();
      looked++;
      const bytes = listedBytes(shard, record);
      if (bytes === 0) continue;
      if (bytes > <u64>(capacity - written)) {
        if (listedBefore === 0) setResult(RESULT_NEED, <u32>min(<u64>written + bytes, NEED_MAX));
        written = writtenBefore;
        listed = listedBefore;
        push(place, record);
        return false;
      }
      writeKey(output + written, record);
      written += <usize>bytes;
      listed++;
    }
  }
  return true;
}
