// Passes changes of keys on to WATCH (changes.ts), CLIENT TRACKING (tracked-keys.ts) and its broadcasts. And
// the client whose commands run, as far as it tracks keys.
import { keyedHash } from '../keyed-hash';
import { keyLengthOf, keyOf } from '../memory/record';
import { broadcast } from './broadcasts';
import { areChangesNoted, countChange, countContentChange, dropUnused, entryOf, keptOf } from './changes';
import { invalidate, track } from './tracked-keys';

/** The number among trackers of the client whose command runs, 0 when it is none of them. */
let tracker: u32 = 0;
/** Whether that client tracks the keys that it reads. */
export let isTracking: bool = false;
/** Whether a key that the client itself tracks has been changed by it since `forgetOwnChange`. */
export let hasOwnChange: bool = false;

/** Sets the client whose commands run next. */
export function setTracker(number: u32, tracks: bool): void {
  tracker = number;
  isTracking = tracks;
}

export function forgetOwnChange(): void {
  hasOwnChange = false;
}

/**
 * Has changes from now on be nobody's, those of an eviction or of a primary's records; returns whose they
 * were.
 */
export function leaveTracker(): u32 {
  const left = tracker;
  tracker = 0;
  return left;
}

/** Has changes be those of the tracker that `leaveTracker` returned. */
export function returnTracker(number: u32): void {
  tracker = number;
}

/**
 * Counts a change of a record's key, and notes it if anybody wants to know. `wasExpired` means that a key
 * past its expiry was deleted: no client could see that, and none has done it.
 */
export function contentChanged(keyed: u64, record: usize, wasExpired: bool): void {
  countContentChange();
  if (areChangesNoted) noteChange(keyed, record, wasExpired);
}

function noteChange(keyed: u64, record: usize, wasExpired: bool): void {
  const by = wasExpired ? 0 : tracker;
  const entry = entryOf(keyed);
  if (entry !== 0) {
    countChange(entry, wasExpired);
    if (keptOf(entry) !== 0) {
      if (invalidate(entry, by)) hasOwnChange = true;
      dropUnused(entry);
    }
  }
  broadcast(keyed, keyOf(record), keyLengthOf(record), by);
}

/** Notes that the client has read a key, if it tracks them. */
export function noteRead(keyed: u64, key: usize, keyBytes: u32): void {
  track(keyed, key, keyBytes, tracker);
}

/** Notes that a tracker has read a key. */
export function trackKey(key: usize, keyBytes: u32, number: u32): void {
  track(keyedHash(key, keyBytes), key, keyBytes, number);
}
