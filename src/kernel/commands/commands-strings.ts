// The commands SET, GET, MGET, MSET, INCR, DECR, INCRBY, DECRBY, APPEND and STRLEN.

import { nowMs } from '../clock';
import { NOTE_EXPIRED, NOTE_EXPIRY, NOTE_MISSED, NOTE_NOTHING, NOTE_WRITTEN, WRITE_DONE } from '../layout';
import { RECORD_HEADER, valueAt, valueLengthOf } from '../memory/record';
import { hex64, parsed, parseInteger, readHex64, writeSigned } from '../number';
import { hasRoomFor } from '../store/evict';
import { noteKey, wantedNotes } from '../store/notes';
import { counted, countedQuietly, countReads } from '../store/reads';
import { appendHere, deleteHere, expiryHere, locate, lookup, setHere } from '../store/store';
import { NEVER } from '../table/expiry';
import { xxh3 } from '../xxh3';
import { readAhead } from './ahead';
import { argc, argument, argumentLength, maxArgumentBytes, wordOf } from './arguments';
import { DONE, failed, full, invalidExpireTime, notAnInteger, OUT_OF_MEMORY, syntaxError } from './outcome';
import {
  bulkBytes,
  hasRoom,
  mark,
  replyArray,
  replyBulk,
  replyInteger,
  replyNull,
  replyOk,
  rewind,
} from './reply';

const NX: u64 = 0x786e;
const XX: u64 = 0x7878;
const EX: u64 = 0x7865;
const PX: u64 = 0x7870;
const EXAT: u64 = 0x74617865;
const PXAT: u64 = 0x74617870;
const GET: u64 = 0x746567;
const KEEPTTL: u64 = 0x6c74747065656b;
const IFEQ: u64 = 0x71656669;
const IFNE: u64 = 0x656e6669;
const IFDEQ: u64 = 0x7165646669;
const IFDNE: u64 = 0x656e646669;

/** More room than this MGET asks for only when it knows the bytes of its reply. */
const MGET_LIKELY_BYTES_MAX: u64 = 33554432;

const digits: usize = memory.data(24, 8);

export function get(): i32 {
  const record = lookup(argument(1), argumentLength(1));
  if (record === 0) {
    counted(record, argument(1), argumentLength(1));
    replyNull();
    return DONE;
  }
  const length = valueLengthOf(record);
  if (!hasRoom(bulkBytes(length))) return full(bulkBytes(length));
  countedQuietly(record);
  replyBulk(valueAt(record), length);
  return DONE;
}

export function strlen(): i32 {
  const record = read(1);
  replyInteger(record === 0 ? 0 : valueLengthOf(record));
  return DONE;
}

/**
 * Runs MGET. Where the room ends, it asks for as much as the keys so far make likely, so that no key is
 * located twice for the sake of the sum; that is formed only where it may be large.
 */
export function mget(): i32 {
  const start = mark();
  let wanted: u64 = 16;
  let found: u32 = 0;
  let fits = hasRoom(wanted);
  if (fits) replyArray(argc - 1);
  for (let i: u32 = 1; i < argc; i++) {
    readAhead(i, 1);
    // The whole reply may have to be made again: reads are counted, and misses noted, once it fits.
    const record = lookup(argument(i), argumentLength(i));
    const bytes = record === 0 ? 5 : bulkBytes(valueLengthOf(record));
    wanted += bytes;
    if (fits && !hasRoom(bytes)) {
      fits = false;
      rewind(start);
      // It has an eighth to spare, and grows each time, so that few attempts are made.
      const likely = max((wanted / i) * argc + (((wanted / i) * argc) >> 3), wanted << 1);
      if (likely <= MGET_LIKELY_BYTES_MAX) return full(likely);
    }
    if (!fits) continue;
    if (record === 0) replyNull();
    else {
      replyBulk(valueAt(record), valueLengthOf(record));
      found++;
    }
  }
  if (!fits) return full(wanted);
  countReads(found, argc - 1 - found);
  if (wantedNotes !== 0) noteMisses();
  return DONE;
}

