// Room for keys that are known to come: a table that is made wide at once does not split its segments one by
// one, which takes and hashes each key anew at every doubling.
import { depthIn } from './segment';
import { depthOf, directoryOf } from './shard';
import { createTable, segmentIn, split } from './table';

/** So many keys a segment has on the average in a table that is wide enough; it splits at 640. */
const WANTED_KEYS: u32 = 512;

/** Splits a shard's segments until so many keys fit, as far as memory has room. */
export function widen(shard: usize, keys: u32): void {
  if (keys <= WANTED_KEYS || (directoryOf(shard) === 0 && !createTable(shard))) return;
  let wanted: u32 = 1;
  while (keys >> wanted > WANTED_KEYS) wanted++;
  // Level by level: the directory doubles only where it has segments enough.
  for (let depth: u32 = 2; depth <= wanted; depth++) {
    for (let prefix: u32 = 0; prefix < (<u32>1) << (depth - 1); prefix++) {
      const keyed = (<u64>prefix) << (65 - <u64>depth);
      const segment = segmentIn(directoryOf(shard), depthOf(shard), keyed);
      if (depthIn(segment) < depth && !split(shard, segment, keyed)) return;
    }
  }
}
