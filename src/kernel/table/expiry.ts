// Expiry times: a heap of (Unix ms, record) for each shard, nearest first, with four children a node. Each
// record knows its place. The heap lies in pages of 256 entries behind a directory, so that it grows without
// being copied.
//
// Invariants (`checkExpiry`): no entry is later than its children; a record's place names the entry that
// names the record; the pages have room for all entries.
import { ASSERTS } from '../assertions';
import { allocatePages, freePages, PAGE_BYTES, runBytes } from '../memory/pages';
import { heapPlaceOf, isInUse, setHeapPlace } from '../memory/record';
import {
  expiringOf,
  heapOf,
  heapPagesOf,
  setExpiring,
  setHeap,
  setHeapPages,
  shardAt,
  shardCount,
} from './shard';

export const NEVER: u64 = u64.MAX_VALUE;

const ENTRY_SHIFT: u32 = 4;
/** Bytes that an expiry takes beside its record. */
export const EXPIRY_BYTES: usize = 1 << ENTRY_SHIFT;
const ENTRIES_SHIFT: u32 = 8;
const ENTRIES_MASK: u32 = 255;
/** A shard's average is that of so many keys at most. */
const TTL_SAMPLES: u32 = 256;

/** Returns when a record expires, Unix ms, or NEVER. */
export function expiryOf(shard: usize, record: usize): u64 {
  const place = heapPlaceOf(record);
  return place === 0 ? NEVER : load<u64>(entryAt(shard, place - 1));
}

/** Makes room so that one more `setExpiry` cannot fail; returns false when memory is exhausted. */
export function reserveExpiry(shard: usize): bool {
  const pages = heapPagesOf(shard);
  if (expiringOf(shard) < pages << ENTRIES_SHIFT) return true;
  const directory = heapOf(shard);
  if (directory === 0 || (<usize>pages) << 2 === runBytes(directory)) {
    const larger = allocatePages(directory === 0 ? PAGE_BYTES : runBytes(directory) << 1);
    if (larger === 0) return false;
    if (directory !== 0) {
      memory.copy(larger, directory, (<usize>pages) << 2);
      freePages(directory);
    }
    setHeap(shard, larger);
  }
  const page = allocatePages(PAGE_BYTES);
  if (page === 0) return false;
  store<u32>(heapOf(shard) + ((<usize>pages) << 2), <u32>page);
  setHeapPages(shard, pages + 1);
  return true;
}

/**
 * Sets when a record expires; NEVER takes it out of the heap. `reserveExpiry` has made room for a new entry.
 */
export function setExpiry(shard: usize, record: usize, expiresAtMs: u64): void {
  const place = heapPlaceOf(record);
  if (expiresAtMs === NEVER) {
    if (place !== 0) removeAt(shard, record, place - 1);
    return;
  }
  if (place !== 0) {
    const entry = place - 1;
    const before = load<u64>(entryAt(shard, entry));
    if (expiresAtMs < before) rise(shard, entry, expiresAtMs, record);
    else if (expiresAtMs > before) sink(shard, entry, expiresAtMs, record);
    return;
  }
  const last = expiringOf(shard);
  if (ASSERTS) assert(last < heapPagesOf(shard) << ENTRIES_SHIFT, 'room was made for a new expiry');
  setExpiring(shard, last + 1);
  rise(shard, last, expiresAtMs, record);
}

/** Makes the entry of a record that has moved name its new address. */
export function moveExpiry(shard: usize, record: usize): void {
  const place = heapPlaceOf(record);
  if (place !== 0) store<u32>(entryAt(shard, place - 1), <u32>record, 8);
}

/** Returns the record that expires next when that is not after `nowMs`, else 0. */
export function nextExpired(shard: usize, nowMs: u64): usize {
  if (expiringOf(shard) === 0) return 0;
  const top = entryAt(shard, 0);
  return load<u64>(top) <= nowMs ? <usize>load<u32>(top, 8) : 0;
}

/** Returns the record of a shard's entry, by its place in the heap. */
export function expiringAt(shard: usize, index: u32): usize {
  return load<u32>(entryAt(shard, index), 8);
}

/** Returns the record of all shards that expires next, 0 when none does. */
export function nearestExpiring(): usize {
  let nearest = NEVER;
  let record: usize = 0;
  for (let id: u32 = 0; id < shardCount; id++) {
    const shard = shardAt(id);
    if (expiringOf(shard) === 0) continue;
    const top = entryAt(shard, 0);
    if (load<u64>(top) >= nearest) continue;
    nearest = load<u64>(top);
    record = load<u32>(top, 8);
  }
  return record;
}

/** The share of the keys with an expiry that were past it, as `averageTtl` has seen. */
export let staleShare: f64 = 0;

/**
 * Returns how many ms keys with an expiry have left on the average, 0 when none has one: of all of a shard's
 * keys, or of some from every part of its heap. A key past its expiry counts as 0.
 */
