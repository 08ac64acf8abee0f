// Writes pieces of JSON as src/cli/terminal/json.ts does: strings are what JSON.stringify makes of UTF-8, and
// characters that a terminal would obey are escaped too. Writers return the address behind what they wrote,
// may store up to 16 bytes more than that, and read up to 16 bytes behind a string.
import { writeDecimal } from '../number';

/** Bytes of output that a byte of text may take. */
export const ESCAPED_BYTES_MAX: u32 = 6;

/** A number above this is no longer exact in JSON, and is written as a string. */
const EXACT_MAX: u64 = 9007199254740991;
const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const DELETE: u8 = 0x7f;
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const HEX = '0123456789abcdef';

/** Bytes of the character that `writeCharacter` read last. */
let taken: usize = 0;

/** Writes ASCII without escapes. */
export function writeAscii(at: usize, text: string): usize {
  const from = changetype<usize>(text);
  const length = <usize>text.length;
  const units = length << 1;
  // The last of the sixteen bytes at a time may be another string's, which the next writer overwrites.
  for (let read: usize = 0; read < units; read += 16) {
    const wide = v128.load(from + read);
    v128.store(at + (read >> 1), v128.narrow<u16>(wide, wide));
  }
  return at + length;
}

/** Writes a number, or a string where a number would not be exact. */
export function writeNumber(at: usize, value: u64): usize {
  return value <= EXACT_MAX ? writeDecimal(at, value) : writeQuoted(at, value);
}

/** Writes a number as a string. */
export function writeQuoted(at: usize, value: u64): usize {
  store<u8>(at, QUOTE);
  const end = writeDecimal(at + 1, value);
  store<u8>(end, QUOTE);
  return end + 1;
}

/** Writes the inside of a string; returns 0 when the bytes are not UTF-8. */
export function writeText(at: usize, from: usize, length: u32): usize {
  const end = from + <usize>length;
  while (from < end) {
    const bytes = v128.load(from);
    v128.store(at, bytes);
    const special = specialBytes(bytes);
    const plain = min(end - from, special === 0 ? 16 : <usize>ctz(special));
    at += plain;
    from += plain;
    if (plain < 16 && from < end) {
      at = writeCharacter(at, from, end);
      if (at === 0) return 0;
      from += taken;
    }
  }
  return at;
}

/** Writes the inside of a string, in Base64. */
export function writeBase64(at: usize, from: usize, length: u32): usize {
  let left = length;
  for (; left >= 3; left -= 3) {
    const bits = ((<u32>load<u8>(from)) << 16) | ((<u32>load<u8>(from, 1)) << 8) | <u32>load<u8>(from, 2);
    store<u8>(at, base64Digit(bits >> 18));
    store<u8>(at, base64Digit(bits >> 12), 1);
    store<u8>(at, base64Digit(bits >> 6), 2);
    store<u8>(at, base64Digit(bits), 3);
    from += 3;
    at += 4;
  }
  if (left === 0) return at;
  const bits = ((<u32>load<u8>(from)) << 16) | (left === 2 ? (<u32>load<u8>(from, 1)) << 8 : 0);
  store<u8>(at, base64Digit(bits >> 18));
  store<u8>(at, base64Digit(bits >> 12), 1);
  store<u8>(at, left === 2 ? base64Digit(bits >> 6) : 0x3d, 2);
  store<u8>(at, 0x3d, 3);
  return at + 4;
}

/** Writes two digits a byte. */
export function writeHex(at: usize, from: usize, length: u32): usize {
  const end = at + ((<usize>length) << 1);
  for (; at < end; at += 16) {
    v128.store(at, hexDigits(load<u64>(from)));
    from += 8;
  }
  return end;
}

/** Writes sixteen digits, the most significant first. */
export function writeHexNumber(at: usize, value: u64): usize {
  v128.store(at, hexDigits(bswap<u64>(value)));
  return at + 16;
}

