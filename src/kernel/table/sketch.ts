// The keys that come most often, in memory that does not grow: the space-saving sketch (Metwally, Agrawal, El
// Abbadi 2005). It counts SKETCH_ITEMS keys. When it is full, a new key takes the place and the count of the
// key that was counted least, and that count is kept as the most by which the new one's may be too high.
// Every key that is more than a SKETCH_ITEMS-th of all is in it.
//
// A sketch is one block: how many items there are (u32), the head of the free groups (u32), the heads of the
// hash chains, the items, and the groups. The hash is keyed, so that nobody can make keys that share a chain.
// A group has the items of one count, and the groups are linked by rising count. Items and groups are
// numbered from 1, 0 is none; in group 0 the list of groups begins and ends. SKETCH_* of layout.ts is the
// layout of an item and a group.
import { copyBytes } from '../bytes';
import { keyedHash } from '../keyed-hash';
import {
  SKETCH_BYTES,
  SKETCH_GROUP,
  SKETCH_GROUP_BYTES,
  SKETCH_GROUPS_AT,
  SKETCH_HASH_BITS,
  SKETCH_HEADS_AT,
  SKETCH_ITEM_BYTES,
  SKETCH_ITEMS,
  SKETCH_ITEMS_AT,
  SKETCH_KEY,
  SKETCH_KEY_BYTES,
  SKETCH_KEY_BYTES_MAX,
  SKETCH_KEY_ERROR,
  SKETCH_KEY_TOTAL,
} from '../layout';

// The fields of an item that the host does not read: hash, next in its chain, next and previous in its group.
const HASH: usize = 24;
const CHAIN: usize = 36;
const NEXT: usize = 40;
const PREVIOUS: usize = 44;
// The fields of a group behind its count: first item, previous and next group.
const FIRST: usize = 8;
const BEFORE: usize = 12;
const AFTER: usize = 16;

/** Makes an empty sketch in the SKETCH_BYTES bytes at `sketch`. */
export function openSketch(sketch: usize): void {
  memory.fill(sketch, 0, SKETCH_BYTES);
  store<u32>(sketch, 1, 4);
  for (let group: u32 = 1; group <= <u32>SKETCH_ITEMS; group++) {
    store<u32>(groupAt(sketch, group), group + 1, AFTER);
  }
}

/**
 * Counts a key once, and `bytes` with it; returns its item, which is the key's until another key is counted.
 */
export function countKey(sketch: usize, key: usize, keyBytes: u32, bytes: u64): u32 {
  const hash = keyedHash(key, keyBytes);
  const head = headOf(sketch, hash);
  for (let id = load<u32>(head); id !== 0; id = load<u32>(itemAt(sketch, id), CHAIN)) {
    const item = itemAt(sketch, id);
    if (load<u64>(item, HASH) !== hash) continue;
    countItem(sketch, id, bytes);
    return id;
  }
  let id = load<u32>(sketch) + 1;
  if (id <= <u32>SKETCH_ITEMS) {
    store<u32>(sketch, id);
    join(sketch, id, groupOf(sketch, 0, 0));
  } else {
    id = load<u32>(groupAt(sketch, load<u32>(groupAt(sketch, 0), AFTER)), FIRST);
    unchain(sketch, id);
  }
  const item = itemAt(sketch, id);
  const group = groupAt(sketch, load<u32>(item, SKETCH_GROUP));
  store<u64>(item, load<u64>(group), SKETCH_KEY_ERROR);
  store<u64>(item, bytes, SKETCH_KEY_TOTAL);
  store<u64>(item, hash, HASH);
  store<u32>(item, load<u32>(head), CHAIN);
  store<u32>(head, id);
  store<u32>(item, keyBytes, SKETCH_KEY_BYTES);
  copyBytes(item + SKETCH_KEY, key, min(keyBytes, <u32>SKETCH_KEY_BYTES_MAX));
  raise(sketch, id);
  return id;
}

/** Returns whether a key begins with that of an item, which is kept whole. */
export function beginsWith(sketch: usize, id: u32, key: usize, keyBytes: u32): bool {
  const item = itemAt(sketch, id);
  const length = load<u32>(item, SKETCH_KEY_BYTES);
  if (length > keyBytes) return false;
  for (let i: usize = 0; i < <usize>length; i++) {
    if (load<u8>(key + i) !== load<u8>(item + i, SKETCH_KEY)) return false;
  }
  return true;
}

/** Counts an item's key once more. */
export function countItem(sketch: usize, id: u32, bytes: u64): void {
  const item = itemAt(sketch, id);
  store<u64>(item, load<u64>(item, SKETCH_KEY_TOTAL) + bytes, SKETCH_KEY_TOTAL);
  raise(sketch, id);
}

