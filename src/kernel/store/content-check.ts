// Checks that what lies in memory still is what was written: key, value and expiry of each record are those
// of its term in the digest. Nothing else finds a bit that has flipped before somebody reads it. The check
// goes round the store in steps between which writes go on.
import { RESULT_COUNT, RESULT_DONE, RESULT_NEED, RESULT_SHARD } from '../layout';
import { keyLengthOf, keyOf, termOf, valueAt, valueLengthOf } from '../memory/record';
import { setResult } from '../result';
import { expiryOf } from '../table/expiry';
import { BUCKET_SLOTS, BUCKETS, generationOf, overflowOf, spanOf } from '../table/segment';
import { depthOf, directoryOf, shardAt, shardCount } from '../table/shard';
import { segmentIn } from '../table/table';
import { SHORT_VALUE_BYTES_MAX, xxh3 } from '../xxh3';
import { beginHash, endHash, HASH_STATE_BYTES, hashPiece } from '../xxh3-stream';
import { emitPostponed } from './batch';
import { hasItsTerm, keepsDigests, termFrom } from './digest';

const SLOTS: u32 = BUCKETS * BUCKET_SLOTS;

// Where the check goes on: the shard, the keyed hash at which the segment begins, its generation, and how
// many slots of it and its chain are done.
let atShard: u32 = 0;
let atPlace: u64 = 0;
let atGeneration: u64 = 0;
let slotsDone: u32 = 0;
/**
 * A value that is longer than a step is hashed over several: its record and its term, and the bytes so far.
 */
let longRecord: usize = 0;
let longTerm: u64 = 0;
let longDone: u32 = 0;
const longState: usize = memory.data(<i32>HASH_STATE_BYTES, 16);
/** Bytes of values that the step at hand may still hash. */
let bytesLeft: u32 = 0;

/**
 * Checks about `records` records on, fewer when their values have about `bytes` bytes, and at most the whole
 * store once. Returns the address of the first key whose record is damaged, behind which the next step goes
 * on, or 0. RESULT_COUNT is how many were checked, RESULT_NEED the length of that key, RESULT_SHARD its
 * shard, and RESULT_DONE whether the step came to the end of the store.
 */
export function checkContent(records: u32, bytes: u32): usize {
  emitPostponed();
  setResult(RESULT_COUNT, 0);
  setResult(RESULT_DONE, 0);
  if (!keepsDigests) return 0;
  bytesLeft = bytes;
  let checked: u32 = 0;
  while (checked < records && bytesLeft !== 0) {
    const record = nextRecord();
    if (record === 0) {
      setResult(RESULT_DONE, 1);
      break;
    }
    const shard = shardAt(atShard);
    // The hash that goes on over steps is XXH3.
    const isLong = valueLengthOf(record) > max(bytes, <u32>SHORT_VALUE_BYTES_MAX);
    if (isLong && !hashOn(record)) break;
    const isSound = isLong ? isLongSound(shard, record) : hasItsTerm(shard, record);
    bytesLeft -= min(valueLengthOf(record), bytesLeft);
    checked++;
    slotsDone++;
    if (isSound) continue;
    setResult(RESULT_COUNT, checked);
    setResult(RESULT_NEED, keyLengthOf(record));
    setResult(RESULT_SHARD, atShard);
    return keyOf(record);
  }
  setResult(RESULT_COUNT, checked);
  return 0;
}

/** Returns the record with which the check goes on; 0 behind the last, and then the next is the first. */
function nextRecord(): usize {
  for (; atShard < shardCount; atShard++) {
    const directory = directoryOf(shardAt(atShard));
    while (directory !== 0) {
      const segment = segmentIn(directory, depthOf(shardAt(atShard)), atPlace);
      if (generationOf(segment) !== atGeneration) {
        atGeneration = generationOf(segment);
        slotsDone = 0;
      }
      const record = nextOf(segment);
      if (record !== 0) return record;
      const span = spanOf(segment);
      atPlace = (atPlace & ~(span - 1)) + span;
      atGeneration = 0;
      if (atPlace === 0) break;
    }
  }
  atShard = 0;
  return 0;
}

/** Returns the record in the first used slot from `slotsDone` on, which that then is, or 0. */
function nextOf(segment: usize): usize {
  let first: u32 = 0;
  for (let part = segment; part !== 0; part = overflowOf(part), first += SLOTS) {
    for (; slotsDone < first + SLOTS; slotsDone++) {
      const slot = slotsDone - first;
      const line = part + ((<usize>(slot / BUCKET_SLOTS)) << 6);
      const index = <usize>(slot % BUCKET_SLOTS);
      if (load<u8>(line + index) !== 0) return load<u32>(line + 16 + (index << 2));
    }
  }
  return 0;
}

/** Hashes a long value on, as far as the step goes; returns whether all of it is hashed. */
function hashOn(record: usize): bool {
  // A record that has its address and its term still has its value, or its damage.
  if (record !== longRecord || termOf(record) !== longTerm || longDone > valueLengthOf(record)) {
    longRecord = record;
    longTerm = termOf(record);
    longDone = 0;
    beginHash(longState);
  }
  const taken = min(valueLengthOf(record) - longDone, bytesLeft);
  hashPiece(longState, valueAt(record) + <usize>longDone, taken);
  longDone += taken;
  bytesLeft -= taken;
  return longDone === valueLengthOf(record);
}

function isLongSound(shard: usize, record: usize): bool {
  longRecord = 0;
  const keyHash = xxh3(keyOf(record), keyLengthOf(record));
  return termFrom(keyHash, endHash(longState), expiryOf(shard, record)) === termOf(record);
}
