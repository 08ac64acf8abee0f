// WATCH: tickets that show later whether a key has changed. A ticket is twice the number of changes so far,
// and one more when the key had expired already and was still there, on a replica or while frozen: its
// deletion is then no change, as in Redis.
import { keyedHash } from '../keyed-hash';
import { changeCount, lastChangeOf, lastVisibleChangeOf, unwatchHash, watched, watchHash } from './changes';
import { isExpiredHere, locate } from './store';

const NO_MEMORY: f64 = -1;

/** Watches a key; returns the ticket, -1 when memory is exhausted. */
export function watchKey(key: usize, length: u32): f64 {
  // A primary that is not frozen deletes a key past its expiry here.
  const isHidden = locate(key, length) === 0 && isExpiredHere();
  if (!watchHash(keyedHash(key, length))) return NO_MEMORY;
  return <f64>((changeCount << 1) | (isHidden ? 1 : 0));
}

/** Takes back one `watchKey`. */
export function unwatchKey(key: usize, length: u32): void {
  unwatchHash(keyedHash(key, length));
}

/**
 * Returns whether a watched key was changed or has expired since the ticket; true for a key that is not
 * watched.
 */
export function changedSince(key: usize, length: u32, ticket: f64): bool {
  const hasExpired = locate(key, length) === 0 && isExpiredHere();
  const entry = watched(keyedHash(key, length));
  if (entry === 0) return true;
  const since = <u64>ticket >> 1;
  if ((<u64>ticket & 1) !== 0) return lastVisibleChangeOf(entry) > since;
  return hasExpired || lastChangeOf(entry) > since;
}
