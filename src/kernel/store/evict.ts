// The memory limit (docs/architecture.md, "Eviction"): keys are evicted when content takes more. As in Redis
// the limit is looked at before a command that may need memory, so that content may be above it by the bytes
// that one command has added.
import {
  EVICT_LFU,
  EVICT_LRU,
  EVICT_NOTHING,
  EVICT_RANDOM,
  EVICT_TTL,
  EVICT_VOLATILE_LFU,
  EVICT_VOLATILE_RANDOM,
  EVICTION_STEP_KEYS,
  NOTE_EVICTED,
  WRITE_DONE,
} from '../layout';
import { countUses } from '../memory/access';
import { usedBytes } from '../memory/arena';
import { availableBytes, contentBytesMax } from '../memory/pages';
import { nearestExpiring } from '../table/expiry';
import { randomExpiring, randomRecord, randomSegment, randomShard } from '../table/sample';
import { emptyPool, locateIdlest } from './pool';
import { compact, deleteHere, isFrozen, isReplica, locateRecord } from './store';
import { leaveTracker, returnTracker } from './trackers';

/**
 * A primary leaves a sixteenth of its memory, for gaps between its own records and for replicas, which apply
 * beyond this: a replica has room for all that it took in, in whatever order. A single value that is set
 * below the limit, however large, is part of that.
 */
const GAPS: f64 = 16;
/** A command that sets all its keys or none counts with an eighth for gaps, and these bytes for tables. */
const ALL_OR_NONE_GAPS: f64 = 1.125;
const ALL_OR_NONE_TABLES: f64 = 1048576;
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

/**
 * Lets content take `maxBytes` from now on, or with 0 all there is; `chosen` is one of EVICT_*. How LFU
 * policies count is as with Redis' settings `lfu-log-factor` and `lfu-decay-time`.
 */
export function limitMemory(
  maxBytes: f64,
  chosen: u32,
  sampleCount: u32,
  logFactor: f64,
  decayMinutes: u32,
): void {
  if (policy !== chosen) emptyPool();
  policy = chosen;
  countUses(chosen === EVICT_LFU || chosen === EVICT_VOLATILE_LFU, logFactor, decayMinutes);
  samples = min(max<u32>(sampleCount, 1), SAMPLES_MAX);
  limit = <usize>(maxBytes === 0 ? ownBytesMax() : min(maxBytes, ownBytesMax()));
  noteExcess();
}

/**
 * Returns whether there is surely room for `bytes` of records, for commands that set all their keys or none.
 */
export function hasRoomFor(bytes: f64): bool {
  const needed = bytes * ALL_OR_NONE_GAPS + ALL_OR_NONE_TABLES;
  if (needed > availableBytes()) return false;
  // A store that evicts makes room for the next command.
  return policy !== EVICT_NOTHING || <f64>usedBytes() + needed <= ownBytesMax();
}

/**
 * Evicts until content is within the limit; returns false when it is not and nothing more can be evicted.
 * Content above a limit when that was set is evicted in steps, and true then means that there is less than
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

function ownBytesMax(): f64 {
  return contentBytesMax() - contentBytesMax() / GAPS;
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
  if (record === 0) return false;
  const left = leaveTracker();
  const written = deleteHere(record, NOTE_EVICTED);
  returnTracker(left);
  if (written !== WRITE_DONE) return false;
  evictedKeys += 1;
  return true;
}

function locateVictim(): usize {
  switch (policy) {
    case EVICT_LRU:
    case EVICT_LFU:
      return locateIdlest(samples, false);
    case EVICT_RANDOM: {
      const shard = randomShard();
      return shard === 0 ? 0 : locateRecord(randomRecord(randomSegment(shard)));
    }
    case EVICT_TTL:
      return locateIfAny(nearestExpiring());
    case EVICT_VOLATILE_RANDOM:
      return locateIfAny(randomExpiring());
    default:
      return locateIdlest(samples, true);
  }
}

function locateIfAny(record: usize): usize {
  return record === 0 ? 0 : locateRecord(record);
}
