// The operations on keys: find, set, delete, expire, sweep. A primary emits each change as an FCRP record.
// The place that was located last stays in the `at*` variables, so that a command finds its key once.
import { ASSERTS } from '../assertions';
import { copyBytes } from '../bytes';
import { nowMs } from '../clock';
import { keyedHash } from '../keyed-hash';
import {
  NOTE_EXPIRED,
  NOTE_EXPIRY,
  NOTE_NEW,
  NOTE_PERSISTED,
  NOTE_WRITTEN,
  OP_DEL,
  OP_EXPIRE,
  OP_SET,
  WRITE_DONE,
  WRITE_MEMORY,
} from '../layout';
import { noteAccess, noteBirth } from '../memory/access';
import { allocateBlock, freeBlock, nextInUse, sameBlock, sparseSlab, vacate } from '../memory/arena';
import { heapPlaceOf, keyLengthOf, keyOf, RECORD_HEADER, valueAt, valueLengthOf } from '../memory/record';
import { expiryOf, moveExpiry, NEVER, nextExpired, reserveExpiry, setExpiry } from '../table/expiry';
import { shardAt, shardCount } from '../table/shard';
import { find, insert, remove, reserve } from '../table/table';
import { xxh3 } from '../xxh3';
import { emit, emitPostponed, emitRewritten, reserveRecord, reserveRewritten } from './batch';
import { countExpiry, countIn, countOut } from './digest';
import { noteKey, noteWrite, wantedNotes } from './notes';
import { shardOfKey } from './places';
import { contentChanged } from './trackers';

/** A replica hides what has expired and emits nothing. */
export let isReplica: bool = false;
/** While it is true, what has expired is hidden and not deleted, and nothing is evicted. */
export let isFrozen: bool = false;
let atShard: usize = 0;
let atHash: u64 = 0;
let atKeyed: u64 = 0;
/** Where the record's address stands in the table, 0 when the key is not there. */
let atSlot: usize = 0;
/** How many keys were deleted here because they had expired. */
export let expiredKeys: f64 = 0;
/** How many records a compaction has moved; the debug build counts them. */
let moved: f64 = 0;
let isTouching: bool = true;
/** Address of the key whose hashes are known already, 0 when none is. */
export let knownKey: usize = 0;
let knownHash: u64 = 0;
export let knownKeyed: u64 = 0;

/** Makes this a replica's store, or a primary's, which deletes what has expired and emits the Del. */
export function setReplica(replica: bool): void {
  emitPostponed();
  isReplica = replica;
}

/** While frozen, a primary deletes only what a client deletes. */
export function setFrozen(frozen: bool): void {
  isFrozen = frozen;
}

/** Returns how many records compactions have moved; the debug build counts them. */
export function recordsMoved(): f64 {
  return moved;
}

/** Spares `locate` to hash the key at this address, until `forgetHashes`. */
export function knowHashes(key: usize, hash: u64, keyed: u64): void {
  knownKey = key;
  knownHash = hash;
  knownKeyed = keyed;
}

export function forgetHashes(): void {
  knownKey = 0;
}

/** Locates a key by its XXH3-64 and its keyed hash, expired or not; returns its record, or 0. */
export function locateAny(key: usize, length: u32, hash: u64, keyed: u64): usize {
  atHash = hash;
  atShard = shardAt(shardOfKey(key, length, hash));
  atKeyed = keyed;
  atSlot = find(atShard, keyed, key, length);
  return located();
}

/**
 * Locates a live key; returns its record, or 0. A primary that is not frozen deletes a key past its expiry
 * here.
 */
export function locate(key: usize, length: u32): usize {
  const record =
    key === knownKey
      ? locateAny(key, length, knownHash, knownKeyed)
      : locateAny(key, length, xxh3(key, length), keyedHash(key, length));
  if (record === 0 || heapPlaceOf(record) === 0) return record;
  if (expiryOf(atShard, record) > nowMs) return record;
  if (!isReplica && !isFrozen) expire(record);
  return 0;
}

