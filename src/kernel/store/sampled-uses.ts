// The keys that clients use most, by a sample of their uses, for as long as somebody looks
// (docs/command-line.md, "top"). While nobody does, a use costs one branch.
import { nowMs } from '../clock';
import { SKETCH_BYTES, USE_COUNTED, USE_LEFT_OUT, USES_IGNORED } from '../layout';
import { allocateReserve, freePages } from '../memory/pages';
import { randomBelow } from '../random';
import { countKey, frequentItem, itemCount, openSketch } from '../table/sketch';

/** Whether uses are sampled. */
export let isSampling: bool = false;
let sketch: usize = 0;
let oneOf: u32 = 1;
/** Uses until the next one that is counted. */
let untilNext: u32 = 0;
let endsMs: u64 = 0;
let sampled: f64 = 0;

/**
 * Counts one of `uses` on average from now on, until that time; returns false when there is no memory.
 */
export function sampleUses(uses: u32, untilMs: f64): bool {
  if (sketch === 0) {
    sketch = allocateReserve(SKETCH_BYTES);
    if (sketch === 0) return false;
    forgetUses();
  }
  oneOf = max<u32>(uses, 1);
  endsMs = <u64>untilMs;
  if (!isSampling || untilNext > 2 * oneOf) chooseNext();
  isSampling = true;
  return true;
}

/** Forgets what was counted. */
export function forgetUses(): void {
  if (sketch !== 0) openSketch(sketch);
  sampled = 0;
}

/** Returns how many uses were counted. */
export function sampledUses(): f64 {
  return sampled;
}

/** Returns the item of the key that is used most but for `rank` others; 0 where there is none. */
export function usedMost(rank: u32): usize {
  return sketch === 0 ? 0 : frequentItem(sketch, rank);
}

/** Returns how often the key of an item was counted. */
export function countOfUsed(item: usize): f64 {
  return <f64>itemCount(sketch, item);
}

/** Returns whether the next use is one to count: USE_COUNTED, USE_LEFT_OUT, or USES_IGNORED from now on. */
export function nextUse(): u32 {
  if (!isSampling) return USES_IGNORED;
  if (--untilNext !== 0) return USE_LEFT_OUT;
  if (nowMs <= endsMs) {
    chooseNext();
    return USE_COUNTED;
  }
  isSampling = false;
  freePages(sketch);
  sketch = 0;
  return USES_IGNORED;
}

/** Counts a use of a key. */
export function countUse(key: usize, keyBytes: u32): void {
  if (sketch === 0) return;
  countKey(sketch, key, keyBytes, 0);
  sampled += 1;
}

/** The uses that are left out are of no fixed number, lest they have the rhythm of a client. */
function chooseNext(): void {
  untilNext = 1 + randomBelow(2 * oneOf - 1);
}
