// Lists of keys, as the replies of SCAN and KEYS have them: a bulk string of the Redis protocol for each key.

import { copyBytes } from '../bytes';
import { nowMs } from '../clock';
import { matches } from '../glob';
import { keyLengthOf, keyOf } from '../memory/record';
import { decimalLength, writeDecimal } from '../number';
import { expiryOf } from './expiry';

const ANYTHING: u8 = 0x2a;
const DOLLAR: u8 = 0x24;
/** A line's end, as it lies in memory. */
const CRLF: u16 = 0x0a0d;
/** The bytes of a bulk string beside its length's digits and its content: a dollar and two line ends. */
const BULK_BYTES: u64 = 5;

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
  const length = <u64>keyLengthOf(record);
  return BULK_BYTES + <u64>decimalLength(length) + length;
}

export function writeKey(at: usize, record: usize): void {
  const length = keyLengthOf(record);
  store<u8>(at, DOLLAR);
  const lineEnd = writeDecimal(at + 1, length);
  store<u16>(lineEnd, CRLF);
  copyBytes(lineEnd + 2, keyOf(record), length);
  store<u16>(lineEnd + 2 + length, CRLF);
}
