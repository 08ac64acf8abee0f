// Reads the strings of an RDB file, a chunk of it at a time, and writes them as entries of a SnapshotChunk
// (docs/protocol.md, "SnapshotChunk"). All other parts of a file are left to the host. Every length is
// checked before it is used.
import { copyBytes } from '../bytes';
import { writeEntryHead } from '../entry-fields';
import {
  ENTRY_HEADER_BYTES,
  RDB_FULL,
  RDB_LONG,
  RDB_MALFORMED,
  RDB_MORE,
  RDB_OTHER,
  RESULT_CONSUMED,
  RESULT_COUNT,
  RESULT_FAULT_OFFSET,
  RESULT_FOUND_U64,
  RESULT_NEED,
  RESULT_OUTPUT,
  RESULT_SKIPPED,
} from '../layout';
import { lzfExpand } from '../lzf';
import { writeSigned } from '../number';
import { setResult, setResultU64 } from '../result';
import { NEVER } from '../table/expiry';

/** The marks that stand before a key: its idle seconds, its frequency, its expiry in ms and in seconds. */
const IDLE: u32 = 248;
const FREQUENCY: u32 = 249;
const EXPIRY_MS: u32 = 252;
const EXPIRY_SECONDS: u32 = 253;
/** The type of a string. */
const STRING: u32 = 0;

/** The first byte of a string that is an integer of 8 bits, of 16, or, below COMPRESSED, of 32. */
const INTEGER_8: u32 = 0xc0;
const INTEGER_16: u32 = 0xc1;
const COMPRESSED: u32 = 0xc3;
/** Characters of -2147483648. */
const INTEGER_CHARACTERS_MAX: u32 = 11;
/** Three bytes of LZF become 264 at most. */
const LZF_FACTOR_MAX: u64 = 88;

/** The outcomes of a step that did not read anything. */
const NOT_WHOLE: usize = 0;
const WRONG: usize = usize.MAX_VALUE;

/** The length that was read last. */
let length: u64 = 0;
/** Of the string whose head was read last: its first byte, its bytes in the file, and those of the string. */
let sort: u32 = 0;
let fileBytes: u64 = 0;
let stringBytes: u64 = 0;
/** The expiry before the key that is read, Unix ms or NEVER. */
let expiresAtMs: u64 = 0;

/**
 * Reads entries from `bytes` bytes of a file until something else comes, and writes those that expire behind
 * `expiredMs` to `output`; a string of more than `limit` bytes is refused. Returns one of RDB_*, with
 * RESULT_CONSUMED, RESULT_OUTPUT, RESULT_COUNT, and in RESULT_SKIPPED how many have expired.
 */
export function readRdb(
  input: usize,
  bytes: u32,
  output: usize,
  capacity: u32,
  limit: u32,
  expiredMs: u64,
): i32 {
  const end = input + bytes;
  const outputEnd = output + capacity;
  let at = input;
  let to = output;
  let count: u32 = 0;
  let expired: u32 = 0;
  let status = RDB_MORE;
  while (at < end) {
    const behind = behindPrefixes(at, end);
    if (behind === NOT_WHOLE) break;
    if (behind === WRONG || load<u8>(behind) !== STRING) {
      status = RDB_OTHER;
      break;
    }
    const key = behind + 1;
    const keyHead = readHead(key, end);
    const keyInFile = fileBytes;
    const keyBytes = stringBytes;
    status = statusOf(key, keyHead, end, limit);
    if (status !== RDB_OTHER) {
      setResult(RESULT_FAULT_OFFSET, <u32>(key - input));
      break;
    }
    const keySort = sort;
    const value = key + keyHead + <usize>keyInFile;
    const valueHead = readHead(value, end);
    status = statusOf(value, valueHead, end, limit);
    if (status !== RDB_OTHER) {
      setResult(RESULT_FAULT_OFFSET, <u32>(value - input));
      break;
    }
    status = RDB_MORE;
    const needed = <u64>ENTRY_HEADER_BYTES + keyBytes + stringBytes;
    if (needed > <u64>(outputEnd - to)) {
      setResult(RESULT_NEED, <u32>needed);
      status = RDB_FULL;
      break;
    }
    const valueInFile = fileBytes;
    const valueBytes = stringBytes;
    const valueSort = sort;
    const target = to + ENTRY_HEADER_BYTES;
    const writtenKey = writeString(keySort, key + keyHead, <u32>keyInFile, target, <u32>keyBytes);
    const writtenValue = writeString(
      valueSort,
      value + valueHead,
      <u32>valueInFile,
      target + <usize>writtenKey,
      <u32>valueBytes,
    );
    if (writtenKey === u32.MAX_VALUE || writtenValue === u32.MAX_VALUE) {
      setResult(RESULT_FAULT_OFFSET, <u32>((writtenKey === u32.MAX_VALUE ? key : value) - input));
      status = RDB_MALFORMED;
      break;
    }
    if (expiresAtMs <= expiredMs) expired++;
    else {
      writeEntryHead(to, writtenKey, writtenValue, expiresAtMs);
      to = target + <usize>writtenKey + <usize>writtenValue;
      count++;
    }
    at = value + valueHead + <usize>valueInFile;
  }
  setResult(RESULT_CONSUMED, <u32>(at - input));
  setResult(RESULT_OUTPUT, <u32>(to - output));
  setResult(RESULT_COUNT, count);
  setResult(RESULT_SKIPPED, expired);
  return status;
}