let onlyNew: bool = false;
let onlyOld: bool = false;
let keepsExpiry: bool = false;
let wantsOld: bool = false;
/**
 * Which of IFEQ, IFNE, IFDEQ, IFDNE is asked for, 0 when none is, and the argument with which it compares.
 */
let condition: u64 = 0;
let compared: u32 = 0;
let expiresAtMs: u64 = NEVER;
const OPTIONS_READ: i32 = -1;

export function set(): i32 {
  onlyNew = onlyOld = keepsExpiry = wantsOld = false;
  condition = 0;
  expiresAtMs = NEVER;
  if (argc > 3) {
    const outcome = readSetOptions();
    if (outcome !== OPTIONS_READ) return outcome;
  }
  const key = argument(1);
  const keyBytes = argumentLength(1);
  const record = lookup(key, keyBytes);
  const start = mark();
  if (wantsOld) {
    if (record === 0) replyNull();
    else {
      const bytes = bulkBytes(valueLengthOf(record));
      if (!hasRoom(bytes)) return full(bytes);
      replyBulk(valueAt(record), valueLengthOf(record));
    }
    counted(record, key, keyBytes);
  }
  if ((onlyNew && record !== 0) || (onlyOld && record === 0) || (condition !== 0 && !meets(record))) {
    if (!wantsOld) replyNull();
    return DONE;
  }
  const isTimed = expiresAtMs !== NEVER;
  if (keepsExpiry && record !== 0) expiresAtMs = expiryHere(record);
  let written = WRITE_DONE;
  if (expiresAtMs > nowMs)
    written = setHere(record, key, keyBytes, argument(2), argumentLength(2), expiresAtMs);
  else if (record !== 0) written = deleteHere(record, NOTE_NOTHING);
  if (written !== WRITE_DONE) {
    rewind(start);
    return OUT_OF_MEMORY;
  }
  if (wantedNotes !== 0 && isTimed) noteExpiry(key, keyBytes);
  if (!wantsOld) replyOk();
  return DONE;
}

/** Reads the options behind the value of a SET into the variables above. */
function readSetOptions(): i32 {
  // As in Redis the same unit may come again, but no other one, and the last time counts.
  let unitWord: u64 = 0;
  let time: u32 = 0;
  for (let i: u32 = 3; i < argc; i++) {
    const length = argumentLength(i);
    const word = length <= 8 ? wordOf(i) : 0;
    if (word === NX && !onlyOld && condition === 0) onlyNew = true;
    else if (word === XX && !onlyNew && condition === 0) onlyOld = true;
    else if (word === GET) wantsOld = true;
    else if (word === KEEPTTL && unitWord === 0) keepsExpiry = true;
    else if (
      (word === EX || word === PX || word === EXAT || word === PXAT) &&
      (unitWord === 0 || unitWord === word) &&
      !keepsExpiry &&
      i + 1 < argc
    ) {
      unitWord = word;
      time = ++i;
    } else if (
      (word === IFEQ || word === IFNE || word === IFDEQ || word === IFDNE) &&
      (condition === 0 || condition === word) &&
      !onlyNew &&
      !onlyOld &&
      i + 1 < argc
    ) {
      condition = word;
      compared = ++i;
    } else return syntaxError();
  }
  return unitWord === 0 ? readCondition() : readTime(unitWord, time);
}

/** Reads the time of a SET in its unit. */
function readTime(unitWord: u64, time: u32): i32 {
  if (!parseInteger(argument(time), argumentLength(time))) return notAnInteger();
  const unit: i64 = unitWord === EX || unitWord === EXAT ? 1000 : 1;
  const base: i64 = unitWord === EX || unitWord === PX ? <i64>nowMs : 0;
  if (parsed <= 0 || parsed > i64.MAX_VALUE / unit || parsed * unit > i64.MAX_VALUE - base) {
    return invalidExpireTime();
  }
  expiresAtMs = <u64>(parsed * unit + base);
  return readCondition();
}

/** Reads the digest with which a SET compares, where it does that. */
function readCondition(): i32 {
  if (condition !== IFDEQ && condition !== IFDNE) return OPTIONS_READ;
  if (readHex64(argument(compared), argumentLength(compared))) return OPTIONS_READ;
  return failed('ERR must be exactly 16 hexadecimal characters');
}

