// Checks the batches of a dump, which belong to no store: keys' hashes and tags, routing, and how each
// shard's sequences follow one another. A batch is opened, which checks its structure, and then walked from
// fault to fault.
import {
  APPLY_OK,
  APPLY_TRAILING,
  RECORD_KEY_HASH_AT,
  RECORD_KEY_TAG_AT,
  RECORD_SEQUENCE_AT,
  RESULT_SHARD,
  SHARDS_MAX,
  STAND_BYTES,
  VERIFY_GAP,
  VERIFY_HASH,
  VERIFY_KEYS,
  VERIFY_ORDER,
  VERIFY_ROUTE,
  VERIFY_SEQUENCE,
  VERIFY_SHARD,
  VERIFY_TAG,
} from '../layout';
import { allocatePages } from '../memory/pages';
import {
  behindRecord,
  checkRecordCount,
  fault,
  recordStatus,
  soundRecordBytes,
} from '../payload/payload-checks';
import {
  RECORD_COUNT_BYTES,
  wireKey,
  wireKeyHash,
  wireKeyLength,
  wireKeyTag,
  wireSequence,
  wireShard,
} from '../record-fields';
import { setResult } from '../result';
import { routedLength } from '../table/shard';
import { xxh3 } from '../xxh3';

// A shard's state, of which STAND_* of layout.ts is what the host reads; u64 but where it says otherwise:
//   0 least sequence, 8 greatest, 16 records, 24 records that were skipped
//   32 position: the highest sequence that was reached
//   40 where the last gap began, 48 last sequence of the batch at hand, 56 the number of that batch (u32)
//   60 whether a position is known, 61 whether a gap is open, 62 whether there were records (u8 each)
let stands: usize = 0;
let shards: u32 = 0;
let routesByPrefix: bool = false;
let routed: u64 = 0;
let round: u32 = 0;

// The batch at hand: where the walk is, how many records are left, and whether the key of the next has been
// checked.
let payload: usize = 0;
let at: usize = 0;
let left: u32 = 0;
let keysSeen: bool = false;

/** Resets the shards' states; returns their address, 0 when there is no memory. */
export function verifyStart(): usize {
  if (stands === 0) stands = allocatePages(<usize>SHARDS_MAX * STAND_BYTES);
  if (stands !== 0) memory.fill(stands, 0, <usize>SHARDS_MAX * STAND_BYTES);
  routed = 0;
  return stands;
}

/** Sets how keys route from here on, with 0 shards that it is unknown. */
export function verifyRouting(count: u32, byPrefix: bool): void {
  shards = count;
  routesByPrefix = byPrefix;
}

/** Returns how many records' routing has been checked. */
export function verifyRouted(): f64 {
  return <f64>routed;
}

/** Makes a shard go on behind `sequence`, or from its position when that is higher. */
export function verifyRaise(shard: u32, sequence: u64): void {
  const stand = stands + <usize>shard * STAND_BYTES;
  if (load<u64>(stand, 40) < sequence) store<u8>(stand, 0, 61);
  if (load<u8>(stand, 60) !== 0 && load<u64>(stand, 32) >= sequence) return;
  store<u64>(stand, sequence, 32);
  store<u16>(stand, 1, 60);
}

/** Lets each shard go on anywhere. */
export function verifyForget(): void {
  for (let id: u32 = 0; id < <u32>SHARDS_MAX; id++) {
    store<u16>(stands + <usize>id * STAND_BYTES, 0, 60);
  }
}

/** Opens a MutationBatch payload; returns what its structure is, one of APPLY_*. */
export function verifyOpen(start: usize, bytes: usize): i32 {
  const status = checkRecordCount(start, bytes);
  if (status !== APPLY_OK) return status;
  payload = start;
  at = start + RECORD_COUNT_BYTES;
  left = load<u32>(start);
  keysSeen = false;
  round++;
  const end = start + bytes;
  let record = at;
  for (let i: u32 = 0; i < left; i++) {
    const size = soundRecordBytes(start, record, end);
    if (size === 0) return recordStatus;
    record += size;
  }
  return record === end ? APPLY_OK : fault(APPLY_TRAILING, record - start, 0, end - record);
}

