// The layout of a record in the arena, which is aligned to 8 bytes:
//   0  u32  key length
//   4  u32  value length
//   8  u32  bit 24: in use; bits 0-23: when or how often it was used (access.ts)
//   12 u32  place in the shard's expiry heap + 1; 0 when the key never expires
//   16 u64  term in the digest of the shard (store/digest.ts), undefined where none is kept
//   24      key, then value, with nothing between
import { ASSERTS } from '../assertions';

export const RECORD_HEADER: usize = 24;
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
  if (ASSERTS) assert(isInUse(record), 'a record that expires is in use');
  store<u32>(record, place, 12);
}

/** Returns the term of the record in its shard's digest (store/digest.ts). */
export function termOf(record: usize): u64 {
  return load<u64>(record, 16);
}

export function setTerm(record: usize, term: u64): void {
  store<u64>(record, term, 16);
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