/** Reads what stands before a type into `expiresAtMs`; returns where the type is, NOT_WHOLE or WRONG. */
function behindPrefixes(start: usize, end: usize): usize {
  expiresAtMs = NEVER;
  let at = start;
  while (at < end) {
    const left = end - at;
    const code = <u32>load<u8>(at);
    if (code === EXPIRY_MS) {
      if (left < 9) return NOT_WHOLE;
      // A time before 1970 has passed as well.
      expiresAtMs = <u64>max<i64>(load<i64>(at, 1), 0);
      at += 9;
    } else if (code === EXPIRY_SECONDS) {
      if (left < 5) return NOT_WHOLE;
      expiresAtMs = <u64>max<i64>(<i64>load<i32>(at, 1), 0) * 1000;
      at += 5;
    } else if (code === FREQUENCY) at += 2;
    else if (code === IDLE) {
      const bytes = readLength(at + 1, end);
      if (bytes === NOT_WHOLE || bytes === WRONG) return bytes;
      at += 1 + bytes;
    } else return at;
  }
  return NOT_WHOLE;
}

/** Reads a length into `length`; returns its bytes, NOT_WHOLE or WRONG. */
function readLength(at: usize, end: usize): usize {
  if (at >= end) return NOT_WHOLE;
  const head = <u32>load<u8>(at);
  const left = end - at;
  if (head < 0x40) {
    length = head;
    return 1;
  }
  if (head < 0x80) {
    if (left < 2) return NOT_WHOLE;
    length = ((<u64>(head & 0x3f)) << 8) | <u64>load<u8>(at, 1);
    return 2;
  }
  if (head === 0x80) {
    if (left < 5) return NOT_WHOLE;
    length = <u64>bswap<u32>(load<u32>(at, 1));
    return 5;
  }
  if (head !== 0x81) return WRONG;
  if (left < 9) return NOT_WHOLE;
  length = bswap<u64>(load<u64>(at, 1));
  return 9;
}

/** Reads what stands before a string's bytes; returns how many bytes that is, NOT_WHOLE or WRONG. */
function readHead(at: usize, end: usize): usize {
  if (at >= end) return NOT_WHOLE;
  sort = load<u8>(at);
  if (sort < INTEGER_8) {
    const bytes = readLength(at, end);
    fileBytes = length;
    stringBytes = length;
    return bytes;
  }
  if (sort < COMPRESSED) {
    fileBytes = (<u64>1) << (sort - INTEGER_8);
    stringBytes = INTEGER_CHARACTERS_MAX;
    return 1;
  }
  if (sort !== COMPRESSED) return WRONG;
  const compressed = readLength(at + 1, end);
  if (compressed === NOT_WHOLE || compressed === WRONG) return compressed;
  fileBytes = length;
  const expanded = readLength(at + 1 + compressed, end);
  if (expanded === NOT_WHOLE || expanded === WRONG) return expanded;
  stringBytes = length;
  if (stringBytes / LZF_FACTOR_MAX > fileBytes) return WRONG;
  return 1 + compressed + expanded;
}

/** Returns the fault of a string whose head was read last, RDB_OTHER if it has none. */
function statusOf(at: usize, head: usize, end: usize, limit: u32): i32 {
  if (head === NOT_WHOLE) return RDB_MORE;
  if (head === WRONG) return RDB_MALFORMED;
  if (stringBytes > <u64>limit || fileBytes > <u64>limit) {
    setResultU64(RESULT_FOUND_U64, max<u64>(stringBytes, fileBytes));
    return RDB_LONG;
  }
  return fileBytes > <u64>(end - at - head) ? RDB_MORE : RDB_OTHER;
}

/** Writes a string; returns its bytes, all ones when it is compressed and damaged. */
function writeString(sorted: u32, at: usize, inFile: u32, target: usize, expanded: u32): u32 {
  if (sorted < INTEGER_8) {
    copyBytes(target, at, inFile);
    return inFile;
  }
  if (sorted === COMPRESSED) return lzfExpand(at, inFile, target, expanded) ? expanded : u32.MAX_VALUE;
  let value: i64 = 0;
  if (sorted === INTEGER_8) value = <i64>load<i8>(at);
  else if (sorted === INTEGER_16) value = <i64>load<i16>(at);
  else value = <i64>load<i32>(at);
  return <u32>(writeSigned(target, value) - target);
}
