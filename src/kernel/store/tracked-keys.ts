// CLIENT TRACKING: which clients have been given which keys, and the keys that have changed since, until the
// host takes them. A client is a tracker, a number from 1 on that the host gives out. A key that has changed
// is tracked no more, as in Redis.
//
// Trackers past the first two are in cells, fifteen in each behind the next cell's address; the newest cell
// comes first and is the only one that may have room.
//
// Invariants (`checkTrackedKeys`): a kept key is in the entry of its hash; the tracked keys and their
// trackers are those that were counted.
import { ASSERTS } from '../assertions';
import { changed } from '../host';
import { TAKEN_BYTES, TRACKED_CELLS_MAX, TRACKED_KEY_BYTES_MAX, TRACKERS_MAX } from '../layout';
import { allocateCell, cellsInUse, freeCell } from '../memory/cells';
import { spareBytes } from '../memory/pages';
import { random } from '../random';
import { capacityOf, dropInPlace, entryOf, fitTable, keptOf, placeIn, TABLES, tableAt } from './changes';
import {
  changedByOf,
  copyKept,
  freeKept,
  isKey,
  keepKey,
  keptKeyBytes,
  moreOf,
  nextOf,
  setChangedBy,
  setMore,
  setNext,
  setTrackers,
  takeOut,
  trackersOf,
  unlinkKept,
} from './kept-keys';

const FIRST_AT: usize = 32;
const FIRST: u32 = 2;
const MORE_AT: usize = 4;
const IN_CELL: u32 = 15;
/** Bytes before the key of what the host takes: the tracker that changed it, its length, its trackers. */
const TAKEN_HEAD: usize = 12;
/** Memory that buffers need: with less to spare, keys are tracked no more. */
const SPARE_BYTES_MIN: f64 = 134217728;
/** Keys that are let go when one comes while there are too many: more than one, so that they become fewer. */
const LET_GO: u32 = 2;

let keysMax: u32 = u32.MAX_VALUE;
let keys: u32 = 0;
let items: f64 = 0;
/** The keys that have changed and were not taken, in their order. */
let firstChanged: usize = 0;
let lastChanged: usize = 0;
/** The tracker for whose key there was no memory, TRACKERS_MAX + 1 when it was several; 0 without one. */
let lost: u32 = 0;
/** The trackers that are to be forgotten, a bit each. */
const leaving: usize = memory.data(8192, 8);
const LEAVING_BYTES: usize = 8192;
/** How many tables are still to be gone through for them. */
let tablesLeft: u32 = 0;
/** Whether the host has been called for what waits. */
let isHostCalled: bool = false;

/** Returns how many keys are tracked. */
export function trackedKeys(): u32 {
  return keys;
}

/** Returns how many trackers all tracked keys have together. */
export function trackedItems(): f64 {
  return items;
}

/** Lets so many keys be tracked, any number with 0; those beyond it go as `letGo` is called. */
export function limitTracked(most: u32): void {
  keysMax = most === 0 ? u32.MAX_VALUE : most;
}

/** Calls the host, unless it has been called since it took what waits. */
export function callHost(): void {
  if (isHostCalled) return;
  isHostCalled = true;
  changed();
}

/** Notes that a tracker has been given a key. Without memory the tracker is lost. */
export function track(keyed: u64, key: usize, keyBytes: u32, tracker: u32): void {
  const entry = entryOf(keyed);
  let kept: usize = entry === 0 ? 0 : keptOf(entry);
  while (kept !== 0 && !(trackersOf(kept) !== 0 && isKey(kept, key, keyBytes))) kept = nextOf(kept);
  if (kept !== 0) {
    if (!hasTracker(kept, tracker) && !addTracker(kept, tracker)) lose(tracker);
    return;
  }
  kept = keyBytes > <u32>TRACKED_KEY_BYTES_MAX ? 0 : keepKey(keyed, key, keyBytes);
  if (kept === 0) {
    lose(tracker);
    return;
  }
  keys++;
  addTracker(kept, tracker);
  if (isOver()) letGo(LET_GO);
}

/**
 * Hands to the host the trackers of all keys of an entry, for one of them has changed, by a tracker or 0.
 * Returns whether `by` is among them. The entry stays, perhaps unused.
 */
export function invalidate(entry: usize, by: u32): bool {
  let isAmong = false;
  for (let kept = keptOf(entry); kept !== 0; ) {
    const next = nextOf(kept);
    if (trackersOf(kept) !== 0) {
      if (by !== 0 && hasTracker(kept, by)) isAmong = true;
      unlinkKept(entry, kept);
      handOver(kept, by);
    }
    kept = next;
  }
  return isAmong;
}

/** Lets up to `most` keys beyond the limit go, as though they had changed; returns how many. */
export function letGo(most: u32): u32 {
  let gone: u32 = 0;
  for (; gone < most && isOver(); gone++) {
    const kept = randomTracked();
    if (kept === 0) break;
    takeOut(kept);
    handOver(kept, 0);
  }
  return gone;
}

