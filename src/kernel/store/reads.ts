// How many reads of keys have found theirs, and how many have not: `keyspace_hits` and `keyspace_misses`.

let hits: f64 = 0;
let misses: f64 = 0;

/** Returns how many reads found their key. */
export function keyspaceHits(): f64 {
  return hits;
}

/** Returns how many reads did not find their key. */
export function keyspaceMisses(): f64 {
  return misses;
}

/** Counts a read; returns `record`. */
export function counted(record: usize): usize {
  if (record === 0) misses += 1;
  else hits += 1;
  return record;
}

/** Counts the reads of a command that read many keys. */
export function countReads(found: u32, missed: u32): void {
  hits += found;
  misses += missed;
}
