// The entry of the kernel: the functions that the host calls, with plain numbers in and out. Addresses are
// u32, which the host reads as unsigned; 64-bit values cross as i64, and none of them once a record. Calls
// that return a status leave the details in the result block; layout.ts names statuses and words.
import { nowMs, secondsSince } from './clock';
import { initializeArguments, limitArgument } from './commands/arguments';
import { keyedHash, setHashSecret } from './keyed-hash';
import { EVICT_NOTHING, RESULT_COUNT, ROUTE_SESSION_PREFIX } from './layout';
import { accessOf, countsUses, noteAccess, usesOf } from './memory/access';
import { blockBytes, blockBytesFree, blockBytesInUse, initializeArena, usedBytes } from './memory/arena';
import {
  allocatedBytes,
  allocateReserve,
  availableBytes,
  freePages,
  growTo,
  initializePages,
  limitPages,
} from './memory/pages';
import { heapPlaceOf, keyLengthOf, keyOf, RECORD_HEADER, valueAt, valueLengthOf } from './memory/record';
import { seedRandom } from './random';
import { result, setResult } from './result';
import { emitPostponed, emittedRecords, frameBufferBytes, setBatchLimits } from './store/batch';
import { limitMemory } from './store/evict';
import { shardOfKey } from './store/places';
import { randomRecord } from './store/random-key';
import { counted, countedQuietly } from './store/reads';
import { expiredKeys, expiryHere, locate, lookup } from './store/store';
import { averageTtl, EXPIRY_BYTES, expiryBytes, NEVER, staleShare } from './table/expiry';
import {
  expiringOf,
  initializeShards,
  keysOf,
  sequenceOf,
  setSequence,
  shardAt,
  shardCount,
} from './table/shard';
import { tableBytes } from './table/table';
import { widen } from './table/widen';
import { xxh3 } from './xxh3';

export { countBits, findBit } from './bits';
export { setTime } from './clock';
export { combineBits } from './combine-bits';
export { callsOf } from './commands/commands';
export { forgetLatency, latencyOf, noteLatency, ranSinceNote } from './commands/latency';
export { memoryRefusals, replicaRefusals } from './commands/outcome';
export { execute, setMode } from './commands/resp';
export { crc64 } from './crc64';
export { biggestValues } from './dump/biggest';
export {
  entryBegin,
  entryEnd,
  entryIsSound,
  entryOpen,
  entrySeal,
  entryStateBytes,
  entryTake,
  entryWalk,
  plainEntries,
  sealGroup,
  soundEntries,
} from './dump/index-entry';
export { filterLists, filterRanges } from './dump/item-filter';
export { linesOfBatch, linesOfEntries, writeLines } from './dump/json-lines';
export { rateCounts, rateFirst, rateShift, rateSpan } from './dump/rate';
export { hotKeys, prefixes, statsBatch, statsEntries, statsReach, statsStart } from './dump/stats';
export {
  verifyForget,
  verifyNext,
  verifyOpen,
  verifyRaise,
  verifyRouted,
  verifyRouting,
  verifyStart,
} from './dump/verify';
export { matches } from './glob';
export { lzfCompress, lzfExpand } from './lzf';
export { apply, loadEntries, pass } from './payload/apply';
export { hasRecord, lastRecord, rememberPrint } from './payload/last-record';
export { checkEntries } from './payload/payload-checks';
export { readRdb } from './payload/rdb';
export { emittedBytes, flushAll, flushDue } from './store/batch';
export { bitField } from './store/bit-field';
export { setPrefixes, takeBroadcasts, takeLostBroadcast } from './store/broadcasts';
export { copyKey, expireKey, overwrite, put, removeKey, setAccessOfKey } from './store/by-key';
export { contentChangeCount, longKeyChangeCount } from './store/changes';
export { checkContent } from './store/content-check';
export { keepDigests } from './store/digest';
export {
  digestRanges,
  digestShard,
  emitAgain,
  emitLongAgain,
  entryOf,
  listParts,
} from './store/digest-ranges';
export { evictedCount, hasRoomFor, limitMemory, makeRoom, relieve } from './store/evict';
export { deleteSome } from './store/flush';
export { noteKey, wantNotes } from './store/notes';
export { keyspaceHits, keyspaceMisses } from './store/reads';
export {
  countOfUsed,
  countUse,
  forgetUses,
  nextUse,
  sampledUses,
  sampleUses,
  usedMost,
} from './store/sampled-uses';
export {
  compact,
  setFrozen,
  setReplica,
  sweep,
} from './store/store';
export {
  forgetTracked,
  leave,
  letGo,
  limitTracked,
  purge,
  takeChanged,
  takeLost,
  trackedItems,
  trackedKeys,
} from './store/tracked-keys';
export { trackKey } from './store/trackers';
export { changedSince, unwatchKey, watchKey } from './store/watch';
export { listKeys, scan } from './table/scan';
export { scanKeys } from './table/scan-keys';
export { xxh3 };

/** About what a key takes with its share of the tables, of which an eighth may be tables made ahead. */
const EXPECTED_KEY_BYTES_MIN: u32 = 72;
/** Bytes of a key in its block and in a table that it does not have in a snapshot. */
const EXPECTED_KEY_BYTES_MORE: u32 = 32;

