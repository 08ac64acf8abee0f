// Applies what a primary has sent: a MutationBatch payload, or the entries of a SnapshotChunk. The whole
// payload is checked before the first record is applied, so that one that is malformed or leaves a gap
// changes nothing.
import { nowMs } from '../clock';
import { entryExpiry, entryHeaderBytes, entryKeyLength, entryValueLength } from '../entry-fields';
import { keyedHash } from '../keyed-hash';
import {
  APPLY_GAP,
  APPLY_HASH,
  APPLY_MEMORY,
  APPLY_OK,
  APPLY_SHARD,
  APPLY_TRAILING,
  NOTE_DELETED,
  NOTE_EXPIRED,
  NOTE_EXPIRY,
  OP_DEL,
  OP_EXPIRE,
  RECORD_KEY_HASH_AT,
  RECORD_SEQUENCE_AT,
  RESULT_APPLIED,
  RESULT_SHARD,
  RESULT_SKIPPED,
  RESULT_TIMESTAMP_F64,
} from '../layout';
import { noteAccess } from '../memory/access';
import { usedBytes } from '../memory/arena';
import { contentBytesMax } from '../memory/pages';
import {
  RECORD_COUNT_BYTES,
  wireExpiry,
  wireKey,
  wireKeyHash,
  wireKeyLength,
  wireOp,
  wireSequence,
  wireShard,
  wireTimestamp,
  wireValue,
  wireValueLength,
} from '../record-fields';
import { setResult, setResultF64 } from '../result';
import { noteKey, wantedNotes } from '../store/notes';
import { bucketOfKey, touch } from '../store/places';
import { compact, discardHere, expireHereQuietly, expiryHere, locateAny, writeHere } from '../store/store';
import { leaveTracker } from '../store/trackers';
import { NEVER } from '../table/expiry';
import {
  guardOf,
  guardRoundOf,
  sequenceOf,
  setGuard,
  setGuardRound,
  setSequence,
  shardAt,
  shardCount,
} from '../table/shard';
import { likelyRecord } from '../table/table';
import { xxh3 } from '../xxh3';
import { rememberRecord } from './last-record';
import {
  behindRecord,
  checkEntries,
  checkRecordCount,
  entryBytes,
  fault,
  recordStatus,
  soundRecordBytes,
} from './payload-checks';

/** So many records are read ahead together, a power of two. */
const AHEAD: u32 = 16;
/** Their keyed hashes, and of entries the XXH3-64 of their keys. */
const keyedAhead: usize = memory.data(128, 8);
const hashAhead: usize = memory.data(128, 8);
/** The address of each one's bucket, and then of its record: 0 where there is none. */
const placeAhead: usize = memory.data(128, 8);
/** The number of the apply at hand, by which a shard knows whether its guard is of this one. */
let round: u32 = 0;
/** Unix ms of the newest record of the batch that was checked last. */
let newestMs: u64 = 0;

/**
 * Applies a MutationBatch payload; returns one of APPLY_*, with the counts or the fault in the result block.
 */
export function apply(payload: usize, bytes: usize): i32 {
  const status = lookThrough(payload, bytes);
  if (status !== APPLY_OK) return status;
  leaveTracker();
  const count = load<u32>(payload);
  let at = payload + RECORD_COUNT_BYTES;
  let applied: u32 = 0;
  let skipped: u32 = 0;
  let last: usize = 0;
  for (let i: u32 = 0; i < count; i++) {
    if ((i & (AHEAD - 1)) === 0) touchAhead(at, min(count - i, AHEAD));
    const shard = shardAt(wireShard(at));
    const sequence = wireSequence(at);
    if (sequence <= sequenceOf(shard)) skipped++;
    else {
      const keyed = load<u64>(keyedAhead + ((<usize>i & (AHEAD - 1)) << 3));
      if (!applyRecord(at, keyed) && !(compactAll() && applyRecord(at, keyed))) {
        setResult(RESULT_APPLIED, applied);
        return full(at - payload);
      }
      setSequence(shard, sequence);
      applied++;
      last = at;
    }
    at = behindRecord(at);
  }
  if (last !== 0) rememberRecord(last);
  setResult(RESULT_APPLIED, applied);
  setResult(RESULT_SKIPPED, skipped);
  return APPLY_OK;
}

