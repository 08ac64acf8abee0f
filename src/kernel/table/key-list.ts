// Lists of keys, which SCAN and KEYS return: for each key its length (u32) and its bytes.

import { copyBytes } from '../bytes';
import { nowMs } from '../clock';
import { matches } from '../glob';
import { keyLengthOf, keyOf } from '../memory/record';
import { expiryOf } from './expiry';

const ANYTHING: u8 = 0x2a;

let takesAll: bool = false;
let pattern: usize = 0;
let patternBytes: u32 = 0;

/**
 * Chooses the keys that are listed from now on: those that match. A star alone has the empty key too, as in
 * Redis.
 */
export function filterKeys(at: usize, bytes: u32): void {
  takesAll = bytes === 1 && load<u8>(at) === ANYTHING;
  pattern = at;
  patternBytes = bytes;
}

/** Returns the bytes of the record's key in a list, 0 when it has expired or does not match. */
export function listedBytes(shard: usize, record: usize): u64 {
  if (expiryOf(shard, record) <= nowMs) return 0;
  if (!takesAll && !matches(pattern, patternBytes, keyOf(record), keyLengthOf(record), false)) return 0;
  return <u64>keyLengthOf(record) + 4;
}

export function writeKey(at: usize, record: usize): void {
  store<u32>(at, keyLengthOf(record));
  copyBytes(at + 4, keyOf(record), keyLengthOf(record));
}
