// The keys that clients watch, by their hashes, and when each was last changed: an open table of 32 bytes a
// key.
//   0  u64  keyed hash (keyed-hash.ts)
//   8  u64  number of the last change
//   16 u64  the same without deletions of what had expired already
//   24 u32  watchers; 0: no entry
// Two keys of one hash share an entry: each then seems to change with the other, and no change is missed.
//
// Invariants (`checkChanges`): every entry is found from its hash; `watchedHashes` counts them, and at least
// a quarter of the table is free.
import { allocateReserve, freePages } from '../memory/pages';

const ENTRY_SHIFT: usize = 5;
const CAPACITY_MIN: u32 = 128;
/**
 * Hashes watched at once, so that watching alone cannot take the memory that a full store needs in order to
 * delete.
 */
const WATCHED_MAX: u32 = 1 << 20;

/** How many hashes are watched. While it is 0, no change need be noted. */
export let watchedHashes: u32 = 0;
/** Changes of watched keys so far. */
export let changeCount: u64 = 0;
let table: usize = 0;
let capacity: u32 = 0;

/** Adds a watcher of a hash; returns false when memory is exhausted. */
export function watchHash(keyed: u64): bool {
  if (capacity !== 0) {
    const entry = entryFor(keyed);
    if (watchersOf(entry) !== 0) {
      setWatchers(entry, watchersOf(entry) + 1);
      return true;
    }
  }
  if (watchedHashes === WATCHED_MAX) return false;
  if ((watchedHashes + 1) << 2 > capacity * 3 && !resize(max(capacity << 1, CAPACITY_MIN))) return false;
  const entry = entryFor(keyed);
  store<u64>(entry, keyed);
  store<u64>(entry, 0, 8);
  store<u64>(entry, 0, 16);
  setWatchers(entry, 1);
  watchedHashes++;
  return true;
}

/** Takes away a watcher of a hash. */
export function unwatchHash(keyed: u64): void {
  const entry = watched(keyed);
  if (entry === 0) return;
  setWatchers(entry, watchersOf(entry) - 1);
  if (watchersOf(entry) !== 0) return;
  watchedHashes--;
  closeGap(entry);
  if (watchedHashes === 0) {
    freePages(table);
    capacity = 0;
  } else if (capacity > CAPACITY_MIN && watchedHashes << 3 < capacity) resize(capacity >> 1);
}

/**
 * Notes a change of a key. `wasExpired` means that a key past its expiry was deleted, which no client could
 * see.
 */
export function noteChange(keyed: u64, wasExpired: bool): void {
  const entry = watched(keyed);
  if (entry === 0) return;
  changeCount++;
  store<u64>(entry, changeCount, 8);
  if (!wasExpired) store<u64>(entry, changeCount, 16);
}

/** Returns the entry of a hash, 0 when nobody watches it. */
export function watched(keyed: u64): usize {
  if (capacity === 0) return 0;
  const entry = entryFor(keyed);
  return watchersOf(entry) === 0 ? 0 : entry;
}

/** Returns the number of the entry's last change. */
export function lastChangeOf(entry: usize): u64 {
  return load<u64>(entry, 8);
}

/** Returns the number of the entry's last change without deletions of what had expired already. */
export function lastVisibleChangeOf(entry: usize): u64 {
  return load<u64>(entry, 16);
}

function watchersOf(entry: usize): u32 {
  return load<u32>(entry, 24);
}

function setWatchers(entry: usize, watchers: u32): void {
  store<u32>(entry, watchers, 24);
}

/** Returns where the search for an entry begins: its top bits. */
function homeOf(keyed: u64): u32 {
  return <u32>(keyed >> (64 - <u64>ctz(capacity)));
}

/** Returns the hash's entry, or the free one in which it belongs. */
function entryFor(keyed: u64): usize {
  let index = homeOf(keyed);
  let entry = entryAt(index);
  while (watchersOf(entry) !== 0 && load<u64>(entry) !== keyed) {
    index = (index + 1) & (capacity - 1);
    entry = entryAt(index);
  }
  return entry;
}

function entryAt(index: u32): usize {
  return table + ((<usize>index) << ENTRY_SHIFT);
}

/** Moves up the entries that a freed one would cut off from where their search begins. */
function closeGap(entry: usize): void {
  let gap = <u32>((entry - table) >> ENTRY_SHIFT);
  let index = gap;
  for (;;) {
    index = (index + 1) & (capacity - 1);
    const other = entryAt(index);
    if (watchersOf(other) === 0) break;
    const home = homeOf(load<u64>(other));
    if (((index - home) & (capacity - 1)) < ((index - gap) & (capacity - 1))) continue;
    memory.copy(entryAt(gap), other, 32);
    gap = index;
  }
  setWatchers(entryAt(gap), 0);
}

/**
 * Moves all entries to a larger or smaller table; returns false, with nothing changed, when memory is
 * exhausted.
 */
function resize(entries: u32): bool {
  const bytes = (<usize>entries) << ENTRY_SHIFT;
  const resized = allocateReserve(bytes);
  if (resized === 0) return false;
  memory.fill(resized, 0, bytes);
  const old = table;
  const oldEnd = old + ((<usize>capacity) << ENTRY_SHIFT);
  const hadTable = capacity !== 0;
  table = resized;
  capacity = entries;
  if (!hadTable) return true;
  for (let entry = old; entry < oldEnd; entry += 1 << ENTRY_SHIFT) {
    if (watchersOf(entry) !== 0) memory.copy(entryFor(load<u64>(entry)), entry, 32);
  }
  freePages(old);
  return true;
}

/** Asserts the invariants of the table of watched keys. */
export function checkChanges(): void {
  let entries: u32 = 0;
  for (let index: u32 = 0; index < capacity; index++) {
    const entry = entryAt(index);
    if (watchersOf(entry) === 0) continue;
    assert(entryFor(load<u64>(entry)) === entry, 'an entry is found from its hash');
    assert(
      load<u64>(entry, 16) <= load<u64>(entry, 8) && load<u64>(entry, 8) <= changeCount,
      'changes were counted',
    );
    entries++;
  }
  assert(
    entries === watchedHashes && entries << 2 <= capacity * 3,
    'the entries are those that were counted',
  );
}
