// The keys of a command that has many: they are hashed and read ahead in groups, so that their waits for
// memory overlap (store/places.ts, `touchBucketOf`).
import { keyedHash } from '../keyed-hash';
import { touchBucketOf, touchRecordOf } from '../store/places';
import { knowHashes } from '../store/store';
import { xxh3 } from '../xxh3';
import { argc, argument, argumentLength } from './arguments';

/** So many keys are read ahead together, a power of two. */
const AHEAD: u32 = 16;
/** Of each of them its XXH3-64 and its keyed hash. */
const hashes: usize = memory.data(256, 8);

/**
 * Prepares the key that is argument `index` to be located: every `step`th argument from 1 on is a key, and
 * this is called for each of them in turn.
 */
export function readAhead(index: u32, step: u32): void {
  // The hashes of a single key are known.
  if (argc <= 1 + step) return;
  const place = ((index - 1) / step) & (AHEAD - 1);
  if (place === 0) readGroup(index, step);
  const entry = hashes + ((<usize>place) << 4);
  knowHashes(argument(index), load<u64>(entry), load<u64>(entry, 8));
}

function readGroup(first: u32, step: u32): void {
  const end = min(argc, first + AHEAD * step);
  let entry = hashes;
  for (let i = first; i < end; i += step, entry += 16) {
    const key = argument(i);
    const length = argumentLength(i);
    store<u64>(entry, xxh3(key, length));
    store<u64>(entry, keyedHash(key, length), 8);
  }
  entry = hashes;
  for (let i = first; i < end; i += step, entry += 16) {
    touchBucketOf(argument(i), argumentLength(i), load<u64>(entry), load<u64>(entry, 8));
  }
  entry = hashes;
  for (let i = first; i < end; i += step, entry += 16) {
    touchRecordOf(argument(i), argumentLength(i), load<u64>(entry), load<u64>(entry, 8));
  }
}