/** Sets whether keys that are read or changed count as used; those that come to be always do. */
export function setTouching(touching: bool): void {
  isTouching = touching;
}

/**
 * Locates a key that thereby counts as used, which is what Redis' commands that read or change a value do.
 */
export function lookup(key: usize, length: u32): usize {
  const record = locate(key, length);
  if (record !== 0 && isTouching) noteAccess(record);
  return record;
}

/** Locates the key of a record, expired or not; returns the record. */
export function locateRecord(record: usize): usize {
  const key = keyOf(record);
  const length = keyLengthOf(record);
  return locateAny(key, length, xxh3(key, length), keyedHash(key, length));
}

/** Returns whether the key for which `locate` returned 0 is there all the same, past its expiry. */
export function isExpiredHere(): bool {
  return atSlot !== 0;
}

/** Returns the expiry of the record that was located last. */
export function expiryHere(record: usize): u64 {
  return expiryOf(atShard, record);
}

/**
 * Sets the located key. `record` is what `locate` returned, and the value must not lie in it. Returns
 * WRITE_DONE, or WRITE_MEMORY with nothing changed.
 */
export function setHere(
  record: usize,
  key: usize,
  keyBytes: u32,
  value: usize,
  valueBytes: u32,
  expiresAtMs: u64,
): i32 {
  if (ASSERTS) {
    assert(record === 0 || record === located(), 'the record is the one that was located');
    const end: usize = record === 0 ? 0 : valueAt(record) + <usize>valueLengthOf(record);
    assert(value >= end || value + <usize>valueBytes <= record, 'the value does not lie in the record');
  }
  // The key has expired and is still in the table: the store is frozen, or there was no memory for the Del.
  if (record === 0 && atSlot !== 0 && !expire(load<u32>(atSlot))) return WRITE_MEMORY;
  if (!isReplica && !reserveRecord(atShard, keyBytes, valueBytes)) return WRITE_MEMORY;
  if (!writeHere(record, key, keyBytes, value, valueBytes, expiresAtMs)) return WRITE_MEMORY;
  if (!isReplica) emit(atShard, OP_SET, atHash, expiresAtMs, key, keyBytes, value, valueBytes);
  return WRITE_DONE;
}

/** Appends to the located record's value; returns the record it then has, 0 when memory is exhausted. */
export function appendHere(record: usize, more: usize, moreBytes: u32): usize {
  return overwriteHere(record, valueLengthOf(record), more, moreBytes);
}

/**
 * Writes a part of the located record's value from `offset` on; a value that is too short grows, with zeros
 * up to `offset`. Returns the record it then has, 0 when memory is exhausted.
 */
export function overwriteHere(record: usize, offset: u32, part: usize, partBytes: u32): usize {
  const target = growHere(record, max(valueLengthOf(record), offset + partBytes), offset);
  if (target === 0) return 0;
  copyBytes(valueAt(target) + offset, part, partBytes);
  emitHere(target);
  return target;
}

/**
 * Makes the located record's value `bytes` long, no shorter than it is, with zeros up to `zeros`; the caller
 * fills the others and calls `emitHere`. Returns the record it then has, 0 when memory is exhausted.
 */
export function growHere(record: usize, bytes: u32, zeros: u32): usize {
  if (ASSERTS) assert(record !== 0 && record === located(), 'the record is the one that was located');
  const keyBytes = keyLengthOf(record);
  const before = valueLengthOf(record);
  if (!reserveRewritten(atShard, record, keyBytes, bytes)) return 0;
  const value = RECORD_HEADER + <usize>keyBytes;
  let target = record;
  if (!sameBlock(value + before, value + bytes)) {
    target = allocateBlock(value + bytes);
    if (target === 0) return 0;
    memory.copy(target, record, value + before);
    relink(record, target, value + before);
  }
  if (zeros > before) memory.fill(target + value + before, 0, zeros - before);
  store<u32>(target, bytes, 4);
  return target;
}

