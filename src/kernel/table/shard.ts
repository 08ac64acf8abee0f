// The state of each shard, 128 bytes in an array. Shards share nothing but the arena.
import { SHARDS_MAX } from '../layout';
import { allocatePages } from '../memory/pages';

const SHARD_BYTES: usize = 128;

let shards: usize = 0;
export let shardCount: u32 = 0;
let routeShift: u64 = 0;
let routesByPrefix: bool = false;

/**
 * Sets up `count` empty shards; returns false when it is no power of two up to 1024 or memory is exhausted.
 */
export function initializeShards(count: u32, byPrefix: bool): bool {
  if (count === 0 || count > <u32>SHARDS_MAX || popcnt(count) !== 1) return false;
  shards = allocatePages(<usize>count * SHARD_BYTES);
  if (shards === 0) return false;
  memory.fill(shards, 0, <usize>count * SHARD_BYTES);
  shardCount = count;
  routeShift = <u64>(64 - ctz(count));
  routesByPrefix = byPrefix;
  return true;
}

export function shardAt(id: u32): usize {
  return shards + <usize>id * SHARD_BYTES;
}

export function idOf(shard: usize): u32 {
  return <u32>((shard - shards) / SHARD_BYTES);
}

/** Returns the shard that a hash routes to (docs/protocol.md, "Routing"). */
export function routeOfHash(hash: u64): u32 {
  return shardCount === 1 ? 0 : <u32>((hash << 7) >> routeShift);
}

export function isRoutedByPrefix(): bool {
  return routesByPrefix;
}

/**
 * Returns how many bytes of a key route it when sessions are kept together: those before the last `:c:` of
 * `s:<session>:c:<chunk>`, else all of the key.
 */
export function routedLength(key: usize, length: u32): u32 {
  if (length < 3 || load<u16>(key) !== 0x3a73) return length;
  for (let at = <i32>length - 3; at >= 0; at--) {
    if (load<u8>(key + at) === 0x3a && load<u16>(key + at, 1) === 0x3a63) return at;
  }
  return length;
}

// The table (table.ts): its directory's address and depth, then how many keys there are, segments, and
// segments of the directory's depth.
export function directoryOf(s: usize): usize {
  return load<u32>(s);
}
export function setDirectory(s: usize, at: usize): void {
  store<u32>(s, <u32>at);
}
export function depthOf(s: usize): u32 {
  return load<u32>(s, 4);
}
export function setDepth(s: usize, depth: u32): void {
  store<u32>(s, depth, 4);
}
export function keysOf(s: usize): u32 {
  return load<u32>(s, 8);
}
export function setKeys(s: usize, keys: u32): void {
  store<u32>(s, keys, 8);
}
export function segmentsOf(s: usize): u32 {
  return load<u32>(s, 12);
}
export function setSegments(s: usize, segments: u32): void {
  store<u32>(s, segments, 12);
}
export function deepestOf(s: usize): u32 {
  return load<u32>(s, 16);
}
export function setDeepest(s: usize, segments: u32): void {
  store<u32>(s, segments, 16);
}

// The expiry heap (expiry.ts): its directory of pages, its entries and its pages.
export function heapOf(s: usize): usize {
  return load<u32>(s, 20);
}
export function setHeap(s: usize, at: usize): void {
  store<u32>(s, <u32>at, 20);
}
export function expiringOf(s: usize): u32 {
  return load<u32>(s, 24);
}
export function setExpiring(s: usize, entries: u32): void {
  store<u32>(s, entries, 24);
}
export function heapPagesOf(s: usize): u32 {
  return load<u32>(s, 28);
}
export function setHeapPages(s: usize, pages: u32): void {
  store<u32>(s, pages, 28);
}

// The open frame (batch.ts): its buffer, payload bytes so far, records, the buffer's bytes, when the first
// record came in microseconds, and the highest sequence that was given out (by a primary) or applied (by a
// replica).
export function frameOf(s: usize): usize {
  return load<u32>(s, 32);
}
export function setFrame(s: usize, at: usize): void {
  store<u32>(s, <u32>at, 32);
}
export function frameBytesOf(s: usize): u32 {
  return load<u32>(s, 36);
}
export function setFrameBytes(s: usize, bytes: u32): void {
  store<u32>(s, bytes, 36);
}
export function frameRecordsOf(s: usize): u32 {
  return load<u32>(s, 40);
}
export function setFrameRecords(s: usize, records: u32): void {
  store<u32>(s, records, 40);
}
export function frameCapacityOf(s: usize): u32 {
  return load<u32>(s, 44);
}
export function setFrameCapacity(s: usize, bytes: u32): void {
  store<u32>(s, bytes, 44);
}
export function openedAtOf(s: usize): f64 {
  return load<f64>(s, 48);
}
export function setOpenedAt(s: usize, us: f64): void {
  store<f64>(s, us, 48);
}
export function sequenceOf(s: usize): u64 {
  return load<u64>(s, 56);
}
export function setSequence(s: usize, sequence: u64): void {
  store<u64>(s, sequence, 56);
}

// The highest sequence that the first pass of an apply has seen (apply.ts), and the number of that apply.
export function guardOf(s: usize): u64 {
  return load<u64>(s, 64);
}
export function setGuard(s: usize, sequence: u64): void {
  store<u64>(s, sequence, 64);
}
export function guardRoundOf(s: usize): u32 {
  return load<u32>(s, 72);
}
export function setGuardRound(s: usize, round: u32): void {
  store<u32>(s, round, 72);
}

// The record that an apply ended with last, by its sequence and its print (last-record.ts).
export function printedSequenceOf(s: usize): u64 {
  return load<u64>(s, 80);
}
export function setPrintedSequence(s: usize, sequence: u64): void {
  store<u64>(s, sequence, 80);
}
export function printOf(s: usize): u64 {
  return load<u64>(s, 88);
}
export function setPrint(s: usize, print: u64): void {
  store<u64>(s, print, 88);
}

// The sums of the digest (store/digest.ts).
export function digestOf(s: usize): u64 {
  return load<u64>(s, 96);
}
export function setDigest(s: usize, sum: u64): void {
  store<u64>(s, sum, 96);
}
export function secondDigestOf(s: usize): u64 {
  return load<u64>(s, 104);
}
export function setSecondDigest(s: usize, sum: u64): void {
  store<u64>(s, sum, 104);
}
