// CLIENT TRACKING in its BCAST mode: the keys of certain prefixes that have changed, until the host takes
// them. A key is kept once however often it changes; the client that changed it last counts.
import { TAKEN_BYTES, TRACKED_KEY_BYTES_MAX } from '../layout';
import { freePages } from '../memory/pages';
import { entryOf, keptOf, noteEveryKey } from './changes';
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
  takeOut,
  trackersOf,
} from './kept-keys';
import { callHost } from './tracked-keys';

/** Bytes before the key of what the host takes: the tracker that changed it, and the key's length. */
const TAKEN_HEAD: usize = 8;

/** The prefixes, each behind its length (u32), in a run of the host that is this file's; 0 without. */
let prefixes: usize = 0;
let prefixCount: u32 = 0;
/** The keys that have changed and were not taken, the first and the last. */
let first: usize = 0;
let last: usize = 0;
/** There was no memory for a key. */
let isLost: bool = false;
let isSilent: bool = false;

/** Has changes of keys with one of `count` prefixes broadcast; `run` belongs to the kernel from now on. */
export function setPrefixes(run: usize, count: u32): void {
  if (prefixes !== 0) freePages(prefixes);
  prefixes = run;
  prefixCount = count;
  noteEveryKey(count !== 0);
}

/** While silent, no change is broadcast: one message covers all keys. */
export function setSilent(silent: bool): void {
  isSilent = silent;
}

/** Notes a change of a key by a tracker, 0 when it was none, if it has one of the prefixes. */
export function broadcast(keyed: u64, key: usize, keyBytes: u32, by: u32): void {
  if (prefixCount === 0 || isSilent || !hasPrefix(key, keyBytes)) return;
  const entry = entryOf(keyed);
  let kept: usize = entry === 0 ? 0 : keptOf(entry);
  while (kept !== 0 && !(trackersOf(kept) === 0 && isKey(kept, key, keyBytes))) kept = nextOf(kept);
  if (kept === 0) {
    kept = keyBytes > <u32>TRACKED_KEY_BYTES_MAX ? 0 : keepKey(keyed, key, keyBytes);
    if (kept === 0) isLost = true;
    else {
      if (first === 0) first = kept;
      else setMore(last, kept);
      last = kept;
    }
    callHost();
  }
  if (kept !== 0) setChangedBy(kept, by);
}

/**
 * Puts the keys that are to be broadcast into TAKEN_BYTES of `output`, as many as fit, and forgets them: each
 * with the tracker that changed it last, its length and its bytes. Returns the bytes, 0 when none is left.
 */
export function takeBroadcasts(output: usize): u32 {
  const end = output + TAKEN_BYTES;
  let at = output;
  while (first !== 0) {
    const kept = first;
    const keyBytes = keptKeyBytes(kept);
    if (TAKEN_HEAD + <usize>keyBytes > end - at) break;
    store<u32>(at, changedByOf(kept));
    store<u32>(at, keyBytes, 4);
    copyKept(kept, at + TAKEN_HEAD);
    at += TAKEN_HEAD + <usize>keyBytes;
    first = moreOf(kept);
    takeOut(kept);
    freeKept(kept);
  }
  if (first === 0) last = 0;
  return <u32>(at - output);
}

/** Returns whether a key was lost for want of memory since the last call. */
export function takeLostBroadcast(): bool {
  const wasLost = isLost;
  isLost = false;
  return wasLost;
}

function hasPrefix(key: usize, keyBytes: u32): bool {
  let at = prefixes;
  for (let i: u32 = 0; i < prefixCount; i++) {
    const bytes = load<u32>(at);
    if (bytes <= keyBytes && memory.compare(at + 4, key, bytes) === 0) return true;
    at += 4 + <usize>bytes;
  }
  return false;
}
