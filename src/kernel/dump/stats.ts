// Counts what a dump has: by op, by shard, by prefix of the keys and over time, with the gaps between
// sequences, the keys that come most often and those with the biggest values. All of it is in one block of
// memory, whatever is in the dump.
import { entryHeaderBytes, entryKeyLength, entryValueLength } from '../entry-fields';
import { setHashSecret } from '../keyed-hash';
import {
  APPLY_OK,
  OP_DEL,
  OP_SET,
  OP_SET_GOVERNED,
  PREFIX_BYTES_MAX,
  RESULT_COUNT,
  SHARDS_MAX,
  SKETCH_BYTES,
  STATS_BYTES,
  STATS_ENDLESS,
  STATS_FIRST_TIME,
  STATS_KEY_SIZES,
  STATS_LAST_TIME,
  STATS_LIVES,
  STATS_NO_PREFIX,
  STATS_OPS,
  STATS_OUT_OF_RANGE,
  STATS_RECORDS,
  STATS_SHARD_BACK,
  STATS_SHARD_BYTES,
  STATS_SHARD_FIRST,
  STATS_SHARD_GAPS,
  STATS_SHARD_LAST,
  STATS_SHARD_MISSING,
  STATS_SHARD_RECORDS,
  STATS_SHARD_TOTAL,
  STATS_SHARDS,
  STATS_VALUE_SIZES,
} from '../layout';
import { allocateReserve } from '../memory/pages';
import { checkRecordCount, entryBytes, soundRecordBytes } from '../payload/payload-checks';
import {
  RECORD_COUNT_BYTES,
  wireExpiry,
  wireKey,
  wireKeyLength,
  wireOp,
  wireSequence,
  wireShard,
  wireTimestamp,
  wireValueLength,
} from '../record-fields';
import { setResult } from '../result';
import { NEVER } from '../table/expiry';
import { beginsWith, countItem, countKey, openSketch } from '../table/sketch';
import { biggestStart, noteValue } from './biggest';
import { choosesEntry, choosesRecord } from './item-filter';
import { rateCount, rateStart } from './rate';

// The fields of a shard that the host does not read: its last sequence, the highest, and whether there is any
// (u8).
const PLACE_LAST: usize = 56;
const PLACE_HIGHEST: usize = 64;
const PLACE_KNOWN: usize = 72;

// How a sequence follows the ones before.
const STEP_NONE: i32 = 0;
const STEP_GAP: i32 = 1;
const STEP_BACK: i32 = 2;

const COLON: u8 = 0x3a;

let block: usize = 0;
/** The item of the prefix that was counted last, 0 when none was. */
let lastPrefix: u32 = 0;
/** How many sequences the gap lacks that `follow` has found. */
let missing: u64 = 0;

/**
 * Resets all counts, and hashes keys under this secret from now on; returns their address, 0 when there is no
 * memory.
 */
export function statsStart(secretLow: u64, secretHigh: u64): usize {
  const bytes = <usize>STATS_BYTES + 2 * <usize>SKETCH_BYTES;
  if (block === 0) block = allocateReserve(bytes);
  if (block === 0) return 0;
  memory.fill(block, 0, STATS_BYTES);
  store<u64>(block, u64.MAX_VALUE, STATS_FIRST_TIME);
  setHashSecret(secretLow, secretHigh);
  openSketch(prefixes());
  lastPrefix = 0;
  openSketch(hotKeys());
  rateStart();
  biggestStart();
  return block;
}

/** Returns the sketch of the prefixes of records' and entries' keys. */
export function prefixes(): usize {
  return block + STATS_BYTES;
}

/** Returns the sketch of records' keys. */
export function hotKeys(): usize {
  return block + STATS_BYTES + SKETCH_BYTES;
}

/** Makes a shard go on behind `watermark` where a snapshot ends, or anywhere when that is 0. */
export function statsReach(shard: u32, watermark: u64): void {
  const at = shardAt(shard);
  store<u64>(at, watermark, PLACE_LAST);
  store<u64>(at, watermark, PLACE_HIGHEST);
  store<u8>(at, watermark === 0 ? 0 : 1, PLACE_KNOWN);
}

/**
 * Counts the records of a MutationBatch payload that are `shown` and chosen by the filter, `limit` of them at
 * most; RESULT_COUNT is how many. Returns false when the record behind them is malformed. `writeLines` says
 * what `offset` is.
 */
export function statsBatch(
  payload: usize,
  bytes: usize,
  offset: u64,
  fixed: bool,
  shown: bool,
  limit: u32,
): bool {
  setResult(RESULT_COUNT, 0);
  if (checkRecordCount(payload, bytes) !== APPLY_OK) return false;
  const end = payload + bytes;
  let at = payload + RECORD_COUNT_BYTES;
  let chosen: u32 = 0;
  let isSound = true;
  for (let left = load<u32>(payload); left > 0 && chosen < limit; left--) {
    const size = soundRecordBytes(payload, at, end);
    if (size === 0) {
      isSound = false;
      break;
    }
    const step = follow(at);
    if (shown && choosesRecord(at)) {
      chosen++;
      countRecord(at, size, step, fixed ? offset : offset + <u64>(at - payload));
    }
    at += size;
  }
  setResult(RESULT_COUNT, chosen);
  return isSound && (at === end || chosen === limit);
}

