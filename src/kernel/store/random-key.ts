// RANDOMKEY: chooses a shard by its share of the keys, a segment by its share of the hashes, which is about
// that of the keys, and each of its keys with the same chance.
import { nowMs } from '../clock';
import { keyLengthOf, keyOf } from '../memory/record';
import { random, randomBelow } from '../random';
import { expiryOf } from '../table/expiry';
import { randomShard } from '../table/sample';
import { countOf, firstRecord, overflowOf, spanOf, usedSlots } from '../table/segment';
import { depthOf, directoryOf, keysOf } from '../table/shard';
import { segmentIn } from '../table/table';
import { locate } from './store';

/** So many keys past their expiry may be met before there seem to be no others. */
const TRIES: u32 = 1000;
/** Tables up to this depth are small enough to count their segments' keys, which differ much there. */
const COUNTED_DEPTH: u32 = 4;
/** Empty segments are rare, so that one of so many nearly always has keys. */
const SEGMENT_TRIES: u32 = 64;

/** Returns the record of some live key, 0 when there is none or very few among many that have expired. */
export function randomRecord(): usize {
  for (let tries: u32 = 0; tries < TRIES; tries++) {
    const shard = randomShard();
    if (shard === 0) return 0;
    const record = randomIn(shard);
    if (expiryOf(shard, record) > nowMs) return record;
    // A primary that is not frozen deletes the expired key here.
    locate(keyOf(record), keyLengthOf(record));
  }
  return 0;
}

function randomIn(shard: usize): usize {
  const directory = directoryOf(shard);
  const depth = depthOf(shard);
  for (let tries: u32 = 0; depth > COUNTED_DEPTH && tries < SEGMENT_TRIES; tries++) {
    const segment = segmentIn(directory, depth, random());
    const keys = keysInChain(segment);
    if (keys !== 0) return recordAt(segment, randomBelow(keys));
  }
  let at = randomBelow(keysOf(shard));
  let segment = segmentIn(directory, depth, 0);
  for (let prefix: u64 = 0; at >= keysInChain(segment); segment = segmentIn(directory, depth, prefix)) {
    at -= keysInChain(segment);
    prefix += spanOf(segment);
  }
  return recordAt(segment, at);
}

function keysInChain(segment: usize): u32 {
  let keys: u32 = 0;
  for (let part = segment; part !== 0; part = overflowOf(part)) keys += countOf(part);
  return keys;
}

/** Returns the record of the chain's key number `at`. */
function recordAt(segment: usize, at: u32): usize {
  let part = segment;
  for (; at >= countOf(part); part = overflowOf(part)) at -= countOf(part);
  let line = part;
  let used = usedSlots(line);
  for (; at >= <u32>popcnt(used); used = usedSlots(line)) {
    at -= popcnt(used);
    line += 64;
  }
  for (; at > 0; at--) used &= used - 1;
  return firstRecord(line, used);
}
