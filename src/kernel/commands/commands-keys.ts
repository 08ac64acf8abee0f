// The commands DEL, UNLINK, EXISTS, TOUCH, EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, TTL, PTTL and PERSIST.

import { nowMs } from '../clock';
import { NOTE_DELETED, WRITE_DONE } from '../layout';
import { noteAccess } from '../memory/access';
import { parsed, parseInteger } from '../number';
import { counted } from '../store/reads';
import { deleteHere, expireHere, expiryHere, locate, lookup } from '../store/store';
import { NEVER } from '../table/expiry';
import { readAhead } from './ahead';
import { argc, argument, argumentLength, wordOf } from './arguments';
import { DONE, failed, failedAbout, invalidExpireTime, notAnInteger, OUT_OF_MEMORY } from './outcome';
import { replyInteger } from './reply';

const NX: u64 = 0x786e;
const XX: u64 = 0x7878;
const GT: u64 = 0x7467;
const LT: u64 = 0x746c;

/** Runs DEL, and UNLINK, which is the same here: no value takes long to free. */
export function del(): i32 {
  let deleted: i64 = 0;
  for (let i: u32 = 1; i < argc; i++) {
    readAhead(i, 1);
    const record = locate(argument(i), argumentLength(i));
    if (record === 0) continue;
    if (deleteHere(record, NOTE_DELETED) !== WRITE_DONE) return OUT_OF_MEMORY;
    deleted++;
  }
  replyInteger(deleted);
  return DONE;
}

export function exists(): i32 {
  let found: i64 = 0;
  for (let i: u32 = 1; i < argc; i++) {
    readAhead(i, 1);
    if (read(i) !== 0) found++;
  }
  replyInteger(found);
  return DONE;
}

/** Runs TOUCH, for which CLIENT NO-TOUCH does not count. */
export function touch(): i32 {
  let found: i64 = 0;
  for (let i: u32 = 1; i < argc; i++) {
    readAhead(i, 1);
    const record = read(i);
    if (record === 0) continue;
    noteAccess(record);
    found++;
  }
  replyInteger(found);
  return DONE;
}

/** Runs EXPIRE and its kin, whose time is in units of `unitMs`, from now or from 1970. */
export function expire(unitMs: i64, fromNow: bool): i32 {
  let onlyNew = false;
  let onlyOld = false;
  let onlyLater = false;
  let onlyEarlier = false;
  for (let i: u32 = 3; i < argc; i++) {
    const word = argumentLength(i) === 2 ? wordOf(i) : 0;
    if (word === NX) onlyNew = true;
    else if (word === XX) onlyOld = true;
    else if (word === GT) onlyLater = true;
    else if (word === LT) onlyEarlier = true;
    else {
      return failedAbout('ERR Unsupported option ', argument(i), argumentLength(i));
    }
  }
  if (onlyNew && (onlyOld || onlyLater || onlyEarlier)) {
    return failed('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (onlyLater && onlyEarlier) return failed('ERR GT and LT options at the same time are not compatible');
  if (!parseInteger(argument(2), argumentLength(2))) return notAnInteger();
  const base: i64 = fromNow ? <i64>nowMs : 0;
  if (parsed > i64.MAX_VALUE / unitMs || parsed < i64.MIN_VALUE / unitMs) return invalidExpireTime();
  if (parsed * unitMs > i64.MAX_VALUE - base) return invalidExpireTime();
  const when = parsed * unitMs + base;

  const record = lookup(argument(1), argumentLength(1));
  let changed: i64 = 0;
  if (record !== 0) {
    const before = expiryHere(record);
    const time = when < 0 ? 0 : <u64>when;
    const wanted =
      !(onlyNew && before !== NEVER) &&
      !(onlyOld && before === NEVER) &&
      !(onlyLater && (before === NEVER || time <= before)) &&
      !(onlyEarlier && time >= before);
    if (wanted) {
      const written = time <= nowMs ? deleteHere(record, NOTE_DELETED) : expireHere(record, time);
      if (written !== WRITE_DONE) return OUT_OF_MEMORY;
      changed = 1;
    }
  }
  replyInteger(changed);
  return DONE;
}

export function persist(): i32 {
  const record = lookup(argument(1), argumentLength(1));
  let changed: i64 = 0;
  if (record !== 0 && expiryHere(record) !== NEVER) {
    if (expireHere(record, NEVER) !== WRITE_DONE) return OUT_OF_MEMORY;
    changed = 1;
  }
  replyInteger(changed);
  return DONE;
}

export function ttl(inSeconds: bool): i32 {
  const record = read(1);
  if (record === 0) replyInteger(-2);
  else {
    const expiry = expiryHere(record);
    if (expiry === NEVER) replyInteger(-1);
    else {
      const left = <i64>min<u64>(expiry - nowMs, <u64>i64.MAX_VALUE - 500);
      replyInteger(inSeconds ? (left + 500) / 1000 : left);
    }
  }
  return DONE;
}

/** Locates the key in an argument for a read that does not count as a use of it. */
function read(index: u32): usize {
  const key = argument(index);
  const length = argumentLength(index);
  return counted(locate(key, length), key, length);
}