/** Returns whether the value that is there, or its lack, lets a SET set it. */
function meets(record: usize): bool {
  const isNegative = condition === IFNE || condition === IFDNE;
  if (record === 0) return isNegative;
  const value = valueAt(record);
  const length = valueLengthOf(record);
  const isSame =
    condition === IFDEQ || condition === IFDNE
      ? xxh3(value, length) === hex64
      : length === argumentLength(compared) && memory.compare(value, argument(compared), length) === 0;
  return isSame !== isNegative;
}

export function mset(): i32 {
  if ((argc & 1) === 0) return failed("ERR wrong number of arguments for 'mset' command");
  let bytes: f64 = 0;
  for (let i: u32 = 1; i < argc; i++) bytes += <f64>(<u32>RECORD_HEADER + argumentLength(i));
  // MSET sets all its keys or none: values that might not fit are refused before the first key is set.
  if (!hasRoomFor(bytes)) return OUT_OF_MEMORY;
  for (let i: u32 = 1; i < argc; i += 2) {
    readAhead(i, 2);
    const key = argument(i);
    const record = lookup(key, argumentLength(i));
    const written = setHere(record, key, argumentLength(i), argument(i + 1), argumentLength(i + 1), NEVER);
    if (written !== WRITE_DONE) return OUT_OF_MEMORY;
  }
  replyOk();
  return DONE;
}

export function incrementBy(down: bool): i32 {
  if (!parseInteger(argument(2), argumentLength(2))) return notAnInteger();
  if (down && parsed === i64.MIN_VALUE) return failed('ERR decrement would overflow');
  return increment(down ? -parsed : parsed);
}

export function increment(by: i64): i32 {
  const key = argument(1);
  const keyBytes = argumentLength(1);
  const record = lookup(key, keyBytes);
  let value: i64 = 0;
  if (record !== 0) {
    if (!parseInteger(valueAt(record), valueLengthOf(record))) return notAnInteger();
    value = parsed;
  }
  if ((by > 0 && value > i64.MAX_VALUE - by) || (by < 0 && value < i64.MIN_VALUE - by)) {
    return failed('ERR increment or decrement would overflow');
  }
  value += by;
  const length = <u32>(writeSigned(digits, value) - digits);
  const expiry = record === 0 ? NEVER : expiryHere(record);
  if (setHere(record, key, keyBytes, digits, length, expiry) !== WRITE_DONE) return OUT_OF_MEMORY;
  replyInteger(value);
  return DONE;
}

export function append(): i32 {
  const key = argument(1);
  const keyBytes = argumentLength(1);
  const more = argument(2);
  const moreBytes = argumentLength(2);
  let record = lookup(key, keyBytes);
  if (record === 0) {
    if (setHere(0, key, keyBytes, more, moreBytes, NEVER) !== WRITE_DONE) return OUT_OF_MEMORY;
    replyInteger(moreBytes);
    return DONE;
  }
  if (<i64>valueLengthOf(record) + <i64>moreBytes > maxArgumentBytes) {
    return failed('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  }
  record = appendHere(record, more, moreBytes);
  if (record === 0) return OUT_OF_MEMORY;
  replyInteger(valueLengthOf(record));
  return DONE;
}

/** Looks up the key in an argument, which is a read of it. */
function read(index: u32): usize {
  const key = argument(index);
  const length = argumentLength(index);
  return counted(lookup(key, length), key, length);
}

/** Notes which of an MGET's keys are not there. */
function noteMisses(): void {
  for (let i: u32 = 1; i < argc; i++) {
    if (locate(argument(i), argumentLength(i)) === 0) noteKey(NOTE_MISSED, argument(i), argumentLength(i));
  }
}

/** Notes the expiry that a SET has given; with one that is past, the key was never written. */
function noteExpiry(key: usize, keyBytes: u32): void {
  const isPast = expiresAtMs <= nowMs;
  if (isPast) noteKey(NOTE_WRITTEN, key, keyBytes);
  noteKey(NOTE_EXPIRY, key, keyBytes);
  if (isPast) noteKey(NOTE_EXPIRED, key, keyBytes);
}