/** Marks a tracker as one that `purge` forgets. */
export function leave(tracker: u32): void {
  if (ASSERTS) assert(tracker !== 0 && tracker <= <u32>TRACKERS_MAX, 'there is such a tracker');
  const at = leaving + (<usize>tracker >> 3);
  const bit: u32 = 1 << (tracker & 7);
  store<u8>(at, <u32>load<u8>(at) | bit);
  tablesLeft = TABLES;
}

/**
 * Forgets the trackers that are marked, in steps of about `most` places; returns whether there is more to do.
 * When there is not, no mark is left.
 */
export function purge(most: u32): bool {
  let places: u32 = 0;
  while (tablesLeft !== 0 && places < most) {
    const table = tableAt(--tablesLeft);
    places += capacityOf(table) + 1;
    purgeTable(table);
  }
  if (tablesLeft !== 0) return true;
  memory.fill(leaving, 0, LEAVING_BYTES);
  return false;
}

/** Forgets all that is tracked, for what becomes of all keys is said to all trackers at once. */
export function forgetTracked(): void {
  memory.fill(leaving, 0xff, LEAVING_BYTES);
  tablesLeft = TABLES;
  purge(u32.MAX_VALUE);
}

/**
 * Puts the keys that have changed into TAKEN_BYTES of `output`, as many as fit, and forgets them: each with
 * the tracker that changed it, its length, how many trackers it has, its bytes, and the trackers. Returns the
 * bytes, 0 when none is left.
 */
export function takeChanged(output: usize): u32 {
  isHostCalled = false;
  const end = output + TAKEN_BYTES;
  let at = output;
  while (firstChanged !== 0) {
    const kept = firstChanged;
    const keyBytes = keptKeyBytes(kept);
    const trackers = trackersOf(kept);
    if (TAKEN_HEAD + <usize>keyBytes + ((<usize>trackers) << 2) > end - at) break;
    store<u32>(at, changedByOf(kept));
    store<u32>(at, keyBytes, 4);
    store<u32>(at, trackers, 8);
    copyKept(kept, at + TAKEN_HEAD);
    at = copyTrackers(kept, at + TAKEN_HEAD + <usize>keyBytes);
    firstChanged = nextOf(kept);
    freeTracked(kept);
  }
  if (firstChanged === 0) lastChanged = 0;
  return <u32>(at - output);
}

/** Returns the tracker that is lost, TRACKERS_MAX + 1 when several are, 0 when none is; then none is. */
export function takeLost(): u32 {
  const tracker = lost;
  lost = 0;
  return tracker;
}

function isOver(): bool {
  return keys > keysMax || cellsInUse >= <u32>TRACKED_CELLS_MAX || spareBytes() < SPARE_BYTES_MIN;
}

function lose(tracker: u32): void {
  lost = lost === 0 || lost === tracker ? tracker : <u32>TRACKERS_MAX + 1;
  callHost();
}

/** Puts a tracked key that is in no entry behind those that have changed. */
function handOver(kept: usize, by: u32): void {
  keys--;
  items -= trackersOf(kept);
  setChangedBy(kept, by);
  setNext(kept, 0);
  if (firstChanged === 0) firstChanged = kept;
  else setNext(lastChanged, kept);
  lastChanged = kept;
  callHost();
}

function hasTracker(kept: usize, tracker: u32): bool {
  const trackers = trackersOf(kept);
  if (load<u32>(kept, FIRST_AT) === tracker) return trackers > 0;
  if (load<u32>(kept, FIRST_AT + 4) === tracker) return trackers > 1;
  let end = endOfNewest(trackers);
  for (let cell = moreOf(kept); cell !== 0; cell = load<u32>(cell)) {
    for (let at = MORE_AT; at < end; at += 4) if (load<u32>(cell + at) === tracker) return true;
    end = MORE_AT + ((<usize>IN_CELL) << 2);
  }
  return false;
}

/** Adds a tracker that the key has not; returns false when memory is exhausted. */
function addTracker(kept: usize, tracker: u32): bool {
  const trackers = trackersOf(kept);
  if (trackers >= FIRST && (trackers - FIRST) % IN_CELL === 0) {
    if (cellsInUse >= <u32>TRACKED_CELLS_MAX) return false;
    const cell = allocateCell();
    if (cell === 0) return false;
    store<u32>(cell, <u32>moreOf(kept));
    setMore(kept, cell);
  }
  setTrackers(kept, trackers + 1);
  store<u32>(newestOf(kept), tracker);
  items += 1;
  return true;
}

/** Returns where the newest tracker stands. */
function newestOf(kept: usize): usize {
  const trackers = trackersOf(kept);
  if (trackers <= FIRST) return kept + FIRST_AT + ((<usize>(trackers - 1)) << 2);
  return moreOf(kept) + endOfNewest(trackers) - 4;
}

