// WATCH: tickets that tell later whether a key has changed. A ticket is twice the number of changes so far, and one more
// when the key had expired already and was still there, on a replica or while frozen: then its deletion is none, as in Redis.

import { xxh3 } from '../xxh3';
import { changeCount, lastChangeOf, lastVisibleChangeOf, unwatchHash, watched, watchHash } from './changes';
import { isExpiredHere, locate } from './store';

const NO_MEMORY: f64 = -1;

/** The key's ticket, or -1 when memory is exhausted. */
export function watchKey(key: usize, length: u32): f64 {
  // On a primary that is not frozen a key past its expiry is deleted on the way.
  const isHidden = locate(key, length) === 0 && isExpiredHere();
  if (!watchHash(xxh3(key, length))) return NO_MEMORY;
  return <f64>((changeCount << 1) | (isHidden ? 1 : 0));
}

export function unwatchKey(key: usize, length: u32): void {
  unwatchHash(xxh3(key, length));
}

/** Whether a watched key was changed, deleted or has expired since the ticket. A key that is not watched has. */
export function changedSince(key: usize, length: u32, ticket: f64): bool {
  const hasExpired = locate(key, length) === 0 && isExpiredHere();
  const entry = watched(xxh3(key, length));
  if (entry === 0) return true;
  const since = <u64>ticket >> 1;
  if ((<u64>ticket & 1) !== 0) return lastVisibleChangeOf(entry) > since;
  return hasExpired || lastChangeOf(entry) > since;
}
