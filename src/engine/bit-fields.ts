/** The subcommands of BITFIELD as the kernel takes them (kernel/store/bit-field.ts). */
import * as layout from '../kernel/layout.js';

/** The handling of a number that does not fit. */
export type Overflow = 'wrap' | 'sat' | 'fail';

/** One subcommand: an integer of `bits` bits, of which the highest is the bit `offset`. */
export interface BitField {
  readonly action: 'get' | 'set' | 'incrby';
  /** 0 to 2^53. */
  readonly offset: number;
  /** 1 to 64, without a sign to 63. */
  readonly bits: number;
  readonly isSigned: boolean;
  /** The number that is set or added, 64 bits with a sign; 0 for `get`. */
  readonly number: bigint;
  readonly overflow: Overflow;
}

const ACTIONS = {
  get: layout.BIT_FIELD_GET,
  set: layout.BIT_FIELD_SET,
  incrby: layout.BIT_FIELD_ADD,
} as const;
const OVERFLOWS = {
  wrap: layout.OVERFLOW_WRAP,
  sat: layout.OVERFLOW_SATURATE,
  fail: layout.OVERFLOW_FAIL,
} as const;

/** Encodes subcommands, one behind the other. */
export function encodeBitFields(fields: readonly BitField[]): Buffer {
  const bytes = Buffer.alloc(fields.length * layout.BIT_FIELD_BYTES);
  fields.forEach(({ action, offset, bits, isSigned, number, overflow }, index) => {
    const at = index * layout.BIT_FIELD_BYTES;
    bytes.writeBigUInt64LE(BigInt(offset), at + layout.BIT_FIELD_OFFSET);
    bytes.writeBigInt64LE(number, at + layout.BIT_FIELD_NUMBER);
    bytes[at + layout.BIT_FIELD_ACTION] = ACTIONS[action];
    bytes[at + layout.BIT_FIELD_OVERFLOW] = OVERFLOWS[overflow];
    bytes[at + layout.BIT_FIELD_BITS] = bits;
    bytes[at + layout.BIT_FIELD_SIGNED] = isSigned ? 1 : 0;
  });
  return bytes;
}

/** Reads what the subcommands reply when they have run; null for one that did not fit. */
export function readBitFields(bytes: Buffer): (bigint | null)[] {
  return Array.from({ length: bytes.length / layout.BIT_FIELD_BYTES }, (_, index) => {
    const at = index * layout.BIT_FIELD_BYTES;
    const isNull = bytes[at + layout.BIT_FIELD_NULL] !== 0;
    return isNull ? null : bytes.readBigInt64LE(at + layout.BIT_FIELD_NUMBER);
  });
}