/** Counts as `statsBatch` does the entries of a SnapshotChunk, which fill `bytes`. */
export function statsEntries(
  payload: usize,
  entries: usize,
  bytes: usize,
  count: u32,
  governed: bool,
  offset: u64,
  fixed: bool,
  shown: bool,
  limit: u32,
): bool {
  const header = entryHeaderBytes(governed);
  const end = entries + bytes;
  let at = entries;
  let chosen: u32 = 0;
  let isSound = true;
  for (; count > 0 && chosen < limit; count--) {
    const size = <usize>entryBytes(at, end, header, governed);
    if (size === 0) {
      isSound = false;
      break;
    }
    const key = at + header;
    const keyBytes = entryKeyLength(at);
    if (shown && choosesEntry(key, keyBytes)) {
      chosen++;
      countPrefix(key, keyBytes, size);
      countIn(STATS_KEY_SIZES, keyBytes);
      countIn(STATS_VALUE_SIZES, entryValueLength(at));
      noteValue(entryValueLength(at), key, keyBytes, fixed ? offset : offset + <u64>(at - payload));
    }
    at += size;
  }
  setResult(RESULT_COUNT, chosen);
  return isSound && (at === end || chosen === limit);
}

function countRecord(record: usize, size: usize, step: i32, offset: u64): void {
  const op = wireOp(record);
  const timeMs = wireTimestamp(record);
  const key = wireKey(record);
  const keyBytes = wireKeyLength(record);
  add(block + STATS_RECORDS, 1);
  const ofOp = block + STATS_OPS + ((<usize>(op === OP_SET_GOVERNED ? 0 : op - OP_SET)) << 4);
  add(ofOp, 1);
  add(ofOp + 8, size);
  if (timeMs < load<u64>(block, STATS_FIRST_TIME)) store<u64>(block, timeMs, STATS_FIRST_TIME);
  if (timeMs > load<u64>(block, STATS_LAST_TIME)) store<u64>(block, timeMs, STATS_LAST_TIME);
  rateCount(timeMs);
  countPrefix(key, keyBytes, size);
  countKey(hotKeys(), key, keyBytes, size);
  noteValue(wireValueLength(record), key, keyBytes, offset);
  countIn(STATS_KEY_SIZES, keyBytes);
  if (op === OP_SET || op === OP_SET_GOVERNED) countIn(STATS_VALUE_SIZES, wireValueLength(record));
  if (op !== OP_DEL) countLife(wireExpiry(record), timeMs);
  countInShard(record, size, step);
}

/** Counts how long a key lives that is written at `timeMs`. */
function countLife(expiryMs: u64, timeMs: u64): void {
  if (expiryMs === NEVER) add(block + STATS_ENDLESS, 1);
  else countIn(STATS_LIVES, expiryMs > timeMs ? expiryMs - timeMs : 0);
}

/** Counts a size or a time in its bucket of a histogram. */
function countIn(histogram: usize, value: u64): void {
  add(block + histogram + ((64 - <usize>clz<u64>(value)) << 3), 1);
}

function countInShard(record: usize, size: usize, step: i32): void {
  const id = wireShard(record);
  if (id >= <u32>SHARDS_MAX) {
    add(block + STATS_OUT_OF_RANGE, 1);
    return;
  }
  const sequence = wireSequence(record);
  const shard = shardAt(id);
  const isFirst = load<u64>(shard, STATS_SHARD_RECORDS) === 0;
  add(shard + STATS_SHARD_RECORDS, 1);
  add(shard + STATS_SHARD_TOTAL, size);
  if (isFirst || sequence < load<u64>(shard, STATS_SHARD_FIRST))
    store<u64>(shard, sequence, STATS_SHARD_FIRST);
  if (isFirst || sequence > load<u64>(shard, STATS_SHARD_LAST)) store<u64>(shard, sequence, STATS_SHARD_LAST);
  if (step === STEP_BACK) add(shard + STATS_SHARD_BACK, 1);
  if (step !== STEP_GAP) return;
  add(shard + STATS_SHARD_GAPS, 1);
  const before = load<u64>(shard, STATS_SHARD_MISSING);
  store<u64>(shard, before > u64.MAX_VALUE - missing ? u64.MAX_VALUE : before + missing, STATS_SHARD_MISSING);
}

/** Returns how a record's sequence follows its shard's, by the rules of src/dump/check/sequence-steps.ts. */
function follow(record: usize): i32 {
  const id = wireShard(record);
  if (id >= <u32>SHARDS_MAX) return STEP_NONE;
  const shard = shardAt(id);
  const sequence = wireSequence(record);
  const isKnown = load<u8>(shard, PLACE_KNOWN) !== 0;
  const last = load<u64>(shard, PLACE_LAST);
  const highest = load<u64>(shard, PLACE_HIGHEST);
  store<u64>(shard, sequence, PLACE_LAST);
  store<u8>(shard, 1, PLACE_KNOWN);
  if (isKnown && sequence <= last) return STEP_BACK;
  if (!isKnown || sequence > highest) store<u64>(shard, sequence, PLACE_HIGHEST);
  if (!isKnown || sequence <= highest || sequence - highest === 1) return STEP_NONE;
  missing = sequence - highest - 1;
  return STEP_GAP;
}

function countPrefix(key: usize, keyBytes: u32, size: u64): void {
  // Most keys begin as the one before did.
  if (lastPrefix !== 0 && beginsWith(prefixes(), lastPrefix, key, keyBytes)) {
    countItem(prefixes(), lastPrefix, size);
    return;
  }
  const most = min(keyBytes, <u32>PREFIX_BYTES_MAX);
  for (let length: u32 = 0; length < most; length++) {
    if (load<u8>(key + <usize>length) !== COLON) continue;
    lastPrefix = countKey(prefixes(), key, length + 1, size);
    return;
  }
  add(block + STATS_NO_PREFIX, 1);
  add(block + STATS_NO_PREFIX + 8, size);
}

function add(at: usize, count: u64): void {
  store<u64>(at, load<u64>(at) + count);
}

function shardAt(id: u32): usize {
  return block + STATS_SHARDS + <usize>id * STATS_SHARD_BYTES;
}