/** Returns the digits of eight bytes, from the lowest byte on. */
function hexDigits(bytes: u64): v128 {
  const mask: u64 = 0x0f0f0f0f0f0f0f0f;
  const high = i64x2.splat((bytes >> 4) & mask);
  const low = i64x2.splat(bytes & mask);
  const nibbles = v128.shuffle<u8>(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const wide = changetype<usize>(HEX);
  return v128.swizzle(v128.narrow<u16>(v128.load(wide), v128.load(wide, 16)), nibbles);
}

function base64Digit(bits: u32): u8 {
  return load<u8>(changetype<usize>(BASE64) + ((<usize>bits & 63) << 1));
}

/** Which of sixteen bytes are not printable ASCII, or escaped in JSON. */
function specialBytes(bytes: v128): u32 {
  // Compared as signed, bytes from 0x80 on are below all others.
  const outside = v128.or(
    v128.lt<i8>(bytes, v128.splat<i8>(0x20)),
    v128.eq<i8>(bytes, v128.splat<i8>(DELETE)),
  );
  const escaped = v128.or(
    v128.eq<i8>(bytes, v128.splat<i8>(QUOTE)),
    v128.eq<i8>(bytes, v128.splat<i8>(BACKSLASH)),
  );
  return <u32>v128.bitmask<i8>(v128.or(outside, escaped));
}

/** Writes a character that `specialBytes` marked, of `taken` bytes; returns 0 when it is not UTF-8. */
function writeCharacter(at: usize, from: usize, end: usize): usize {
  const lead = <u32>load<u8>(from);
  if (lead < 0x80) {
    taken = 1;
    return writeEscaped(at, lead);
  }
  taken = characterBytes(from, end);
  if (taken === 0) return 0;
  const second = <u32>load<u8>(from, 1) & 0x3f;
  if (taken === 2) {
    const code = ((lead & 0x1f) << 6) | second;
    if (code < 0xa0 || code === 0x61c) return writeUnicode(at, code);
  } else if (taken === 3) {
    const code = ((lead & 0x0f) << 12) | (second << 6) | (<u32>load<u8>(from, 2) & 0x3f);
    if (turnsText(code)) return writeUnicode(at, code);
  }
  store<u32>(at, load<u32>(from));
  return at + taken;
}

/** Returns the bytes of the UTF-8 character at `from`, which is not ASCII, 0 when there is none. */
function characterBytes(from: usize, end: usize): usize {
  const lead = load<u8>(from);
  const left = end - from;
  if (lead < 0xc2 || lead > 0xf4 || left < 2) return 0;
  const second = load<u8>(from, 1);
  if (!isContinuation(second)) return 0;
  if (lead < 0xe0) return 2;
  if (left < 3 || !isContinuation(load<u8>(from, 2))) return 0;
  if (lead < 0xf0) {
    // Forms that are too long, and surrogates, are not UTF-8.
    return (lead === 0xe0 && second < 0xa0) || (lead === 0xed && second >= 0xa0) ? 0 : 3;
  }
  if (left < 4 || !isContinuation(load<u8>(from, 3))) return 0;
  // Nor are forms beyond the last character.
  return (lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second >= 0x90) ? 0 : 4;
}

function isContinuation(byte: u8): bool {
  return (byte & 0xc0) === 0x80;
}

/**
 * Returns whether a character could change how a terminal shows those around it: marks, embeddings, overrides
 * and isolates of bidi, the line and paragraph separators, the byte order mark.
 */
function turnsText(code: u32): bool {
  return (
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    code === 0xfeff
  );
}

function writeEscaped(at: usize, byte: u32): usize {
  let letter: u32 = 0;
  switch (byte) {
    case 0x22:
    case 0x5c:
      letter = byte;
      break;
    case 0x08:
      letter = 0x62;
      break;
    case 0x09:
      letter = 0x74;
      break;
    case 0x0a:
      letter = 0x6e;
      break;
    case 0x0c:
      letter = 0x66;
      break;
    case 0x0d:
      letter = 0x72;
      break;
    default:
      return writeUnicode(at, byte);
  }
  store<u8>(at, BACKSLASH);
  store<u8>(at, <u8>letter, 1);
  return at + 2;
}

function writeUnicode(at: usize, code: u32): usize {
  store<u8>(at, BACKSLASH);
  store<u8>(at, 0x75, 1);
  for (let digit: u32 = 0; digit < 4; digit++) {
    const nibble = (code >> (12 - (digit << 2))) & 15;
    store<u8>(at + 2 + <usize>digit, load<u8>(changetype<usize>(HEX) + ((<usize>nibble) << 1)));
  }
  return at + 6;
}