/** Must be called once, before all else. Returns false when there cannot be so many shards. */
export function initialize(
  shards: u32,
  route: u32,
  secretLow: u64,
  secretHigh: u64,
  maxMemoryBytes: f64,
  maxArgument: u32,
  batchRecords: u32,
  batchBytes: u32,
): bool {
  initializePages();
  limitPages(maxMemoryBytes);
  initializeArena();
  setHashSecret(secretLow, secretHigh);
  // RANDOMKEY shows something of the random numbers, and a hash shows nothing of the secret.
  seedRandom(keyedHash(result, 0));
  limitMemory(0, EVICT_NOTHING, 1, 0, 0);
  limitArgument(maxArgument);
  setBatchLimits(batchRecords, batchBytes);
  return initializeArguments() && initializeShards(shards, route === ROUTE_SESSION_PREFIX);
}

export function resultBlock(): usize {
  return result;
}

/** Returns the address of the result block. */
export function allocate(bytes: usize): usize {
  return allocateReserve(bytes);
}

export function release(buffer: usize): void {
  freePages(buffer);
}

/**
 * Returns the address of a live key's value, 0 when there is none, and counts a read. RESULT_COUNT is its
 * length.
 */
export function get(key: usize, length: u32): usize {
  return foundValue(counted(lookup(key, length), key, length));
}

/** Returns what `get` does without counting a read. */
export function look(key: usize, length: u32): usize {
  return foundValue(locate(key, length));
}

function foundValue(record: usize): usize {
  if (record === 0) return 0;
  setResult(RESULT_COUNT, valueLengthOf(record));
  return valueAt(record);
}

/** Returns when a live key expires, Unix ms: NEVER (all ones) without expiry, 0 when there is no such key. */
export function expiryOfKey(key: usize, length: u32): u64 {
  const record = locate(key, length);
  return record === 0 ? 0 : min(expiryHere(record), NEVER);
}

/** Makes a live key count as used; returns whether there is such a key. */
export function touchKey(key: usize, length: u32): bool {
  const record = locate(key, length);
  if (record !== 0) noteAccess(record);
  return record !== 0;
}

/** Counts a read that found its key, or did not. */
export function countRead(isFound: bool): void {
  countedQuietly(isFound ? 1 : 0);
}

/**
 * Returns the seconds since a live key was last read or written; under a policy that counts uses, the counter
 * (0 to 255). -1 when there is no such key.
 */
export function accessOfKey(key: usize, length: u32): i32 {
  const record = locate(key, length);
  if (record === 0) return -1;
  const access = accessOf(record);
  return <i32>(countsUses ? usesOf(access) : secondsSince(access));
}

/**
 * Returns the bytes of a live key's block and of its entry among the expiries, 0 when there is no such key.
 */
export function recordBytesOf(key: usize, length: u32): usize {
  const record = locate(key, length);
  if (record === 0) return 0;
  const block = blockBytes(RECORD_HEADER + <usize>keyLengthOf(record) + <usize>valueLengthOf(record));
  return heapPlaceOf(record) === 0 ? block : block + EXPIRY_BYTES;
}

/** Returns the address of some live key, 0 when there is none. RESULT_COUNT is its length. */
export function randomKey(): usize {
  const record = randomRecord();
  if (record === 0) return 0;
  setResult(RESULT_COUNT, keyLengthOf(record));
  return keyOf(record);
}

/** Returns the shard that a key routes to. */
export function routeKey(key: usize, length: u32): u32 {
  return shardOfKey(key, length, xxh3(key, length));
}

/** Returns the highest sequence of a shard, that of all that was written. */
export function watermark(shard: u32): u64 {
  emitPostponed();
  return sequenceOf(shardAt(shard));
}

export function setWatermark(shard: u32, sequence: u64): void {
  setSequence(shardAt(shard), sequence);
}

/**
 * Makes room for so many keys in all with so many bytes. Tables take a small part of the memory that there
 * is, since fewer keys may come.
 */
export function expectContent(keys: u32, bytes: f64): void {
  growTo(bytes + <f64>keys * <f64>EXPECTED_KEY_BYTES_MORE);
  const most = <u32>min(<f64>keys, availableBytes() / <f64>EXPECTED_KEY_BYTES_MIN);
  for (let id: u32 = 0; id < shardCount; id++) widen(shardAt(id), most / shardCount);
}

/** Returns how many keys a shard has, past their expiry or not. */
export function keysIn(shard: u32): u32 {
  return keysOf(shardAt(shard));
}

/** Returns how many keys of a shard have an expiry. */
export function expiringIn(shard: u32): u32 {
  return expiringOf(shardAt(shard));
}

/** Returns how many ms keys with an expiry have left on the average. */
export function averageTtlMs(): f64 {
  return averageTtl(nowMs);
}

/** Returns the share of the keys with an expiry that are past it and still there. */
export function staleKeys(): f64 {
  averageTtl(nowMs);
  return staleShare;
}

/** Returns how many keys were deleted here because they had expired. */
export function expiredCount(): f64 {
  return expiredKeys;
}

// The uses of the memory, in bytes.
export function memoryUsed(): f64 {
  return <f64>usedBytes();
}

export function memoryAllocated(): f64 {
  return allocatedBytes();
}

export function memoryAvailable(): f64 {
  return availableBytes();
}

export function memoryInRecords(): f64 {
  return blockBytesInUse();
}

export function memoryInFreeBlocks(): f64 {
  return blockBytesFree();
}

export function memoryInTables(): f64 {
  let sum: f64 = 0;
  for (let id: u32 = 0; id < shardCount; id++) sum += tableBytes(shardAt(id)) + expiryBytes(shardAt(id));
  return sum;
}

export function memoryInFrames(): f64 {
  return frameBufferBytes();
}

/** Returns how many records have been put into frames since the start. */
export function recordsEmitted(): f64 {
  return emittedRecords();
}
