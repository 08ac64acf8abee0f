// The layout of a record in the arena, which is aligned to 8 bytes:
//   0  u32  key length
//   4  u32  value length
//   8  u32  bit 24: in use; bits 0-23: the access clock (clock.ts) when it was last written or read
//   12 u32  place in the shard's expiry heap + 1; 0 when the key never expires
//   16      key, then value, with nothing between
import { ASSERTS } from '../assertions';
import { ACCESS_CLOCK_MASK, accessClock } from '../clock';

export const RECORD_HEADER: usize = 16;
export const IN_USE: u32 = 1 << 24;

export function keyLengthOf(record: usize): u32 {
  if (ASSERTS) assert(record !== 0 && (record & 7) === 0, 'a record has an address');
  return load<u32>(record);
}

export function valueLengthOf(record: usize): u32 {
  return load<u32>(record, 4);
}

export function keyOf(record: usize): usize {
  return record + RECORD_HEADER;
}

export function valueAt(record: usize): usize {
  return record + RECORD_HEADER + load<u32>(record);
}

export function heapPlaceOf(record: usize): u32 {
  return load<u32>(record, 12);
}

export function setHeapPlace(record: usize, place: u32): void {
  if (ASSERTS) assert(isInUse(record), 'what expires is a record in use');
  store<u32>(record, place, 12);
}

/**
 * Stamps a record that is read or written. Within a second it stores nothing, so that the cache line stays
 * clean.
 */
export function noteAccess(record: usize): void {
  const stamp = IN_USE | accessClock;
  if (load<u32>(record, 8) !== stamp) store<u32>(record, stamp, 8);
}

/** Returns the access clock when the record was last read or written. */
export function accessOf(record: usize): u32 {
  return load<u32>(record, 8) & ACCESS_CLOCK_MASK;
}

/** Returns whether a block holds a record. */
export function isInUse(block: usize): bool {
  return (load<u32>(block, 8) & IN_USE) !== 0;
}

/** Returns whether the record's key is these bytes. */
export function hasKey(record: usize, key: usize, length: u32): bool {
  if (load<u32>(record) !== length) return false;
  const own = record + RECORD_HEADER;
  let at: usize = 0;
  const words = <usize>length & ~7;
  for (; at < words; at += 8) {
    if (load<u64>(own + at) !== load<u64>(key + at)) return false;
  }
  for (; at < <usize>length; at++) {
    if (load<u8>(own + at) !== load<u8>(key + at)) return false;
  }
  return true;
}
