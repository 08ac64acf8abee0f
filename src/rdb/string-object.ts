/**
 * A string as Redis' dumps (RDB files, DUMP) have it behind its type: a length and bytes, a small integer, or
 * bytes that are compressed by LZF. Pure functions on bytes; they compress and expand nothing.
 */

/** The type of a string. */
export const STRING_TYPE = 0;

/** A string is compressed when it is longer than this, and when that saves `LZF_SAVED_BYTES_MIN`. */
export const LZF_BYTES_MIN = 21;
/** Bytes by which a compressed string is shorter at least, its lengths left out. */
export const LZF_SAVED_BYTES_MIN = 4;
/** The longest text that may be written as an integer of 32 bits: `-2147483648`. */
export const INTEGER_TEXT_BYTES_MAX = 11;

/** The first byte of what follows; the two highest bits of a length's first byte say how long it is. */
const LENGTH_14_BITS = 0x40;
const LENGTH_32_BITS = 0x80;
const LENGTH_64_BITS = 0x81;
const INTEGER_8_BITS = 0xc0;
const INTEGER_16_BITS = 0xc1;
const INTEGER_32_BITS = 0xc2;
const COMPRESSED = 0xc3;

const INTEGER = /^(0|-?[1-9]\d{0,9})$/;

/** A string that was found: its bytes, or where they are. */
export type FoundString =
  | { readonly kind: 'integer'; readonly bytes: Buffer }
  | { readonly kind: 'raw'; readonly start: number; readonly end: number }
  | {
      readonly kind: 'lzf';
      readonly start: number;
      readonly end: number;
      /** Bytes that it has when it is expanded. */
      readonly length: number;
    };

/** Encodes a length, 0 to 2^53. */
export function encodeLength(length: number): Buffer {
  if (length < 2 ** 6) return Buffer.of(length);
  if (length < 2 ** 14) return Buffer.of(LENGTH_14_BITS | (length >> 8), length & 0xff);
  if (length < 2 ** 32) {
    const bytes = Buffer.alloc(5, LENGTH_32_BITS);
    bytes.writeUInt32BE(length, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(9, LENGTH_64_BITS);
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

/** Encodes a string that spells an integer of 32 bits as that; returns undefined when it spells none. */
export function encodeInteger(text: Buffer): Buffer | undefined {
  if (text.length > INTEGER_TEXT_BYTES_MAX) return undefined;
  const digits = text.toString('latin1');
  const value = INTEGER.test(digits) ? Number(digits) : Number.NaN;
  if (value >= -(2 ** 7) && value < 2 ** 7) return Buffer.of(INTEGER_8_BITS, value & 0xff);
  if (value >= -(2 ** 15) && value < 2 ** 15) {
    const bytes = Buffer.alloc(3, INTEGER_16_BITS);
    bytes.writeInt16LE(value, 1);
    return bytes;
  }
  if (!(value >= -(2 ** 31) && value < 2 ** 31)) return undefined;
  const bytes = Buffer.alloc(5, INTEGER_32_BITS);
  bytes.writeInt32LE(value, 1);
  return bytes;
}

/** The head of a string that is compressed to `compressed` bytes, which follow it. */
export function encodeCompressedHead(compressed: number, length: number): Buffer {
  return Buffer.concat([Buffer.of(COMPRESSED), encodeLength(compressed), encodeLength(length)]);
}

/**
 * Finds the string that `bytes` from `start` on are, all of them; undefined when they are none. Where it is
 * compressed, the length is what the bytes claim.
 */
export function findString(bytes: Buffer, start: number): FoundString | undefined {
  const head = bytes[start];
  if (head === undefined) return undefined;
  const left = bytes.length - start - 1;
  if (head === INTEGER_8_BITS) return left === 1 ? integer(bytes.readInt8(start + 1)) : undefined;
  if (head === INTEGER_16_BITS) return left === 2 ? integer(bytes.readInt16LE(start + 1)) : undefined;
  if (head === INTEGER_32_BITS) return left === 4 ? integer(bytes.readInt32LE(start + 1)) : undefined;
  if (head !== COMPRESSED) {
    const length = readLength(bytes, start);
    if (length === undefined || length.end + length.value !== bytes.length) return undefined;
    return { kind: 'raw', start: length.end, end: bytes.length };
  }
  const compressed = readLength(bytes, start + 1);
  const length = compressed && readLength(bytes, compressed.end);
  if (length === undefined || length.end + compressed!.value !== bytes.length) return undefined;
  return { kind: 'lzf', start: length.end, end: bytes.length, length: length.value };
}

function integer(value: number): FoundString {
  return { kind: 'integer', bytes: Buffer.from(String(value)) };
}

/** A length at `at`, and where it ends; undefined when there is none, or one beyond 2^53. */
function readLength(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  const head = bytes[at];
  const size = head === undefined ? undefined : lengthBytes(head);
  if (size === undefined || at + size > bytes.length) return undefined;
  const value = lengthAt(bytes, at);
  return Number.isSafeInteger(value) ? { value, end: at + size } : undefined;
}

/** How many bytes a length has whose first one is `head`, 1 to 9; undefined when no length begins so. */
export function lengthBytes(head: number): number | undefined {
  if (head < LENGTH_14_BITS) return 1;
  if (head < LENGTH_32_BITS) return 2;
  if (head === LENGTH_32_BITS) return 5;
  return head === LENGTH_64_BITS ? 9 : undefined;
}

/** The length at `at`, all bytes of which are there; one beyond 2^53 is rounded. */
export function lengthAt(bytes: Buffer, at: number): number {
  const head = bytes[at]!;
  if (head < LENGTH_14_BITS) return head;
  if (head < LENGTH_32_BITS) return ((head & 0x3f) << 8) | bytes[at + 1]!;
  return head === LENGTH_32_BITS ? bytes.readUInt32BE(at + 1) : Number(bytes.readBigUInt64BE(at + 1));
}

/**
 * The lengths of a string: of its head, and of the bytes behind that, which may be claimed to be more than
 * 2^53.
 */
export interface StringHead {
  readonly headBytes: number;
  readonly bodyBytes: number;
}

/**
 * Reads the head of a string at `at`; undefined when it is not whole, `malformed` when no string begins
 * so.
 */
export function readStringHead(bytes: Buffer, at: number): StringHead | undefined | 'malformed' {
  const head = bytes[at];
  if (head === undefined) return undefined;
  if (head >= INTEGER_8_BITS && head <= INTEGER_32_BITS) {
    return { headBytes: 1, bodyBytes: 1 << (head - INTEGER_8_BITS) };
  }
  const isCompressed = head === COMPRESSED;
  const start = isCompressed ? at + 1 : at;
  const first = bytes[start];
  const size = first === undefined ? 0 : lengthBytes(first);
  if (size === undefined) return 'malformed';
  if (size === 0 || start + size > bytes.length) return undefined;
  const bodyBytes = lengthAt(bytes, start);
  if (!isCompressed) return { headBytes: size, bodyBytes };
  const second = bytes[start + size];
  const expanded = second === undefined ? 0 : lengthBytes(second);
  if (expanded === undefined) return 'malformed';
  if (expanded === 0 || start + size + expanded > bytes.length) return undefined;
  return { headBytes: 1 + size + expanded, bodyBytes };
}