/** Returns where in the newest cell its trackers end. */
function endOfNewest(trackers: u32): usize {
  return trackers <= FIRST ? MORE_AT : MORE_AT + ((<usize>((trackers - FIRST - 1) % IN_CELL) + 1) << 2);
}

/** Forgets the newest tracker. */
function dropNewest(kept: usize): void {
  const trackers = trackersOf(kept) - 1;
  setTrackers(kept, trackers);
  items -= 1;
  if (trackers < FIRST || (trackers - FIRST) % IN_CELL !== 0) return;
  const cell = moreOf(kept);
  setMore(kept, load<u32>(cell));
  freeCell(cell);
}

/** Copies the trackers to `to`; returns the end of the copy. */
function copyTrackers(kept: usize, to: usize): usize {
  const trackers = trackersOf(kept);
  const first = (<usize>min(trackers, FIRST)) << 2;
  memory.copy(to, kept + FIRST_AT, first);
  to += first;
  let bytes = endOfNewest(trackers) - MORE_AT;
  for (let cell = moreOf(kept); cell !== 0; cell = load<u32>(cell)) {
    memory.copy(to, cell + MORE_AT, bytes);
    to += bytes;
    bytes = (<usize>IN_CELL) << 2;
  }
  return to;
}

function freeTracked(kept: usize): void {
  for (let cell = moreOf(kept); cell !== 0; ) {
    const next: usize = load<u32>(cell);
    freeCell(cell);
    cell = next;
  }
  freeKept(kept);
}

function purgeTable(table: usize): void {
  for (let index: u32 = 0; index < capacityOf(table); ) {
    const entry = placeIn(table, index);
    const hasKept = keptOf(entry) !== 0;
    for (let kept = keptOf(entry); kept !== 0; ) {
      const next = nextOf(kept);
      if (trackersOf(kept) !== 0) {
        purgeTrackers(kept);
        if (trackersOf(kept) === 0) {
          unlinkKept(entry, kept);
          keys--;
          freeKept(kept);
        }
      }
      kept = next;
    }
    if (!hasKept || !dropInPlace(entry)) index++;
  }
  fitTable(table);
}

/** Forgets those trackers of a key that are marked, the newest first: each has the newest in its place. */
function purgeTrackers(kept: usize): void {
  let end = endOfNewest(trackersOf(kept));
  for (let cell = moreOf(kept); cell !== 0; ) {
    const next: usize = load<u32>(cell);
    for (let at = end; at > MORE_AT; at -= 4) purgeTracker(kept, cell + at - 4);
    end = MORE_AT + ((<usize>IN_CELL) << 2);
    cell = next;
  }
  if (trackersOf(kept) > 1) purgeTracker(kept, kept + FIRST_AT + 4);
  purgeTracker(kept, kept + FIRST_AT);
}

function purgeTracker(kept: usize, at: usize): void {
  const tracker = load<u32>(at);
  if ((load<u8>(leaving + (<usize>tracker >> 3)) & (1 << (tracker & 7))) === 0) return;
  store<u32>(at, load<u32>(newestOf(kept)));
  dropNewest(kept);
}

/** Returns a tracked key by chance, 0 when there is none. */
function randomTracked(): usize {
  if (keys === 0) return 0;
  const chance = random();
  for (let i: u32 = 0; i < TABLES; i++) {
    const table = tableAt((<u32>chance + i) & (TABLES - 1));
    const capacity = capacityOf(table);
    for (let index: u32 = 0; index < capacity; index++) {
      let kept = keptOf(placeIn(table, (<u32>(chance >> 32) + index) & (capacity - 1)));
      for (; kept !== 0; kept = nextOf(kept)) if (trackersOf(kept) !== 0) return kept;
    }
  }
  return 0;
}

/** Asserts the invariants of the tracked keys and of what has changed. */
export function checkTrackedKeys(): void {
  let foundKeys: u32 = 0;
  let foundItems: f64 = 0;
  for (let number: u32 = 0; number < TABLES; number++) {
    const table = tableAt(number);
    for (let index: u32 = 0; index < capacityOf(table); index++) {
      const entry = placeIn(table, index);
      for (let kept = keptOf(entry); kept !== 0; kept = nextOf(kept)) {
        assert(load<u64>(kept, 16) === load<u64>(entry), 'a kept key is in the entry of its hash');
        if (trackersOf(kept) === 0) continue;
        foundKeys++;
        foundItems += trackersOf(kept);
      }
    }
  }
  assert(foundKeys === keys && foundItems === items, 'tracked keys and their trackers are counted');
  assert((firstChanged === 0) === (lastChanged === 0), 'the list of changed keys has both ends or none');
  assert(firstChanged === 0 || isHostCalled, 'the host is called for what has changed');
}
