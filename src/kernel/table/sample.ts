// Chooses records at random: a shard by its share of the keys, a segment by its share of the hash space (and
// so about of the keys), and in the segment a slot that holds a record. No key is much likelier than another.
// Of those that expire, each has the same chance.
import { randomBelow } from '../random';
import { expiringAt } from './expiry';
import { BUCKET_SLOTS, BUCKETS, countOf, overflowOf } from './segment';
import { depthOf, directoryOf, expiringOf, keysOf, shardAt, shardCount } from './shard';

const SEGMENT_SLOTS: u32 = BUCKETS * BUCKET_SLOTS;
/** A segment is mostly more than half full, so that one of so many slots nearly always holds a record. */
const SLOT_TRIES: u32 = 16;

/** Returns a shard, 0 when there is no key at all. */
export function randomShard(): usize {
  let keys: u32 = 0;
  for (let id: u32 = 0; id < shardCount; id++) keys += keysOf(shardAt(id));
  if (keys === 0) return 0;
  let id: u32 = 0;
  for (let left = randomBelow(keys); left >= keysOf(shardAt(id)); id++) left -= keysOf(shardAt(id));
  return shardAt(id);
}

/** Returns a shard by its share of the keys that expire, 0 when there is none. */
export function randomExpiringShard(): usize {
  let keys: u32 = 0;
  for (let id: u32 = 0; id < shardCount; id++) keys += expiringOf(shardAt(id));
  if (keys === 0) return 0;
  let id: u32 = 0;
  for (let left = randomBelow(keys); left >= expiringOf(shardAt(id)); id++) left -= expiringOf(shardAt(id));
  return shardAt(id);
}

/** Returns a record that expires, of a shard that has any. */
export function randomExpiringOf(shard: usize): usize {
  return expiringAt(shard, randomBelow(expiringOf(shard)));
}

/** Returns a record that expires, 0 when there is none. */
export function randomExpiring(): usize {
  const shard = randomExpiringShard();
  return shard === 0 ? 0 : randomExpiringOf(shard);
}

/** Returns a part of a segment that has keys, of a shard that has any. */
export function randomSegment(shard: usize): usize {
  const directory = directoryOf(shard);
  const words: u32 = 1 << depthOf(shard);
  let segment: usize = 0;
  let keys: u32 = 0;
  for (let index = randomBelow(words); keys === 0; index = (index + 1) & (words - 1)) {
    segment = load<u32>(directory + ((<usize>index) << 2));
    for (let part = segment; part !== 0; part = overflowOf(part)) keys += countOf(part);
  }
  for (let left = randomBelow(keys); left >= countOf(segment); segment = overflowOf(segment)) {
    left -= countOf(segment);
  }
  return segment;
}

/** Returns a record of a segment's part that has any. */
export function randomRecord(segment: usize): usize {
  let slot: u32 = 0;
  let record: usize = 0;
  for (let tries: u32 = 0; record === 0; tries++) {
    if (tries < SLOT_TRIES) slot = randomBelow(SEGMENT_SLOTS);
    else slot = slot + 1 === SEGMENT_SLOTS ? 0 : slot + 1;
    record = recordAt(segment, slot);
  }
  return record;
}

/** Returns the record in a slot, 0 when it holds none. */
function recordAt(segment: usize, slot: u32): usize {
  const line = segment + ((<usize>(slot / BUCKET_SLOTS)) << 6);
  return load<u32>(line + 16 + ((<usize>(slot % BUCKET_SLOTS)) << 2));
}