/** Returns the item that is counted most but for `rank` others; 0 where there is none. */
export function frequentItem(sketch: usize, rank: u32): usize {
  let group = load<u32>(groupAt(sketch, 0), BEFORE);
  for (; group !== 0; group = load<u32>(groupAt(sketch, group), BEFORE)) {
    let id = load<u32>(groupAt(sketch, group), FIRST);
    for (; id !== 0; id = load<u32>(itemAt(sketch, id), NEXT)) {
      if (rank === 0) return itemAt(sketch, id);
      rank--;
    }
  }
  return 0;
}

/** Returns the count of an item. */
export function itemCount(sketch: usize, item: usize): u64 {
  return load<u64>(groupAt(sketch, load<u32>(item, SKETCH_GROUP)));
}

/** Moves an item to the group of the next count. */
function raise(sketch: usize, id: u32): void {
  const old = load<u32>(itemAt(sketch, id), SKETCH_GROUP);
  const from = groupAt(sketch, old);
  const count = load<u64>(from) + 1;
  const after = load<u32>(from, AFTER);
  const isAlone = load<u32>(itemAt(sketch, load<u32>(from, FIRST)), NEXT) === 0;
  const exists = after !== 0 && load<u64>(groupAt(sketch, after)) === count;
  if (isAlone && !exists) {
    store<u64>(from, count);
    return;
  }
  const to = groupOf(sketch, old, count);
  leave(sketch, id, from);
  join(sketch, id, to);
  if (isAlone) dissolve(sketch, old);
}

/** Returns the group of `count`, which is above that of the group `before` and not above the next one's. */
function groupOf(sketch: usize, before: u32, count: u64): u32 {
  const from = groupAt(sketch, before);
  const after = load<u32>(from, AFTER);
  if (after !== 0 && load<u64>(groupAt(sketch, after)) === count) return after;
  const made = load<u32>(sketch, 4);
  const group = groupAt(sketch, made);
  store<u32>(sketch, load<u32>(group, AFTER), 4);
  store<u64>(group, count);
  store<u32>(group, 0, FIRST);
  store<u32>(group, before, BEFORE);
  store<u32>(group, after, AFTER);
  store<u32>(from, made, AFTER);
  store<u32>(groupAt(sketch, after), made, BEFORE);
  return made;
}

/** Frees a group that is empty. */
function dissolve(sketch: usize, id: u32): void {
  const group = groupAt(sketch, id);
  const before = load<u32>(group, BEFORE);
  const after = load<u32>(group, AFTER);
  store<u32>(groupAt(sketch, before), after, AFTER);
  store<u32>(groupAt(sketch, after), before, BEFORE);
  store<u32>(group, load<u32>(sketch, 4), AFTER);
  store<u32>(sketch, id, 4);
}

function join(sketch: usize, id: u32, to: u32): void {
  const group = groupAt(sketch, to);
  const item = itemAt(sketch, id);
  const first = load<u32>(group, FIRST);
  store<u32>(item, to, SKETCH_GROUP);
  store<u32>(item, first, NEXT);
  store<u32>(item, 0, PREVIOUS);
  if (first !== 0) store<u32>(itemAt(sketch, first), id, PREVIOUS);
  store<u32>(group, id, FIRST);
}

function leave(sketch: usize, id: u32, group: usize): void {
  const item = itemAt(sketch, id);
  const next = load<u32>(item, NEXT);
  const previous = load<u32>(item, PREVIOUS);
  if (previous === 0) store<u32>(group, next, FIRST);
  else store<u32>(itemAt(sketch, previous), next, NEXT);
  if (next !== 0) store<u32>(itemAt(sketch, next), previous, PREVIOUS);
}

function unchain(sketch: usize, id: u32): void {
  const item = itemAt(sketch, id);
  const head = headOf(sketch, load<u64>(item, HASH));
  let link = head;
  while (load<u32>(link) !== id) link = itemAt(sketch, load<u32>(link)) + CHAIN;
  store<u32>(link, load<u32>(item, CHAIN));
}

function headOf(sketch: usize, hash: u64): usize {
  return sketch + SKETCH_HEADS_AT + ((<usize>(hash >> <u64>(64 - SKETCH_HASH_BITS))) << 2);
}

function itemAt(sketch: usize, id: u32): usize {
  return sketch + SKETCH_ITEMS_AT + <usize>id * SKETCH_ITEM_BYTES;
}

function groupAt(sketch: usize, id: u32): usize {
  return sketch + SKETCH_GROUPS_AT + <usize>id * SKETCH_GROUP_BYTES;
}
