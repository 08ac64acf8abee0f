// The memory limit: what is evicted when content takes more, and what a command gets when nothing can be. As in Redis
// the limit is looked at before a command that may need memory, so one command's growth may stand above it for a while.

import { EVICT_LRU, EVICT_NOTHING, EVICT_RANDOM, EVICTION_STEP_KEYS, WRITE_DONE } from '../layout';
import { usedBytes } from '../memory/arena';
import { contentBytesMax } from '../memory/pages';
import { nearestExpiring } from '../table/expiry';
import { randomRecord, randomSegment, randomShard } from '../table/sample';
import { locateIdlest } from './pool';
import { compact, deleteHere, isFrozen, isReplica, locateRecord } from './store';

/** Without a limit of its own a store that evicts leaves a sixteenth of what it may have to gaps between records. */
const GAPS: f64 = 16;
/** Redis' own largest number of samples. */
const SAMPLES_MAX: u32 = 64;
/** When an allocation fails, 4 KiB are evicted for it, then 8, 16 … 128 MiB, for what is free is in pieces. */
const RELIEF_ATTEMPTS: u32 = 16;
const RELIEF_BYTES_MIN: usize = 4096;
const RELIEF_MOVES: u32 = 4096;

let policy: u32 = EVICT_NOTHING;
let samples: u32 = 5;
let limit: usize = usize.MAX_VALUE;
/** What stood above the limit when it was set, and has not been evicted since. */
let excess: usize = 0;
let evictedKeys: f64 = 0;

/** Keys evicted since the start. */
export function evictedCount(): f64 {
  return evictedKeys;
}

/** From now on content may take `maxBytes` (0: what there is); `chosen` is one of EVICT_*. */
export function limitMemory(maxBytes: f64, chosen: u32, sampleCount: u32): void {
  policy = chosen;
  samples = min(max<u32>(sampleCount, 1), SAMPLES_MAX);
  const most = contentBytesMax();
  // Full pages are noticed anyway; only an eviction must begin before.
  const physical = chosen === EVICT_NOTHING ? <f64>usize.MAX_VALUE : most - most / GAPS;
  limit = <usize>(maxBytes === 0 ? physical : min(maxBytes, physical));
  noteExcess();
}

/**
 * Evicts until content is within the limit; false when it is not and nothing more can be evicted. What was above a limit
 * when that was set goes in steps: then true means that there is less now than before. A replica is told what to delete,
 * and one that is frozen keeps what it has.
 */
export function makeRoom(): bool {
  return usedBytes() <= limit || isReplica || isFrozen || evictDown();
}

/** After an allocation failed, so many times before for one command: gathers what is free and evicts; whether to try again. */
export function relieve(attempt: u32): bool {
  if (isReplica || isFrozen || policy === EVICT_NOTHING || attempt >= RELIEF_ATTEMPTS) return false;
  const moved = compact(RELIEF_MOVES);
  if (attempt === 0 && moved !== 0) return true;
  const used = usedBytes();
  const before = evictedKeys;
  while (used - usedBytes() < RELIEF_BYTES_MIN << attempt && evictOne()) {}
  compact(RELIEF_MOVES);
  return evictedKeys !== before;
}

function evictDown(): bool {
  if (policy === EVICT_NOTHING) return false;
  const tolerated = limit + excess;
  for (let evicted: u32 = 0; usedBytes() > limit; evicted++) {
    if (evicted >= <u32>EVICTION_STEP_KEYS && usedBytes() <= tolerated) break;
    if (!evictOne()) return false;
  }
  noteExcess();
  return true;
}

function noteExcess(): void {
  const used = usedBytes();
  excess = used > limit ? used - limit : 0;
}

/** False: there is nothing to evict, or no memory to tell the replicas of it. */
function evictOne(): bool {
  const record = locateVictim();
  if (record === 0 || deleteHere(record) !== WRITE_DONE) return false;
  evictedKeys += 1;
  return true;
}

function locateVictim(): usize {
  if (policy === EVICT_LRU) return locateIdlest(samples);
  if (policy === EVICT_RANDOM) {
    const shard = randomShard();
    return shard === 0 ? 0 : locateRecord(randomRecord(randomSegment(shard)));
  }
  const record = nearestExpiring();
  return record === 0 ? 0 : locateRecord(record);
}
