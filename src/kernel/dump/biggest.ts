// The keys with the biggest values: for each key its biggest value and where that is. BIGGEST_* is the
// layout.
import { copyBytes } from '../bytes';
import { keyedHash } from '../keyed-hash';
import {
  BIGGEST_ENTRY_BYTES,
  BIGGEST_HASH,
  BIGGEST_KEY,
  BIGGEST_KEY_BYTES,
  BIGGEST_OFFSET,
  BIGGEST_VALUE_BYTES,
  BIGGEST_VALUES,
  SKETCH_KEY_BYTES_MAX,
} from '../layout';

const values: usize = memory.data(1120, 8);
/** A value must have more bytes than this to be among them. */
let least: u32 = 0;

export function biggestStart(): void {
  memory.fill(values, 0, BIGGEST_VALUES * BIGGEST_ENTRY_BYTES);
  least = 0;
}

/** Returns the address of BIGGEST_VALUES entries in no order; those without value bytes are empty. */
export function biggestValues(): usize {
  return values;
}

/** Takes a value in when it is big enough. `offset` is where its record or entry is in the dump. */
export function noteValue(valueBytes: u32, key: usize, keyBytes: u32, offset: u64): void {
  if (valueBytes <= least) return;
  const hash = keyedHash(key, keyBytes);
  let place = values;
  for (let i = 0; i < BIGGEST_VALUES; i++) {
    const entry = valueAt(i);
    if (load<u64>(entry, BIGGEST_HASH) === hash && load<u32>(entry, BIGGEST_VALUE_BYTES) !== 0) {
      if (valueBytes <= load<u32>(entry, BIGGEST_VALUE_BYTES)) return;
      place = entry;
      break;
    }
    if (load<u32>(entry, BIGGEST_VALUE_BYTES) < load<u32>(place, BIGGEST_VALUE_BYTES)) place = entry;
  }
  store<u64>(place, hash, BIGGEST_HASH);
  store<u64>(place, offset, BIGGEST_OFFSET);
  store<u32>(place, valueBytes, BIGGEST_VALUE_BYTES);
  store<u32>(place, keyBytes, BIGGEST_KEY_BYTES);
  copyBytes(place + BIGGEST_KEY, key, min(keyBytes, <u32>SKETCH_KEY_BYTES_MAX));
  least = u32.MAX_VALUE;
  for (let i = 0; i < BIGGEST_VALUES; i++) least = min(least, load<u32>(valueAt(i), BIGGEST_VALUE_BYTES));
}

function valueAt(index: i32): usize {
  return values + <usize>(index * BIGGEST_ENTRY_BYTES);
}