/**
 * Does what `apply` does for a store that keeps no content: it checks, counts and raises the shards'
 * sequences.
 */
export function pass(payload: usize, bytes: usize): i32 {
  const status = lookThrough(payload, bytes);
  if (status !== APPLY_OK) return status;
  const count = load<u32>(payload);
  let at = payload + RECORD_COUNT_BYTES;
  let applied: u32 = 0;
  let last: usize = 0;
  for (let i: u32 = 0; i < count; i++, at = behindRecord(at)) {
    const shard = shardAt(wireShard(at));
    const sequence = wireSequence(at);
    if (sequence <= sequenceOf(shard)) continue;
    setSequence(shard, sequence);
    applied++;
    last = at;
  }
  if (last !== 0) rememberRecord(last);
  setResult(RESULT_APPLIED, applied);
  setResult(RESULT_SKIPPED, count - applied);
  return APPLY_OK;
}

/**
 * Loads `count` entries of a SnapshotChunk, each with the length of governance bytes when `governed`;
 * APPLY_*.
 */
export function loadEntries(entries: usize, bytes: usize, count: u32, governed: bool): i32 {
  const status = checkEntries(entries, bytes, count, governed);
  if (status !== APPLY_OK) return status;
  const header = entryHeaderBytes(governed);
  const end = entries + bytes;
  let at = entries;
  for (let i: u32 = 0; i < count; i++) {
    const ahead = (<usize>i & (AHEAD - 1)) << 3;
    if (ahead === 0) touchEntriesAhead(at, end, min(count - i, AHEAD), governed);
    if (!loadEntry(at, header, ahead) && !(compactAll() && loadEntry(at, header, ahead))) {
      return full(at - entries);
    }
    at += <usize>entryBytes(at, end, header, governed);
  }
  return APPLY_OK;
}

/**
 * Hashes the keys of the next `count` entries into `hashAhead` and `keyedAhead`, and then reads their
 * buckets, as `touchBucketOf` says. Most have no record yet.
 */
function touchEntriesAhead(at: usize, end: usize, count: u32, governed: bool): void {
  const header = entryHeaderBytes(governed);
  const endAhead = (<usize>count) << 3;
  for (let ahead: usize = 0; ahead < endAhead; ahead += 8) {
    const key = at + header;
    const keyBytes = entryKeyLength(at);
    const hash = xxh3(key, keyBytes);
    const keyed = keyedHash(key, keyBytes);
    store<u64>(hashAhead + ahead, hash);
    store<u64>(keyedAhead + ahead, keyed);
    store<u32>(placeAhead + ahead, <u32>bucketOfKey(key, keyBytes, hash, keyed));
    at += <usize>entryBytes(at, end, header, governed);
  }
  touchPlaces(endAhead);
}

/** Loads an entry whose hashes stand so many bytes into `hashAhead` and `keyedAhead`. */
function loadEntry(at: usize, header: usize, ahead: usize): bool {
  const keyBytes = entryKeyLength(at);
  const key = at + header;
  const record = locateAny(key, keyBytes, load<u64>(hashAhead + ahead), load<u64>(keyedAhead + ahead));
  const value = key + <usize>keyBytes;
  if (record !== 0) noteAccess(record);
  return writeHere(record, key, keyBytes, value, entryValueLength(at), entryExpiry(at, header));
}

/** Makes the fault of a store without memory for what is at `offset`: bytes it can have, and holds. */
function full(offset: usize): i32 {
  return fault(APPLY_MEMORY, offset, <u64>contentBytesMax(), usedBytes());
}

/** Empties all sparse slabs, for there is no memory; returns whether there was any. */
function compactAll(): bool {
  return compact(u32.MAX_VALUE) !== 0;
}

/**
 * Checks a batch before anything of it is applied, and sets the result block to no records and the newest's
 * time.
 */
function lookThrough(payload: usize, bytes: usize): i32 {
  setResult(RESULT_APPLIED, 0);
  setResult(RESULT_SKIPPED, 0);
  const status = checkBatch(payload, bytes);
  if (status === APPLY_OK) setResultF64(RESULT_TIMESTAMP_F64, <f64>newestMs);
  return status;
}

/**
 * Checks a whole batch: its structure, shards and key hashes, and that each shard's sequences leave no gap.
 */
