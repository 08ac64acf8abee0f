// The keys that clients watch or track, by their hashes, and when each was last changed: an open table of 32
// bytes a key.
//   0  u64  keyed hash (keyed-hash.ts)
//   8  u64  number of the last change
//   16 u64  the same without deletions of what had expired already
//   24 u32  watchers
//   28 u32  the first of the keys of this hash that are kept (kept-keys.ts), 0 when none is
// An entry without watchers and kept keys is free. Two watched keys of one hash share an entry: each then
// seems to change with the other, and no change is missed.
//
// The top bits of a hash choose one of 64 such tables, each of which grows and shrinks by itself: few entries
// move at once, however many keys there are.
//
// Invariants (`checkChanges`): every entry is found from its hash; `entries` and `watchedHashes` count them
// and those with watchers, and at least a quarter of each table is free.
import { allocateReserve, freePages } from '../memory/pages';

/** How many tables there are, and the bits of a hash that choose one. */
export const TABLES: u32 = 64;
const TABLE_BITS: u64 = 6;
const ENTRY_SHIFT: usize = 5;
const CAPACITY_MIN: u32 = 128;
/**
 * Hashes watched at once, so that watching alone cannot take the memory that a full store needs in order to
 * delete.
 */
const WATCHED_MAX: u32 = 1 << 20;

/** Of each table 0 its address (u32), 4 its capacity in entries (u32), 8 its entries in use (u32). */
const tables: usize = memory.data(1024, 8);
let entries: u32 = 0;
let watchedHashes: u32 = 0;
/** All keys are of interest, not only those with an entry. */
let isEveryKeyNoted: bool = false;
/** Whether changes must be noted: some key is watched or tracked, or all are of interest. */
export let areChangesNoted: bool = false;
/** Changes of watched keys so far. */
export let changeCount: u64 = 0;
/** Changes of all keys, their values and their expiries, modulo 2^32. */
let contentChanges: u32 = 0;

/** Counts a change of any key. */
export function countContentChange(): void {
  contentChanges++;
}

/** Returns how many times any key was changed, modulo 2^32. */
export function contentChangeCount(): u32 {
  return contentChanges;
}

/** Has changes of all keys noted, or only of those with an entry. */
export function noteEveryKey(isEvery: bool): void {
  isEveryKeyNoted = isEvery;
  areChangesNoted = isEvery || entries !== 0;
}

/** Adds a watcher of a hash; returns false when memory is exhausted. */
export function watchHash(keyed: u64): bool {
  const found = entryOf(keyed);
  if ((found === 0 || watchersOf(found) === 0) && watchedHashes === WATCHED_MAX) return false;
  const entry = found === 0 ? makeEntry(keyed) : found;
  if (entry === 0) return false;
  if (watchersOf(entry) === 0) watchedHashes++;
  setWatchers(entry, watchersOf(entry) + 1);
  return true;
}

/** Takes away a watcher of a hash. */
export function unwatchHash(keyed: u64): void {
  const entry = watched(keyed);
  if (entry === 0) return;
  setWatchers(entry, watchersOf(entry) - 1);
  if (watchersOf(entry) !== 0) return;
  watchedHashes--;
  dropUnused(entry);
}

/**
 * Counts a change of an entry's key. `wasExpired` means that a key past its expiry was deleted, which no
 * client could see.
 */
export function countChange(entry: usize, wasExpired: bool): void {
  changeCount++;
  store<u64>(entry, changeCount, 8);
  if (!wasExpired) store<u64>(entry, changeCount, 16);
}

/** Returns the entry of a hash, 0 when nobody watches it. */
export function watched(keyed: u64): usize {
  const entry = entryOf(keyed);
  return entry === 0 || watchersOf(entry) === 0 ? 0 : entry;
}

/** Returns the number of the entry's last change. */
export function lastChangeOf(entry: usize): u64 {
  return load<u64>(entry, 8);
}

/** Returns the number of the entry's last change without deletions of what had expired already. */
export function lastVisibleChangeOf(entry: usize): u64 {
  return load<u64>(entry, 16);
}

/** Returns the first kept key of the entry, 0 without one. */
export function keptOf(entry: usize): usize {
  return load<u32>(entry, 28);
}

export function setKept(entry: usize, kept: usize): void {
  store<u32>(entry, <u32>kept, 28);
}

/** Returns the entry of a hash, 0 when it has none. It stays there until an entry is made or dropped. */
export function entryOf(keyed: u64): usize {
  const table = tableOf(keyed);
  if (capacityOf(table) === 0) return 0;
  const entry = entryFor(table, keyed);
  return isUsed(entry) ? entry : 0;
}

/** Makes the entry of a hash that has none; returns 0 when memory is exhausted. */
export function makeEntry(keyed: u64): usize {
  const table = tableOf(keyed);
  const capacity = capacityOf(table);
  const used = usedOf(table);
  if ((used + 1) << 2 > capacity * 3 && !resize(table, max(capacity << 1, CAPACITY_MIN))) return 0;
  const entry = entryFor(table, keyed);
  store<u64>(entry, keyed);
  memory.fill(entry + 8, 0, 24);
  setUsed(table, used + 1);
  entries++;
  areChangesNoted = true;
  return entry;
}

/** Drops an entry that has neither watchers nor kept keys; entries may move. */
export function dropUnused(entry: usize): void {
  if (dropInPlace(entry)) fitTable(tableOf(load<u64>(entry)));
}

