// Chooses records and entries of a dump. src/dump/choose/filter.ts of the host makes the same choice one by
// one.
import { matches } from '../glob';
import { OP_SET, OP_SET_GOVERNED } from '../layout';
import { wireKey, wireKeyLength, wireOp, wireSequence, wireShard, wireTimestamp } from '../record-fields';

let start: u64 = 0;
let end: u64 = u64.MAX_VALUE;
let since: u64 = 0;
let until: u64 = u64.MAX_VALUE;
/** A bit for each op that is chosen. */
let ops: u32 = 0;
/** Address of the chosen shards, u32 each. With `shardCount` 0 all are chosen. */
let shards: usize = 0;
let shardCount: u32 = 0;
/**
 * Address of the globs one behind the other, each with its bytes (u32) before it. With `globCount` 0 all keys
 * match.
 */
let globs: usize = 0;
let globCount: u32 = 0;
let choosesRecords: bool = false;

/** Chooses ranges of sequences and of times (Unix ms), which include both ends. */
export function filterRanges(first: u64, last: u64, sinceMs: u64, untilMs: u64): void {
  start = first;
  end = last;
  since = sinceMs;
  until = untilMs;
}

/**
 * Sets the lists, which stay the host's. `recordsOnly` means that something is asked for which entries do not
 * have.
 */
export function filterLists(
  opBits: u32,
  shardList: usize,
  shardsListed: u32,
  globList: usize,
  globsListed: u32,
  recordsOnly: bool,
): void {
  ops = opBits;
  shards = shardList;
  shardCount = shardsListed;
  globs = globList;
  globCount = globsListed;
  choosesRecords = recordsOnly;
}

/** Returns whether a sound record is chosen. */
export function choosesRecord(record: usize): bool {
  if (choosesRecords) {
    const op = wireOp(record);
    if ((ops & (1 << (op === OP_SET_GOVERNED ? OP_SET : op))) === 0) return false;
    const sequence = wireSequence(record);
    const timeMs = wireTimestamp(record);
    if (sequence < start || sequence > end || timeMs < since || timeMs > until) return false;
    if (shardCount !== 0 && !listsShard(wireShard(record))) return false;
  }
  return choosesKey(wireKey(record), wireKeyLength(record));
}

/** Returns whether the sound entry with this key is chosen. */
export function choosesEntry(key: usize, keyBytes: u32): bool {
  return !choosesRecords && choosesKey(key, keyBytes);
}

function choosesKey(key: usize, keyBytes: u32): bool {
  if (globCount === 0) return true;
  let glob = globs;
  for (let i: u32 = 0; i < globCount; i++) {
    const bytes = load<u32>(glob);
    if (matches(glob + 4, bytes, key, keyBytes, false)) return true;
    glob += 4 + <usize>bytes;
  }
  return false;
}

function listsShard(id: u32): bool {
  for (let i: u32 = 0; i < shardCount; i++) {
    if (load<u32>(shards + ((<usize>i) << 2)) === id) return true;
  }
  return false;
}
