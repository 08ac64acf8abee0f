// Decimal integers: strict parsing as Redis does it (no blanks, no plus sign, no leading zeros), and writing.

/** The number that `parseInteger` read last. */
export let parsed: i64 = 0;

/** Reads a signed 64-bit integer that is the whole of `length` bytes; false when it is none. */
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

/** Bytes of the decimal form of `value`. */
export function decimalLength(value: u64): u32 {
  let length: u32 = 1;
  while (value >= 10) {
    value /= 10;
    length++;
  }
  return length;
}

/** Writes the decimal form of `value` at `at`; the address behind it. */
export function writeDecimal(at: usize, value: u64): usize {
  if (value < 10) {
    store<u8>(at, 0x30 + <u8>value);
    return at + 1;
  }
  const end = at + decimalLength(value);
  let digit = end;
  while (value >= 10) {
    const rest = value / 10;
    store<u8>(--digit, 0x30 + <u8>(value - rest * 10));
    value = rest;
  }
  store<u8>(--digit, 0x30 + <u8>value);
  return end;
}

/** As `writeDecimal`, with a sign. */
export function writeSigned(at: usize, value: i64): usize {
  if (value >= 0) return writeDecimal(at, <u64>value);
  store<u8>(at, 0x2d);
  return writeDecimal(at + 1, 0 - <u64>value);
}
