// The layout of a segment of a table (table.ts), which is a page of 64 buckets of 64 bytes, one cache line
// each:
//   0-11   tags: 0 empty, else 8 bits of the keyed hash
//   12     how many keys wanted this bucket and had to go on to another; once it is 255, it stays so
//   13     in bucket 0: the segment's depth; in bucket 1, 13-15: the page of its overflow segment
//   14-15  in bucket 0: keys in the segment
//   13-15  in buckets 2 and 3: the low and the high half of the segment's generation
//   16-63  addresses of twelve records
//
// Invariants (`checkTable` of table-invariants.ts):
//   - a slot has a tag exactly while it has a record, and the tag is that of the record's key;
//   - byte 12 counts the keys that lie behind the bucket and wanted it or one before it, unless it has been
//     255;
//   - the count in bucket 0 is that of the page's keys, and at most 768;
//   - all parts of a chain have the depth of the first.
import { ASSERTS } from '../assertions';
import { PAGE_SHIFT } from '../memory/pages';

export const BUCKETS: u32 = 64;
export const BUCKET_SLOTS: u32 = 12;
export const SLOT_MASK: u32 = 0xfff;

/** The generation that was given out last, of 48 bits. */
let generations: u64 = 0;

export function depthIn(segment: usize): u32 {
  return load<u8>(segment, 13);
}

/**
 * Changes whenever the segment's keys may have moved, and never comes again: 48 bits outlast any store, for a
 * million splits a second would take nine years to go through them.
 */
export function generationOf(segment: usize): u64 {
  return <u64>(load<u32>(segment, 140) >> 8) | ((<u64>(load<u32>(segment, 204) >> 8)) << 24);
}

/** Gives a segment whose keys have moved a new generation. */
export function renew(segment: usize): void {
  const generation = ++generations;
  store<u32>(segment, (load<u32>(segment, 140) & 0xff) | ((<u32>generation) << 8), 140);
  store<u32>(segment, (load<u32>(segment, 204) & 0xff) | ((<u32>(generation >> 24)) << 8), 204);
}

/** Returns the generation that was given out last. */
export function latestGeneration(): u64 {
  return generations;
}

/**
 * Passes over so many generations, as that many splits would. Tests of the debug build let a scan sleep so
 * long.
 */
export function skipGenerations(count: u64): void {
  generations += count;
}

/** How far behind a segment's prefix the next one's is, in the space of the keyed hash. */
export function spanOf(segment: usize): u64 {
  return (<u64>1) << (64 - <u64>depthIn(segment));
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

/** Returns which of a bucket's slots hold a record, a bit each. */
export function usedSlots(line: usize): u32 {
  return ~(<u32>v128.bitmask<u8>(v128.eq<u8>(v128.load(line), v128.splat<u8>(0)))) & SLOT_MASK;
}

/** Returns the record in the bucket's first slot of `slots`. */
export function firstRecord(line: usize, slots: u32): usize {
  return load<u32>(line + 16 + ((<usize>ctz(slots)) << 2));
}

export function tagOf(keyed: u64): u8 {
  const tag = <u8>keyed;
  return tag === 0 ? 1 : tag;
}

export function bucketOf(keyed: u64): u32 {
  return <u32>(keyed >> 8) & (BUCKETS - 1);
}
