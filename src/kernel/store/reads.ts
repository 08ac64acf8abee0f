// How many reads have found their key, and notes of those that have not.
import { NOTE_MISSED } from '../layout';
import { noteKey } from './notes';

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

/** Counts a read of a key, and notes a miss; returns `record`. */
export function counted(record: usize, key: usize, length: u32): usize {
  if (record === 0) noteKey(NOTE_MISSED, key, length);
  return countedQuietly(record);
}

/** Counts a read; returns `record`. */
export function countedQuietly(record: usize): usize {
  if (record === 0) misses += 1;
  else hits += 1;
  return record;
}

/** Counts the reads of a command that read many keys. */
export function countReads(found: u32, missed: u32): void {
  hits += found;
  misses += missed;
}
