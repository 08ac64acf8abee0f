// The operations of the library on one key, which find the key first. The commands of clients use those of
// store.ts.
import { nowMs } from '../clock';
import { NOTE_DELETED, NOTE_EXPIRY, WRITE_DONE, WRITE_MEMORY, WRITE_MISSING } from '../layout';
import { accessOf, carryAccess, noteBirth, setAccess } from '../memory/access';
import { valueAt, valueLengthOf } from '../memory/record';
import { NEVER } from '../table/expiry';
import { noteKey } from './notes';
import { deleteHere, expireHere, expiryHere, locate, lookup, overwriteHere, setHere } from './store';

/** Sets a key, or deletes it when the expiry has passed already; returns WRITE_DONE or WRITE_MEMORY. */
export function put(key: usize, keyBytes: u32, value: usize, valueBytes: u32, expiresAtMs: u64): i32 {
  const record = lookup(key, keyBytes);
  if (expiresAtMs <= nowMs) return record === 0 ? WRITE_DONE : deleteHere(record, NOTE_DELETED);
  const written = setHere(record, key, keyBytes, value, valueBytes, expiresAtMs);
  if (written === WRITE_DONE && expiresAtMs !== NEVER) noteKey(NOTE_EXPIRY, key, keyBytes);
  return written;
}

/** Deletes a key; returns WRITE_DONE, WRITE_MISSING or WRITE_MEMORY. */
export function removeKey(key: usize, keyBytes: u32): i32 {
  const record = locate(key, keyBytes);
  return record === 0 ? WRITE_MISSING : deleteHere(record, NOTE_DELETED);
}

/**
 * Gives `to` the value and the expiry of `from`, another key, and its uses as well if it `carriesUses`, or
 * else those of a new key; returns WRITE_DONE, WRITE_MISSING or WRITE_MEMORY.
 */
export function copyKey(from: usize, fromBytes: u32, to: usize, toBytes: u32, carriesUses: bool): i32 {
  const source = lookup(from, fromBytes);
  if (source === 0) return WRITE_MISSING;
  const expiresAtMs = expiryHere(source);
  const access = accessOf(source);
  const replaced = lookup(to, toBytes);
  const written = setHere(replaced, to, toBytes, valueAt(source), valueLengthOf(source), expiresAtMs);
  if (written !== WRITE_DONE) return written;
  const copied = locate(to, toBytes);
  if (carriesUses) carryAccess(copied, access);
  else noteBirth(copied);
  return written;
}

/** Does to a key what `overwriteHere` does; returns WRITE_DONE, WRITE_MISSING or WRITE_MEMORY. */
export function overwrite(key: usize, keyBytes: u32, offset: u32, part: usize, partBytes: u32): i32 {
  const record = lookup(key, keyBytes);
  if (record === 0) return WRITE_MISSING;
  return overwriteHere(record, offset, part, partBytes) === 0 ? WRITE_MEMORY : WRITE_DONE;
}

/**
 * Sets when a key expires, NEVER for not at all, and deletes it when that is past; returns WRITE_DONE,
 * WRITE_MISSING or WRITE_MEMORY.
 */
export function expireKey(key: usize, keyBytes: u32, expiresAtMs: u64): i32 {
  const record = lookup(key, keyBytes);
  if (record === 0) return WRITE_MISSING;
  return expiresAtMs <= nowMs ? deleteHere(record, NOTE_DELETED) : expireHere(record, expiresAtMs);
}

/**
 * Makes a key count as used so often, where uses are counted (0 to 255), or else as last used so many seconds
 * ago, IDLE_SECONDS_MAX at most; returns WRITE_DONE or WRITE_MISSING.
 */
export function setAccessOfKey(key: usize, keyBytes: u32, access: u32): i32 {
  const record = locate(key, keyBytes);
  if (record === 0) return WRITE_MISSING;
  setAccess(record, access);
  return WRITE_DONE;
}
