// Keys that are kept for clients beside the content, whether or not the key is there: keys that clients track
// (tracked-keys.ts) and keys whose change is to be broadcast (broadcasts.ts). One is a cell, with more cells
// for a long key and for many trackers:
//   0  u32  while it is in an entry (changes.ts): the next kept key of the same hash; then: the next that
//           has changed
//   4  u32  key length
//   8  u32  the cell with the rest of the key, 0 without one; such a cell begins with the next
//   12 u32  trackers; 0 for a key that is to be broadcast
//   16 u64  keyed hash
//   24 u32  the tracker that changed the key, 0 when it was none
//   28 u32  the cell with more trackers, or the next key that is to be broadcast; 0 without
//   32 u32  the first two trackers
//   40      the first 24 bytes of the key
import { copyBytes } from '../bytes';
import { allocateCell, CELL_BYTES, freeCell } from '../memory/cells';
import { dropUnused, entryOf, keptOf, makeEntry, setKept } from './changes';

const KEY_AT: usize = 40;
const KEY_BYTES: u32 = <u32>(CELL_BYTES - KEY_AT);
const REST_AT: usize = 4;
const REST_BYTES: u32 = <u32>(CELL_BYTES - REST_AT);

/** Keeps a key in the entry of its hash, which is made if need be; returns it, 0 without memory. */
export function keepKey(keyed: u64, key: usize, keyBytes: u32): usize {
  const kept = makeKept(keyed, key, keyBytes);
  if (kept === 0) return 0;
  const found = entryOf(keyed);
  const entry = found === 0 ? makeEntry(keyed) : found;
  if (entry === 0) {
    freeKept(kept);
    return 0;
  }
  setNext(kept, keptOf(entry));
  setKept(entry, kept);
  return kept;
}

/** Takes a kept key out of its entry, which is dropped when it is then unused. */
export function takeOut(kept: usize): void {
  const entry = entryOf(load<u64>(kept, 16));
  unlinkKept(entry, kept);
  dropUnused(entry);
}

/** Takes a kept key out of its entry and leaves the entry there. */
export function unlinkKept(entry: usize, kept: usize): void {
  const next = nextOf(kept);
  if (keptOf(entry) === kept) {
    setKept(entry, next);
    return;
  }
  let before = keptOf(entry);
  while (nextOf(before) !== kept) before = nextOf(before);
  setNext(before, next);
}

/** Frees a kept key that is in no entry, and all its cells but those of trackers. */
export function freeKept(kept: usize): void {
  for (let cell: usize = load<u32>(kept, 8); cell !== 0; ) {
    const next: usize = load<u32>(cell);
    freeCell(cell);
    cell = next;
  }
  freeCell(kept);
}

export function nextOf(kept: usize): usize {
  return load<u32>(kept);
}

export function setNext(kept: usize, next: usize): void {
  store<u32>(kept, <u32>next);
}

export function keptKeyBytes(kept: usize): u32 {
  return load<u32>(kept, 4);
}

/** Returns how many clients track the key, 0 for a key that is to be broadcast. */
export function trackersOf(kept: usize): u32 {
  return load<u32>(kept, 12);
}

export function setTrackers(kept: usize, trackers: u32): void {
  store<u32>(kept, trackers, 12);
}

/** Returns the tracker that changed the key, 0 when it was none. */
export function changedByOf(kept: usize): u32 {
  return load<u32>(kept, 24);
}

export function setChangedBy(kept: usize, tracker: u32): void {
  store<u32>(kept, tracker, 24);
}

/** Returns the cell with more trackers, or the next key that is to be broadcast. */
export function moreOf(kept: usize): usize {
  return load<u32>(kept, 28);
}

export function setMore(kept: usize, more: usize): void {
  store<u32>(kept, <u32>more, 28);
}

/** Returns whether the kept key is these bytes. */
export function isKey(kept: usize, key: usize, keyBytes: u32): bool {
  if (load<u32>(kept, 4) !== keyBytes) return false;
  const first = min(keyBytes, KEY_BYTES);
  if (memory.compare(kept + KEY_AT, key, first) !== 0) return false;
  let left = keyBytes - first;
  let at = key + <usize>first;
  for (let cell: usize = load<u32>(kept, 8); cell !== 0; cell = load<u32>(cell)) {
    const part = min(left, REST_BYTES);
    if (memory.compare(cell + REST_AT, at, part) !== 0) return false;
    left -= part;
    at += <usize>part;
  }
  return true;
}

/** Copies the key's bytes to `to`. */
export function copyKept(kept: usize, to: usize): void {
  let left = load<u32>(kept, 4);
  let part = min(left, KEY_BYTES);
  copyBytes(to, kept + KEY_AT, part);
  for (let cell: usize = load<u32>(kept, 8); cell !== 0; cell = load<u32>(cell)) {
    to += <usize>part;
    left -= part;
    part = min(left, REST_BYTES);
    copyBytes(to, cell + REST_AT, part);
  }
}

function makeKept(keyed: u64, key: usize, keyBytes: u32): usize {
  const kept = allocateCell();
  if (kept === 0) return 0;
  const first = min(keyBytes, KEY_BYTES);
  memory.fill(kept, 0, KEY_AT);
  store<u32>(kept, keyBytes, 4);
  store<u64>(kept, keyed, 16);
  copyBytes(kept + KEY_AT, key, first);
  let left = keyBytes - first;
  let link = kept + 8;
  for (let at = key + <usize>first; left !== 0; ) {
    const cell = allocateCell();
    if (cell === 0) {
      freeKept(kept);
      return 0;
    }
    const part = min(left, REST_BYTES);
    store<u32>(cell, 0);
    copyBytes(cell + REST_AT, at, part);
    store<u32>(link, <u32>cell);
    link = cell;
    left -= part;
    at += <usize>part;
  }
  return kept;
}