/**
 * Makes the located key, which is not there, with a value of zeros; the caller calls `emitHere`. Returns its
 * record, 0 when memory is exhausted.
 */
export function createHere(key: usize, keyBytes: u32, bytes: u32): usize {
  if (atSlot !== 0 && !expire(load<u32>(atSlot))) return 0;
  if (!reserveRecord(atShard, keyBytes, bytes) || !writeQuietly(0, key, keyBytes, key, 0, NEVER)) return 0;
  const empty = locateAny(key, keyBytes, atHash, atKeyed);
  const record = growHere(empty, bytes, bytes);
  if (record === 0) discardHere(empty);
  else noteKey(NOTE_NEW, key, keyBytes);
  return record;
}

/** Emits the Set of the located record, whose value was changed in place. */
export function emitHere(record: usize): void {
  contentChanged(atKeyed, record, false);
  noteKey(NOTE_WRITTEN, keyOf(record), keyLengthOf(record));
  emitRewritten(atShard, atHash, record);
}

/** Deletes the located record, with a note of it (NOTE_*); returns WRITE_DONE or WRITE_MEMORY. */
export function deleteHere(record: usize, what: u32): i32 {
  if (ASSERTS) assert(record !== 0 && record === located(), 'the record is the one that was located');
  const keyBytes = keyLengthOf(record);
  if (!isReplica) {
    if (!reserveRecord(atShard, keyBytes, 0)) return WRITE_MEMORY;
    emit(atShard, OP_DEL, atHash, NEVER, keyOf(record), keyBytes, 0, 0);
  }
  noteKey(what, keyOf(record), keyBytes);
  discardHere(record);
  return WRITE_DONE;
}

/** Sets when the located record expires, NEVER for not at all; returns WRITE_DONE or WRITE_MEMORY. */
export function expireHere(record: usize, expiresAtMs: u64): i32 {
  if (ASSERTS) assert(record !== 0 && record === located(), 'the record is the one that was located');
  const keyBytes = keyLengthOf(record);
  if (!isReplica && !reserveRecord(atShard, keyBytes, 0)) return WRITE_MEMORY;
  if (!expireHereQuietly(record, expiresAtMs)) return WRITE_MEMORY;
  if (!isReplica) emit(atShard, OP_EXPIRE, atHash, expiresAtMs, keyOf(record), keyBytes, 0, 0);
  return WRITE_DONE;
}

/** Deletes up to `limit` keys past their expiry, none while frozen; returns how many. */
export function sweep(limit: u32): u32 {
  let swept: u32 = 0;
  if (isFrozen) return swept;
  for (let id: u32 = 0; id < shardCount; id++) {
    for (; swept < limit; swept++) {
      const record = nextExpired(shardAt(id), nowMs);
      if (record === 0) break;
      expire(locateRecord(record));
    }
  }
  return swept;
}

/**
 * Empties sparse slabs by moving about `limit` records at most; returns how many, 0 when none is worth
 * emptying.
 */
export function compact(limit: u32): u32 {
  let count: u32 = 0;
  while (count < limit) {
    const slab = sparseSlab();
    if (slab === 0) break;
    let record = nextInUse(slab, 0);
    while (record !== 0) {
      const bytes = RECORD_HEADER + <usize>keyLengthOf(record) + <usize>valueLengthOf(record);
      // The class has a whole slab's room elsewhere, or sparseSlab would not have chosen it.
      const target = allocateBlock(bytes);
      if (ASSERTS) assert(target !== 0, 'another slab has room for what moves');
      memory.copy(target, record, bytes);
      locateRecord(record);
      if (ASSERTS) assert(record === located(), 'what moves is a record of a table');
      store<u32>(atSlot, <u32>target);
      moveExpiry(atShard, target);
      count++;
      // With its last record the slab is gone.
      if (vacate(slab)) break;
      store<u32>(record, 0, 8);
      record = nextInUse(slab, record);
    }
  }
  if (ASSERTS) moved += count;
  return count;
}

