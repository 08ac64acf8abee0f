// Counts over time in a fixed number of buckets. A bucket's width is a power of two of milliseconds, and
// doubles whenever what came no longer fits. The buckets are a ring, each at its number (time divided by
// width) modulo their count.
import { RATE_BUCKETS } from '../layout';

const COUNTS_BYTES: usize = RATE_BUCKETS << 3;
const MASK: u64 = RATE_BUCKETS - 1;

let counts: usize = memory.data(512, 8);
let spare: usize = memory.data(512, 8);
/** The width is 2 to the power of this, ms. */
let shift: u64 = 0;
/** Numbers of the first and the last bucket; while the first is above the last, nothing has been counted. */
let first: u64 = 1;
let last: u64 = 0;

export function rateStart(): void {
  memory.fill(counts, 0, COUNTS_BYTES);
  shift = 0;
  first = 1;
  last = 0;
}

export function rateCount(timeMs: u64): void {
  let bucket = timeMs >> shift;
  if (first > last) first = last = bucket;
  if (bucket < first || bucket > last) {
    while (max(last, bucket) - min(first, bucket) > MASK) {
      widen();
      bucket = timeMs >> shift;
    }
    first = min(first, bucket);
    last = max(last, bucket);
  }
  const count = counts + ((<usize>(bucket & MASK)) << 3);
  store<u64>(count, load<u64>(count) + 1);
}

/** Returns the address of the ring. */
export function rateCounts(): usize {
  return counts;
}

/** Returns the width of a bucket as a power of two of milliseconds. */
export function rateShift(): u32 {
  return <u32>shift;
}

/** Returns the number of the first bucket. */
export function rateFirst(): u64 {
  return first;
}

/** Returns how many buckets there are from the first to the last one. */
export function rateSpan(): u32 {
  return first > last ? 0 : <u32>(last - first + 1);
}

/** Joins the buckets two by two. */
function widen(): void {
  memory.fill(spare, 0, COUNTS_BYTES);
  const buckets = last - first;
  for (let i: u64 = 0; i <= buckets; i++) {
    const joined = spare + ((<usize>(((first + i) >> 1) & MASK)) << 3);
    store<u64>(joined, load<u64>(joined) + load<u64>(counts + ((<usize>((first + i) & MASK)) << 3)));
  }
  const before = counts;
  counts = spare;
  spare = before;
  shift++;
  first >>= 1;
  last >>= 1;
}
