// A segment of a table (table.ts), a page of 64 buckets of 64 bytes, one cache line each:
//   0-11   tags: 0 empty, else 8 bits of the mixed hash
//   12     how many keys wanted this bucket and had to go on (saturates at 255; then it stays)
//   13     in bucket 0: the segment's depth; in bucket 1, 13-15: the page of its overflow segment
//   14-15  in bucket 0: keys in the segment; in bucket 2: the segment's generation, new with each split or join
//   16-63  addresses of twelve records
//
// Invariants (`checkTable` of table-invariants.ts):
//   - a slot has a tag exactly while it has a record, and the tag is that of the record's key;
//   - byte 12 counts the keys that lie behind the bucket and wanted it or one before it, unless it has been 255;
//   - the count in bucket 0 is that of the page's keys, and at most 768;
//   - all parts of a chain have the depth of the first.
import { ASSERTS } from '../assertions';
import { PAGE_SHIFT } from '../memory/pages';

export const BUCKETS: u32 = 64;
export const BUCKET_SLOTS: u32 = 12;
export const SLOT_MASK: u32 = 0xfff;

export function depthIn(segment: usize): u32 {
  return load<u8>(segment, 13);
}

/** Changes when the segment's keys may have moved. */
export function generationOf(segment: usize): u16 {
  return load<u16>(segment, 142);
}

export function countOf(segment: usize): u32 {
  return load<u16>(segment, 14);
}

export function setCount(segment: usize, count: u32): void {
  if (ASSERTS) assert(count <= BUCKETS * BUCKET_SLOTS, 'a segment has no more keys than slots');
  store<u16>(segment, <u16>count, 14);
}

export function overflowOf(segment: usize): usize {
  return (<usize>(load<u32>(segment, 76) >> 8)) << PAGE_SHIFT;
}

export function setOverflow(segment: usize, overflow: usize): void {
  store<u32>(segment, (load<u32>(segment, 76) & 0xff) | ((<u32>(overflow >> PAGE_SHIFT)) << 8), 76);
}

/** Which of a bucket's slots hold a record, a bit each. */
export function usedSlots(line: usize): u32 {
  return ~(<u32>v128.bitmask<u8>(v128.eq<u8>(v128.load(line), v128.splat<u8>(0)))) & SLOT_MASK;
}

/** The record in the bucket's first slot of `slots`. */
export function firstRecord(line: usize, slots: u32): usize {
  return load<u32>(line + 16 + ((<usize>ctz(slots)) << 2));
}

export function tagOf(mixed: u64): u8 {
  const tag = <u8>mixed;
  return tag === 0 ? 1 : tag;
}

export function bucketOf(mixed: u64): u32 {
  return <u32>(mixed >> 8) & (BUCKETS - 1);
}
