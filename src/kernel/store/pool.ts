// The pool of Redis' approximated LRU and LFU (evict.c): those of the sampled records that are longest
// unused or least used, kept from one eviction to the next. Records move and are deleted meanwhile, so
// that it has no addresses: an entry names its record by the key's keyed hash, and shows by the bits of
// the last use whether the record has been used since.
//
// It has sixteen entries, the least idle one first: 0 keyed hash, 8 shard, 12 the bits of the last use.
import { keyedHash } from '../keyed-hash';
import { accessOf, idlenessOf } from '../memory/access';
import { heapPlaceOf, keyLengthOf, keyOf } from '../memory/record';
import {
  randomExpiringOf,
  randomExpiringShard,
  randomRecord,
  randomSegment,
  randomShard,
} from '../table/sample';
import { BUCKETS, bucketOf, overflowOf, SLOT_MASK, tagOf } from '../table/segment';
import { depthOf, directoryOf } from '../table/shard';
import { segmentIn } from '../table/table';
import { locateRecord } from './store';

const ENTRIES: u32 = 16;
const ENTRY_BYTES: usize = 16;
const pool: usize = memory.data(256, 8);
let pooled: u32 = 0;

/** Forgets all candidates, because another policy compares other records. */
export function emptyPool(): void {
  pooled = 0;
}

/**
 * Samples `samples` records, of those that expire or of all, and locates the one to evict first; returns it,
 * 0 when there are none.
 */
export function locateIdlest(samples: u32, onlyExpiring: bool): usize {
  while (sample(samples, onlyExpiring)) {
    while (pooled > 0) {
      const entry = entryAt(--pooled);
      const record = findHash(load<u32>(entry, 8), load<u64>(entry));
      if (record === 0 || accessOf(record) !== load<u32>(entry, 12)) continue;
      if (!onlyExpiring || heapPlaceOf(record) !== 0) return locateRecord(record);
    }
    // All entries were stale, which the next samples are not.
  }
  return 0;
}

/** Considers some records; returns false when there are none. */
function sample(samples: u32, onlyExpiring: bool): bool {
  const shard = onlyExpiring ? randomExpiringShard() : randomShard();
  if (shard === 0) return false;
  if (onlyExpiring) {
    for (let i: u32 = 0; i < samples; i++) consider(shard, randomExpiringOf(shard));
  } else {
    const segment = randomSegment(shard);
    for (let i: u32 = 0; i < samples; i++) consider(shard, randomRecord(segment));
  }
  return true;
}

function consider(shard: usize, record: usize): void {
  const access = accessOf(record);
  const idle = idlenessOf(access);
  const isFull = pooled === ENTRIES;
  if (isFull && idle <= idleAt(0)) return;
  const keyed = keyedHash(keyOf(record), keyLengthOf(record));
  let place: u32 = 0;
  for (let i: u32 = 0; i < pooled; i++) {
    // This is an older sample of the same key.
    if (load<u64>(entryAt(i)) === keyed && load<u32>(entryAt(i), 12) === access) return;
    if (idleAt(i) < idle) place = i + 1;
  }
  if (isFull) {
    place--;
    memory.copy(pool, entryAt(1), <usize>place * ENTRY_BYTES);
  } else {
    memory.copy(entryAt(place + 1), entryAt(place), <usize>(pooled - place) * ENTRY_BYTES);
    pooled++;
  }
  store<u64>(entryAt(place), keyed);
  store<u32>(entryAt(place), <u32>shard, 8);
  store<u32>(entryAt(place), access, 12);
}

function entryAt(index: u32): usize {
  return pool + <usize>index * ENTRY_BYTES;
}

function idleAt(index: u32): u32 {
  return idlenessOf(load<u32>(entryAt(index), 12));
}

/** Returns the record in a shard whose key has this keyed hash, or 0. */
function findHash(shard: usize, keyed: u64): usize {
  const tag = v128.splat<u8>(tagOf(keyed));
  let segment = segmentIn(directoryOf(shard), depthOf(shard), keyed);
  for (; segment !== 0; segment = overflowOf(segment)) {
    let bucket = bucketOf(keyed);
    for (let probes: u32 = 0; probes < BUCKETS; probes++) {
      const line = segment + ((<usize>bucket) << 6);
      let matches = <u32>v128.bitmask<u8>(v128.eq<u8>(v128.load(line), tag)) & SLOT_MASK;
      for (; matches !== 0; matches &= matches - 1) {
        const record: usize = load<u32>(line + 16 + ((<usize>ctz(matches)) << 2));
        if (keyedHash(keyOf(record), keyLengthOf(record)) === keyed) return record;
      }
      if (load<u8>(line, 12) === 0) break;
      bucket = (bucket + 1) & (BUCKETS - 1);
    }
  }
  return 0;
}
