// BITFIELD: integers of any width at any bit of a value, as a list of subcommands (BIT_FIELD_* in layout.ts),
// which end as one record. Bit 0 is the highest of the first byte.
import {
  BIT_FIELD_ACTION,
  BIT_FIELD_ADD,
  BIT_FIELD_BITS,
  BIT_FIELD_BYTES,
  BIT_FIELD_GET,
  BIT_FIELD_NULL,
  BIT_FIELD_NUMBER,
  BIT_FIELD_OFFSET,
  BIT_FIELD_OVERFLOW,
  BIT_FIELD_SIGNED,
  OVERFLOW_FAIL,
  OVERFLOW_SATURATE,
  WRITE_DONE,
  WRITE_MEMORY,
} from '../layout';
import { valueAt, valueLengthOf } from '../memory/record';
import { counted } from './reads';
import { createHere, emitHere, growHere, lookup } from './store';

/** The value at hand: bytes that it does not have are zeros. */
let value: usize = 0;
let valueBytes: u64 = 0;
/** The number as `fit` made it, and whether it had to be changed. */
let fitted: u64 = 0;
let overflows: bool = false;

/**
 * Runs `count` subcommands and leaves their replies in them. `writtenBytes` are those that a value must have
 * for all that is written, 0 when nothing is. Returns WRITE_DONE, or WRITE_MEMORY with nothing changed.
 */
export function bitField(key: usize, keyBytes: u32, fields: usize, count: u32, writtenBytes: u32): i32 {
  let record = lookup(key, keyBytes);
  let changes = false;
  if (writtenBytes === 0) counted(record, key, keyBytes);
  else if (record === 0 || valueLengthOf(record) < writtenBytes) {
    changes = true;
    record =
      record === 0 ? createHere(key, keyBytes, writtenBytes) : growHere(record, writtenBytes, writtenBytes);
    if (record === 0) return WRITE_MEMORY;
  } else {
    // Room for the record is found before the first bit is changed.
    record = growHere(record, valueLengthOf(record), 0);
    if (record === 0) return WRITE_MEMORY;
  }
  value = record === 0 ? 0 : valueAt(record);
  valueBytes = record === 0 ? 0 : valueLengthOf(record);
  const end = fields + <usize>count * BIT_FIELD_BYTES;
  for (let field = fields; field < end; field += BIT_FIELD_BYTES) {
    if (run(field)) changes = true;
  }
  if (changes) emitHere(record);
  return WRITE_DONE;
}

/** Runs one subcommand; returns whether it has changed the value. */
function run(field: usize): bool {
  const action = <i32>load<u8>(field, BIT_FIELD_ACTION);
  const offset = load<u64>(field, BIT_FIELD_OFFSET);
  const bits = <u32>load<u8>(field, BIT_FIELD_BITS);
  const isSigned = load<u8>(field, BIT_FIELD_SIGNED) !== 0;
  const before = read(offset, bits, isSigned);
  if (action === BIT_FIELD_GET) {
    store<u64>(field, before, BIT_FIELD_NUMBER);
    return false;
  }
  const number = load<u64>(field, BIT_FIELD_NUMBER);
  const overflow = <i32>load<u8>(field, BIT_FIELD_OVERFLOW);
  const start = action === BIT_FIELD_ADD ? before : number;
  const added: i64 = action === BIT_FIELD_ADD ? <i64>number : 0;
  if (isSigned) fitSigned(<i64>start, added, bits, overflow);
  else fitUnsigned(start, added, bits, overflow);
  if (overflows && overflow === OVERFLOW_FAIL) {
    store<u8>(field, 1, BIT_FIELD_NULL);
    return false;
  }
  store<u64>(field, action === BIT_FIELD_ADD ? fitted : before, BIT_FIELD_NUMBER);
  if (fitted === before) return false;
  write(offset, bits, fitted);
  return true;
}

/** Fits the sum of `start`, which may be any number, and `added` into `bits` bits with a sign. */
function fitSigned(start: i64, added: i64, bits: u32, overflow: i32): void {
  const most: i64 = i64.MAX_VALUE >> (64 - bits);
  const least = -most - 1;
  const isAbove = start > most || (added > 0 && start > most - added);
  const isBelow = start < least || (added < 0 && start < least - added);
  overflows = isAbove || isBelow;
  if (overflows && overflow === OVERFLOW_SATURATE) fitted = <u64>(isAbove ? most : least);
  else fitted = <u64>signExtended(<u64>(start + added), bits);
}

/** Fits the sum into 63 bits at most without a sign. */
function fitUnsigned(start: u64, added: i64, bits: u32, overflow: i32): void {
  const most: u64 = ((<u64>1) << bits) - 1;
  const isAbove = start > most || (added > 0 && <u64>added > most - start);
  const isBelow = !isAbove && added < 0 && 0 - <u64>added > start;
  overflows = isAbove || isBelow;
  if (overflows && overflow === OVERFLOW_SATURATE) fitted = isAbove ? most : 0;
  else fitted = (start + <u64>added) & most;
}

function signExtended(number: u64, bits: u32): i64 {
  return <i64>(number << (64 - bits)) >> (64 - bits);
}

function read(offset: u64, bits: u32, isSigned: bool): u64 {
  const first = offset >> 3;
  const last = (offset + bits - 1) >> 3;
  /** The bits of the last byte that are behind. */
  const behind = (0 - (offset + bits)) & 7;
  let number = byteAt(first) & (0xff >> (offset & 7));
  if (first === last) number >>= behind;
  else {
    for (let index = first + 1; index < last; index++) number = (number << 8) | byteAt(index);
    number = (number << (8 - behind)) | (byteAt(last) >> behind);
  }
  return isSigned ? <u64>signExtended(number, bits) : number;
}

function byteAt(index: u64): u64 {
  return index < valueBytes ? load<u8>(value + <usize>index) : 0;
}

/** Writes the lowest `bits` bits of a number, from its last byte to its first. */
function write(offset: u64, bits: u32, number: u64): void {
  let at = value + <usize>((offset + bits - 1) >> 3);
  let behind = (0 - (<u32>offset + bits)) & 7;
  for (let left = bits; left > 0; at--) {
    const taken = min(8 - behind, left);
    const mask = ((1 << taken) - 1) << behind;
    store<u8>(at, (<u32>load<u8>(at) & ~mask) | (((<u32>number) << behind) & mask));
    number >>= taken;
    left -= taken;
    behind = 0;
  }
}