/** Writes the located key's record without emitting; returns false, with nothing changed, without memory. */
export function writeHere(
  record: usize,
  key: usize,
  keyBytes: u32,
  value: usize,
  valueBytes: u32,
  expiresAtMs: u64,
): bool {
  if (!writeQuietly(record, key, keyBytes, value, valueBytes, expiresAtMs)) return false;
  if (wantedNotes !== 0) noteWrite(record === 0, key, keyBytes);
  return true;
}

/** Does what `writeHere` does without a note. */
function writeQuietly(
  record: usize,
  key: usize,
  keyBytes: u32,
  value: usize,
  valueBytes: u32,
  expiresAtMs: u64,
): bool {
  const size = RECORD_HEADER + <usize>keyBytes + <usize>valueBytes;
  // A sum past 4 GiB has wrapped round.
  if (size < <usize>valueBytes) return false;
  if (expiresAtMs !== NEVER && (record === 0 || heapPlaceOf(record) === 0) && !reserveExpiry(atShard))
    return false;
  let target = record;
  if (record === 0) {
    if (!reserve(atShard, atKeyed)) return false;
    target = allocateBlock(size);
    if (target === 0) return false;
    store<u32>(target, keyBytes);
    store<u32>(target, 0, 12);
    noteBirth(target);
    copyBytes(keyOf(target), key, keyBytes);
    insert(atShard, atKeyed, target);
  } else {
    const before = RECORD_HEADER + <usize>keyBytes + <usize>valueLengthOf(record);
    const isSameBlock = sameBlock(before, size);
    if (!isSameBlock) {
      target = allocateBlock(size);
      if (target === 0) return false;
    }
    countOut(atShard, record);
    if (!isSameBlock) {
      copyBytes(target, record, <u32>RECORD_HEADER + keyBytes);
      relink(record, target, before);
    }
  }
  store<u32>(target, valueBytes, 4);
  copyBytes(valueAt(target), value, valueBytes);
  if (expiresAtMs !== NEVER || heapPlaceOf(target) !== 0) setExpiry(atShard, target, expiresAtMs);
  countIn(atShard, target, atHash, expiresAtMs);
  contentChanged(atKeyed, target, false);
  return true;
}

/** Deletes the located record without emitting. */
export function discardHere(record: usize): void {
  if (ASSERTS) assert(record === located(), 'the record is the one that was located');
  contentChanged(atKeyed, record, expiryOf(atShard, record) <= nowMs);
  const bytes = RECORD_HEADER + <usize>keyLengthOf(record) + <usize>valueLengthOf(record);
  countOut(atShard, record);
  setExpiry(atShard, record, NEVER);
  remove(atShard, atKeyed, atSlot);
  atSlot = 0;
  freeBlock(record, bytes);
}

/** Sets the located record's expiry without emitting; returns false when memory is exhausted. */
export function expireHereQuietly(record: usize, expiresAtMs: u64): bool {
  if (expiresAtMs !== NEVER && heapPlaceOf(record) === 0 && !reserveExpiry(atShard)) return false;
  countExpiry(atShard, record, expiryOf(atShard, record), expiresAtMs);
  setExpiry(atShard, record, expiresAtMs);
  contentChanged(atKeyed, record, false);
  noteKey(expiresAtMs === NEVER ? NOTE_PERSISTED : NOTE_EXPIRY, keyOf(record), keyLengthOf(record));
  return true;
}

/** Returns the record that was located last, expired or not, 0 when there was none. */
function located(): usize {
  return atSlot === 0 ? 0 : load<u32>(atSlot);
}

function relink(from: usize, to: usize, bytes: usize): void {
  store<u32>(atSlot, <u32>to);
  moveExpiry(atShard, to);
  freeBlock(from, bytes);
}

function expire(record: usize): bool {
  if (deleteHere(record, NOTE_EXPIRED) !== WRITE_DONE) return false;
  expiredKeys += 1;
  return true;
}
