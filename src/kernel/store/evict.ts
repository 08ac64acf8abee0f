// The memory limit (docs/architecture.md, "Eviction"): what is evicted when content takes more. As in Redis
// the limit is looked at before a command that may need memory, so that content may be above it by what one
// command has added.
import { EVICT_LRU, EVICT_NOTHING, EVICT_RANDOM, EVICTION_STEP_KEYS, WRITE_DONE } from '../layout';
import { usedBytes } from '../memory/arena';
import { contentBytesMax } from '../memory/pages';
import { nearestExpiring } from '../table/expiry';
import { randomRecord, randomSegment, randomShard } from '../table/sample';
import { locateIdlest } from './pool';
import { compact, deleteHere, isFrozen, isReplica, locateRecord } from './store';

/**
 * A store that evicts and has no limit of its own leaves a sixteenth of its memory to gaps between records.
 */
const GAPS: f64 = 16;
/** The largest number of samples that Redis takes. */
const SAMPLES_MAX: u32 = 64;
/**
 * When an allocation fails, 4 KiB are evicted for it, then 8, 16 … 128 MiB, because free memory is in pieces.
 */
const RELIEF_ATTEMPTS: u32 = 16;
const RELIEF_BYTES_MIN: usize = 4096;
const RELIEF_MOVES: u32 = 4096;

let policy: u32 = EVICT_NOTHING;
let samples: u32 = 5;
let limit: usize = usize.MAX_VALUE;
/** Bytes that were above the limit when it was set and have not been evicted since. */
let excess: usize = 0;
let evictedKeys: f64 = 0;

/** Returns how many keys have been evicted since the start. */
export function evictedCount(): f64 {
  return evictedKeys;
}

/** Lets content take `maxBytes` from now on, or with 0 all there is; `chosen` is one of EVICT_*. */
export function limitMemory(maxBytes: f64, chosen: u32, sampleCount: u32): void {
  policy = chosen;
  samples = min(max<u32>(sampleCount, 1), SAMPLES_MAX);
  const most = contentBytesMax();
  // Without eviction a full store is noticed when an allocation fails; an eviction must begin before.
  const physical = chosen === EVICT_NOTHING ? <f64>usize.MAX_VALUE : most - most / GAPS;
  limit = <usize>(maxBytes === 0 ? physical : min(maxBytes, physical));
  noteExcess();
}

/**
 * Evicts until content is within the limit; returns false when it is not and nothing more can be evicted.
 * What was above a limit when that was set is evicted in steps, and true then means that there is less than
 * before. A replica evicts nothing, because its primary's records say what to delete; nor does a store that
 * is frozen.
 */
export function makeRoom(): bool {
  return usedBytes() <= limit || isReplica || isFrozen || evictDown();
}

/**
 * Compacts and evicts after an allocation has failed for the time `attempt`; returns whether to try it again.
 */
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

/** Returns false when there is nothing to evict, or no memory for the Del that replicas need. */
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
