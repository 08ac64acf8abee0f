// Reads and writes decimal integers, and reads as strictly as Redis: without blanks, plus sign or leading
// zeros. Digests are read in hexadecimal digits.

/** Digits of the largest u64. */
const DIGITS_MAX: u32 = 20;

/** The number that `parseInteger` read last. */
export let parsed: i64 = 0;

/** Reads `length` bytes as a signed 64-bit integer into `parsed`; returns false when they are none. */
export function parseInteger(at: usize, length: u32): bool {
  if (length === 0 || length > 20) return false;
  let i: u32 = 0;
  const negative = load<u8>(at) === 0x2d;
  if (negative) {
    if (length === 1) return false;
    i = 1;
  }
  const first = <u32>load<u8>(at + i) - 0x30;
  if (first === 0) {
    parsed = 0;
    return length === 1;
  }
  if (first > 9) return false;
  let value: u64 = first;
  for (i++; i < length; i++) {
    const digit = <u32>load<u8>(at + i) - 0x30;
    if (digit > 9 || value > 922337203685477580) return false;
    value = value * 10 + <u64>digit;
  }
  const limit = <u64>i64.MAX_VALUE + <u64>(negative ? 1 : 0);
  if (value > limit) return false;
  parsed = negative ? -(<i64>value) : <i64>value;
  return true;
}

/** The number that `readHex64` read last. */
export let hex64: u64 = 0;

/** Reads 16 hexadecimal digits of either case into `hex64`; returns false when they are none. */
export function readHex64(at: usize, length: u32): bool {
  if (length !== 16) return false;
  hex64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(at + i);
    const letter = (byte | 0x20) - 0x61;
    const digit = byte - 0x30 <= 9 ? byte - 0x30 : letter <= 5 ? letter + 10 : 16;
    if (digit === 16) return false;
    hex64 = (hex64 << 4) | digit;
  }
  return true;
}

/** Returns the bytes of the decimal form of `value`. */
export function decimalLength(value: u64): u32 {
  let length: u32 = 1;
  for (let power: u64 = 10; value >= power; power *= 10) {
    if (++length === DIGITS_MAX) break;
  }
  return length;
}

/** Writes the decimal form of `value` at `at`; returns the address behind it. */
export function writeDecimal(at: usize, value: u64): usize {
  if (value < 10) {
    store<u8>(at, 0x30 + <u8>value);
    return at + 1;
  }
  const end = at + <usize>decimalLength(value);
  let digit = end;
  // A division of 64 bits is slow, so that one serves eight digits.
  while (value > u32.MAX_VALUE) {
    const rest = value / 100000000;
    let low = <u32>(value - rest * 100000000);
    for (const first = digit - 8; digit > first; low /= 10) store<u8>(--digit, 0x30 + <u8>(low % 10));
    value = rest;
  }
  for (let low = <u32>value; digit > at; low /= 10) store<u8>(--digit, 0x30 + <u8>(low % 10));
  return end;
}

/** Writes what `writeDecimal` does, with a sign where it is negative. */
export function writeSigned(at: usize, value: i64): usize {
  if (value >= 0) return writeDecimal(at, <u64>value);
  store<u8>(at, 0x2d);
  return writeDecimal(at + 1, 0 - <u64>value);
}