export function averageTtl(nowMs: u64): f64 {
  let left: f64 = 0;
  let stale: f64 = 0;
  let keys: f64 = 0;
  for (let id: u32 = 0; id < shardCount; id++) {
    const shard = shardAt(id);
    const entries = expiringOf(shard);
    const samples = min(entries, TTL_SAMPLES);
    let sum: f64 = 0;
    let past: f64 = 0;
    for (let i: u32 = 0; i < samples; i++) {
      const at = load<u64>(entryAt(shard, <u32>((<u64>i * <u64>entries) / <u64>samples)));
      if (at > nowMs) sum += <f64>(at - nowMs);
      else past += 1;
    }
    if (samples !== 0) {
      left += (sum / <f64>samples) * <f64>entries;
      stale += (past / <f64>samples) * <f64>entries;
    }
    keys += <f64>entries;
  }
  staleShare = keys === 0 ? 0 : stale / keys;
  return keys === 0 ? 0 : left / keys;
}

/** Returns the bytes of the heap's pages and directory. */
export function expiryBytes(shard: usize): f64 {
  const directory = heapOf(shard);
  if (directory === 0) return 0;
  return <f64>heapPagesOf(shard) * <f64>PAGE_BYTES + <f64>runBytes(directory);
}

function entryAt(shard: usize, index: u32): usize {
  const page: usize = load<u32>(heapOf(shard) + ((<usize>(index >> ENTRIES_SHIFT)) << 2));
  return page + ((<usize>(index & ENTRIES_MASK)) << ENTRY_SHIFT);
}

function put(shard: usize, index: u32, expiresAtMs: u64, record: usize): void {
  const entry = entryAt(shard, index);
  store<u64>(entry, expiresAtMs);
  store<u32>(entry, <u32>record, 8);
  setHeapPlace(record, index + 1);
}

function removeAt(shard: usize, record: usize, index: u32): void {
  if (ASSERTS) assert(load<u32>(entryAt(shard, index), 8) === <u32>record, 'an entry names its record');
  const last = expiringOf(shard) - 1;
  setExpiring(shard, last);
  setHeapPlace(record, 0);
  if (index !== last) {
    const entry = entryAt(shard, last);
    const expiresAtMs = load<u64>(entry);
    const moved: usize = load<u32>(entry, 8);
    if (expiresAtMs < load<u64>(entryAt(shard, index))) rise(shard, index, expiresAtMs, moved);
    else sink(shard, index, expiresAtMs, moved);
  }
  // One page more than needed is kept, so that a heap at a page's edge does not allocate and free over and
  // over.
  const pages = heapPagesOf(shard);
  if (pages > 1 && last + (2 << ENTRIES_SHIFT) <= pages << ENTRIES_SHIFT) {
    freePages(load<u32>(heapOf(shard) + ((<usize>(pages - 1)) << 2)));
    setHeapPages(shard, pages - 1);
  }
}

function rise(shard: usize, index: u32, expiresAtMs: u64, record: usize): void {
  while (index > 0) {
    const parent = (index - 1) >> 2;
    const entry = entryAt(shard, parent);
    const above = load<u64>(entry);
    if (above <= expiresAtMs) break;
    put(shard, index, above, load<u32>(entry, 8));
    index = parent;
  }
  put(shard, index, expiresAtMs, record);
}

function sink(shard: usize, index: u32, expiresAtMs: u64, record: usize): void {
  const count = expiringOf(shard);
  for (;;) {
    let least = expiresAtMs;
    let leastChild: u32 = 0;
    const first = (index << 2) + 1;
    const end = min(first + 4, count);
    for (let child = first; child < end; child++) {
      const below = load<u64>(entryAt(shard, child));
      if (below < least) {
        least = below;
        leastChild = child;
      }
    }
    if (leastChild === 0) break;
    put(shard, index, least, load<u32>(entryAt(shard, leastChild), 8));
    index = leastChild;
  }
  put(shard, index, expiresAtMs, record);
}

/** Asserts the invariants of a shard's heap. */
export function checkExpiry(shard: usize): void {
  const count = expiringOf(shard);
  assert(count <= heapPagesOf(shard) << ENTRIES_SHIFT, 'the pages have room for all entries');
  for (let index: u32 = 0; index < count; index++) {
    const entry = entryAt(shard, index);
    const record: usize = load<u32>(entry, 8);
    assert(isInUse(record) && heapPlaceOf(record) === index + 1, 'a record names the entry that names it');
    assert(load<u64>(entry) !== NEVER, 'what never expires has no entry');
    if (index === 0) continue;
    assert(
      load<u64>(entryAt(shard, (index - 1) >> 2)) <= load<u64>(entry),
      'no entry is later than its children',
    );
  }
}
