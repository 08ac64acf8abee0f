// Which records and entries of a dump are chosen; the host's src/dump/choose/filter.ts says the same one by one.
import { matches } from '../glob';
import { OP_SET, OP_SET_GOVERNED } from '../layout';
import { wireKey, wireKeyLength, wireOp, wireSequence, wireShard, wireTimestamp } from '../record-fields';

let start: u64 = 0;
let end: u64 = u64.MAX_VALUE;
let since: u64 = 0;
let until: u64 = u64.MAX_VALUE;
/** Bits of the ops that are chosen. */
let ops: u32 = 0;
/** u32 each; none: all. */
let shards: usize = 0;
let shardCount: u32 = 0;
/** For each its bytes (u32) and the glob, one behind the other; none: all keys. */
let globs: usize = 0;
let globCount: u32 = 0;
let choosesRecords: bool = false;

/** Ranges include both ends. */
export function filterRanges(first: u64, last: u64, sinceMs: u64, untilMs: u64): void {
  start = first;
  end = last;
  since = sinceMs;
  until = untilMs;
}

/** The lists stay the host's. `recordsOnly`: what records are chosen by, entries do not have. */
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

/** Whether a sound record passes. */
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

/** Whether a sound entry passes, whose key this is. */
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