/**
 * Walks on to the next fault and returns it, 0 behind the last record. `checks` is VERIFY_KEYS, VERIFY_ORDER
 * or both.
 */
export function verifyNext(checks: u32): i32 {
  while (left > 0) {
    if (!keysSeen) {
      keysSeen = true;
      const status = checkKey((checks & VERIFY_KEYS) !== 0, (checks & VERIFY_ORDER) !== 0);
      if (status !== 0) return status;
    }
    const record = at;
    at = behindRecord(record);
    left--;
    keysSeen = false;
    if ((checks & VERIFY_ORDER) !== 0) {
      const status = follow(record);
      if (status !== 0) return status;
    }
  }
  return 0;
}

function checkKey(hashes: bool, routing: bool): i32 {
  const id = wireShard(at);
  const key = wireKey(at);
  const keyBytes = wireKeyLength(at);
  const hash = wireKeyHash(at);
  if (hashes) {
    const real = xxh3(key, keyBytes);
    if (real !== hash) return fault(VERIFY_HASH, at - payload + RECORD_KEY_HASH_AT, real, hash);
    if (wireKeyTag(at) !== hash >> 56) {
      return fault(VERIFY_TAG, at - payload + RECORD_KEY_TAG_AT, hash >> 56, wireKeyTag(at));
    }
  }
  const most = routing && shards !== 0 ? shards : <u32>SHARDS_MAX;
  if (id >= most) return fault(VERIFY_SHARD, at - payload, most, id);
  if (!routing || shards === 0) return 0;
  routed++;
  const length = routesByPrefix ? routedLength(key, keyBytes) : keyBytes;
  const routing64 = length === keyBytes ? hash : xxh3(key, length);
  const shard: u32 = shards === 1 ? 0 : <u32>((routing64 << 7) >> <u64>(64 - ctz(shards)));
  return shard === id ? 0 : fault(VERIFY_ROUTE, at - payload, shard, id);
}

/** Takes a record's sequence into its shard's state; returns its fault, or 0. */
function follow(record: usize): i32 {
  const id = wireShard(record);
  if (id >= <u32>SHARDS_MAX) return 0;
  const stand = stands + <usize>id * STAND_BYTES;
  const sequence = wireSequence(record);
  count(stand, sequence);
  const previous = load<u64>(stand, 48);
  const falls = load<u32>(stand, 56) === round && sequence <= previous;
  store<u64>(stand, sequence, 48);
  store<u32>(stand, round, 56);

  const position = load<u64>(stand, 32);
  const known = load<u8>(stand, 60) !== 0;
  setResult(RESULT_SHARD, id);
  if (known && sequence <= position) {
    store<u64>(stand, load<u64>(stand, 24) + 1, 24);
    // A sequence out of the midst of a gap shows that the one behind the gap was wrong: the shard goes on
    // from here.
    const isInGap = load<u8>(stand, 61) !== 0 && sequence > load<u64>(stand, 40) && sequence < position;
    if (isInGap) {
      store<u64>(stand, sequence, 32);
      store<u8>(stand, 0, 61);
    }
    if (!falls && !isInGap) return 0;
    return fault(
      VERIFY_SEQUENCE,
      record - payload + RECORD_SEQUENCE_AT,
      falls ? previous : position,
      sequence,
    );
  }
  store<u64>(stand, sequence, 32);
  store<u8>(stand, 1, 60);
  if (!known || sequence === position + 1) return 0;
  store<u64>(stand, position, 40);
  store<u8>(stand, 1, 61);
  return fault(VERIFY_GAP, record - payload + RECORD_SEQUENCE_AT, position + 1, sequence);
}

function count(stand: usize, sequence: u64): void {
  const seen = load<u8>(stand, 62) !== 0;
  if (!seen || sequence < load<u64>(stand)) store<u64>(stand, sequence);
  if (!seen || sequence > load<u64>(stand, 8)) store<u64>(stand, sequence, 8);
  store<u64>(stand, load<u64>(stand, 16) + 1, 16);
  store<u8>(stand, 1, 62);
}