/**
 * Does what `dropUnused` does, while one goes through a table: only entries behind this one in the table
 * move, and one of them perhaps to this place. Returns whether the entry was unused.
 */
export function dropInPlace(entry: usize): bool {
  if (isUsed(entry)) return false;
  const table = tableOf(load<u64>(entry));
  setUsed(table, usedOf(table) - 1);
  entries--;
  areChangesNoted = isEveryKeyNoted || entries !== 0;
  closeGap(table, entry);
  return true;
}

/** Returns a table by its number. */
export function tableAt(index: u32): usize {
  return tables + ((<usize>index) << 4);
}

/** Returns how many entries a table has room for, 0 when it has no memory. */
export function capacityOf(table: usize): u32 {
  return load<u32>(table, 4);
}

/** Returns a place of a table, which may be free. */
export function placeIn(table: usize, index: u32): usize {
  return <usize>load<u32>(table) + ((<usize>index) << ENTRY_SHIFT);
}

/** Makes a table smaller that has become sparse, and frees one that is empty. */
export function fitTable(table: usize): void {
  const capacity = capacityOf(table);
  const used = usedOf(table);
  if (capacity === 0) return;
  if (used === 0) {
    freePages(load<u32>(table));
    store<u32>(table, 0, 4);
  } else if (capacity > CAPACITY_MIN && used << 3 < capacity) resize(table, capacity >> 1);
}

function isUsed(entry: usize): bool {
  return load<u64>(entry, 24) !== 0;
}

function watchersOf(entry: usize): u32 {
  return load<u32>(entry, 24);
}

function setWatchers(entry: usize, watchers: u32): void {
  store<u32>(entry, watchers, 24);
}

function tableOf(keyed: u64): usize {
  return tableAt(<u32>(keyed >> (64 - TABLE_BITS)));
}

function usedOf(table: usize): u32 {
  return load<u32>(table, 8);
}

function setUsed(table: usize, used: u32): void {
  store<u32>(table, used, 8);
}

/** Returns where the search for an entry begins: the bits below those that chose the table. */
function homeOf(table: usize, keyed: u64): u32 {
  return <u32>((keyed << TABLE_BITS) >> (64 - <u64>ctz(capacityOf(table))));
}

/** Returns the hash's entry, or the free one in which it belongs. */
function entryFor(table: usize, keyed: u64): usize {
  const last = capacityOf(table) - 1;
  let index = homeOf(table, keyed);
  let entry = placeIn(table, index);
  while (isUsed(entry) && load<u64>(entry) !== keyed) {
    index = (index + 1) & last;
    entry = placeIn(table, index);
  }
  return entry;
}

/** Moves up the entries that a freed one would cut off from where their search begins. */
function closeGap(table: usize, entry: usize): void {
  const last = capacityOf(table) - 1;
  let gap = <u32>((entry - <usize>load<u32>(table)) >> ENTRY_SHIFT);
  let index = gap;
  for (;;) {
    index = (index + 1) & last;
    const other = placeIn(table, index);
    if (!isUsed(other)) break;
    const home = homeOf(table, load<u64>(other));
    if (((index - home) & last) < ((index - gap) & last)) continue;
    memory.copy(placeIn(table, gap), other, 32);
    gap = index;
  }
  store<u64>(placeIn(table, gap), 0, 24);
}

/**
 * Moves all entries to a larger or smaller table; returns false, with nothing changed, when memory is
 * exhausted.
 */
function resize(table: usize, capacity: u32): bool {
  const bytes = (<usize>capacity) << ENTRY_SHIFT;
  const resized = allocateReserve(bytes);
  if (resized === 0) return false;
  memory.fill(resized, 0, bytes);
  const old: usize = load<u32>(table);
  const oldEnd = old + ((<usize>capacityOf(table)) << ENTRY_SHIFT);
  store<u32>(table, <u32>resized);
  store<u32>(table, capacity, 4);
  if (old === oldEnd) return true;
  for (let entry = old; entry < oldEnd; entry += 1 << ENTRY_SHIFT) {
    if (isUsed(entry)) memory.copy(entryFor(table, load<u64>(entry)), entry, 32);
  }
  freePages(old);
  return true;
}

/** Asserts the invariants of the tables. */
export function checkChanges(): void {
  let all: u32 = 0;
  let withWatchers: u32 = 0;
  for (let number: u32 = 0; number < TABLES; number++) {
    const table = tableAt(number);
    let used: u32 = 0;
    for (let index: u32 = 0; index < capacityOf(table); index++) {
      const entry = placeIn(table, index);
      if (!isUsed(entry)) continue;
      assert(entryOf(load<u64>(entry)) === entry, 'an entry is found from its hash');
      assert(
        load<u64>(entry, 16) <= load<u64>(entry, 8) && load<u64>(entry, 8) <= changeCount,
        'changes were counted',
      );
      if (watchersOf(entry) !== 0) withWatchers++;
      used++;
    }
    assert(
      used === usedOf(table) && used << 2 <= capacityOf(table) * 3,
      "a table's entries are those that were counted",
    );
    all += used;
  }
  assert(all === entries && withWatchers === watchedHashes, 'the entries are those that were counted');
  assert(areChangesNoted === (isEveryKeyNoted || entries !== 0), 'changes are noted while they matter');
}