function checkBatch(payload: usize, bytes: usize): i32 {
  const status = checkRecordCount(payload, bytes);
  if (status !== APPLY_OK) return status;
  const count = load<u32>(payload);
  round++;
  newestMs = 0;
  const end = payload + bytes;
  let at = payload + RECORD_COUNT_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    const size = soundRecordBytes(payload, at, end);
    if (size === 0) return recordStatus;
    const id = wireShard(at);
    if (id >= shardCount) return fault(APPLY_SHARD, at - payload, shardCount, id);
    const hash = xxh3(wireKey(at), wireKeyLength(at));
    if (hash !== wireKeyHash(at)) {
      return fault(APPLY_HASH, at - payload + RECORD_KEY_HASH_AT, hash, wireKeyHash(at));
    }
    const shard = shardAt(id);
    const sequence = wireSequence(at);
    const watermark = guardRoundOf(shard) === round ? guardOf(shard) : sequenceOf(shard);
    if (sequence > watermark) {
      if (sequence !== watermark + 1) {
        setResult(RESULT_SHARD, id);
        return fault(APPLY_GAP, at - payload + RECORD_SEQUENCE_AT, watermark + 1, sequence);
      }
      setGuard(shard, sequence);
      setGuardRound(shard, round);
    }
    newestMs = max(newestMs, wireTimestamp(at));
    at += size;
  }
  return at === end ? APPLY_OK : fault(APPLY_TRAILING, at - payload, 0, end - at);
}

/**
 * Hashes the keys of the next `count` records into `keyedAhead`, and then reads what they will need, all
 * buckets and then all records, as `touchBucketOf` says.
 */
function touchAhead(at: usize, count: u32): void {
  const end = (<usize>count) << 3;
  for (let ahead: usize = 0; ahead < end; ahead += 8, at = behindRecord(at)) {
    const key = wireKey(at);
    const keyBytes = wireKeyLength(at);
    const keyed = keyedHash(key, keyBytes);
    store<u64>(keyedAhead + ahead, keyed);
    store<u32>(placeAhead + ahead, <u32>bucketOfKey(key, keyBytes, wireKeyHash(at), keyed));
  }
  touchPlaces(end);
  for (let ahead: usize = 0; ahead < end; ahead += 8) {
    const bucket: usize = load<u32>(placeAhead + ahead);
    store<u32>(placeAhead + ahead, <u32>likelyRecord(bucket, load<u64>(keyedAhead + ahead)));
  }
  touchPlaces(end);
}

/**
 * Reads what is at the addresses before `end` of `placeAhead`: a loop that does nothing else has the
 * processor wait for all of them at once.
 */
function touchPlaces(end: usize): void {
  for (let ahead: usize = 0; ahead < end; ahead += 8) touch(load<u32>(placeAhead + ahead));
}

function applyRecord(at: usize, keyed: u64): bool {
  const key = wireKey(at);
  const keyBytes = wireKeyLength(at);
  const op = wireOp(at);
  const record = locateAny(key, keyBytes, wireKeyHash(at), keyed);
  if (op === OP_DEL) {
    if (record === 0) return true;
    noteKey(expiryHere(record) <= nowMs ? NOTE_EXPIRED : NOTE_DELETED, key, keyBytes);
    discardHere(record);
    return true;
  }
  const expiresAtMs = wireExpiry(at);
  if (op === OP_EXPIRE) return record === 0 || expireHereQuietly(record, expiresAtMs);
  // A Set that is past its expiry replaces what was there all the same and is hidden, for the older value
  // must go.
  if (record !== 0) noteAccess(record);
  if (wantedNotes === 0) return writeRecord(record, at, expiresAtMs);
  const before = record === 0 ? NEVER : expiryHere(record);
  if (!writeRecord(record, at, expiresAtMs)) return false;
  // A command that has kept the expiry has not given one.
  if (expiresAtMs !== NEVER && expiresAtMs !== before) noteKey(NOTE_EXPIRY, key, keyBytes);
  return true;
}

function writeRecord(record: usize, at: usize, expiresAtMs: u64): bool {
  return writeHere(record, wireKey(at), wireKeyLength(at), wireValue(at), wireValueLength(at), expiresAtMs);
}
