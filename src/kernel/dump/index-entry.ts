// Makes the entries of a dump's index (docs/frames.md, "Index") from a frame's bytes, in whatever
// pieces they come. A state is ENTRY_STATE_BYTES long, and begins with the entry, whose fields are:
//   0 offset (u64), 8 bytes (u32), 12 kind (u8), 13 whether the records are known (u8), 14 zero (u16)
//   16 shard (u32), 20 records (u32), 24 least and 32 greatest sequence, 40 earliest time (u64 each)
//   48 XXH3-64 of the frame (u64), 56 ms from the earliest time to the latest (u32), 60 check (u32)
// Behind it lie the walk through the records and the state of the hash:
//   64 latest time (u64), 72 bytes to pass over (u64), 80 records left (u32), 84 bytes gathered (u32)
//   88 what is gathered (u8), 96 the bytes that are gathered, 160 the hash
import {
  FRAME_HEADER_BYTES,
  FRAME_KIND_BATCH,
  FRAME_KIND_SEAL,
  FRAME_MAGIC,
  INDEX_ENTRY_BYTES,
  INDEX_NO_SHARD,
  OP_SET,
  OP_SET_GOVERNED,
  RECORD_HEADER_BYTES,
  SEAL_FRAME_BYTES,
} from '../layout';
import {
  RECORD_COUNT_BYTES,
  wireKeyLength,
  wireOp,
  wireSequence,
  wireShard,
  wireTimestamp,
  wireValueLength,
} from '../record-fields';
import { xxh3 } from '../xxh3';
import { beginHash, endHash, HASH_STATE_BYTES, hashPiece } from '../xxh3-stream';

const CHECK_AT: usize = 60;

const GATHERED_AT: usize = 96;
const HASH_AT: usize = 160;
const ENTRY_STATE_BYTES: usize = HASH_AT + HASH_STATE_BYTES;

// The part that is gathered, from which the walk goes on: NOTHING without a walk, or where it met unsound
// bytes.
const NOTHING: u8 = 0;
const COUNT: u8 = 1;
const HEAD: u8 = 2;
const GOVERNANCE: u8 = 3;
const END: u8 = 4;

/** Bytes of a state. */
export function entryStateBytes(): usize {
  return ENTRY_STATE_BYTES;
}

/** Begins the entry of a frame; one whose payload is a plain MutationBatch is `isPlain`. */
export function entryBegin(state: usize, offset: f64, bytes: u32, kind: u32, isPlain: bool): void {
  begin(state, offset, bytes, kind, isPlain);
  beginHash(state + HASH_AT);
}

function begin(state: usize, offset: f64, bytes: u32, kind: u32, isPlain: bool): void {
  memory.fill(state, 0, HASH_AT);
  store<u64>(state, <u64>offset);
  store<u32>(state, bytes, 8);
  store<u8>(state, <u8>kind, 12);
  store<u32>(state, INDEX_NO_SHARD, 16);
  if (isPlain) beginWalk(state, <u64>FRAME_HEADER_BYTES);
}

/** Takes the next bytes of the frame. */
export function entryTake(state: usize, at: usize, length: usize): void {
  hashPiece(state + HASH_AT, at, length);
  walk(state, at, length);
}

/** Begins to walk the payload of a MutationBatch, which was decompressed. */
export function entryOpen(state: usize): void {
  beginWalk(state, 0);
}

/** Takes the next bytes of the payload that was decompressed. */
export function entryWalk(state: usize, at: usize, length: usize): void {
  walk(state, at, length);
}

/** Completes the entry at the start of the state. */
export function entryEnd(state: usize): void {
  finish(state, endHash(state + HASH_AT));
}

/**
 * Writes the entries of the plain batches that lie whole in so many bytes, the first of which is at `offset`
 * of the dump; `most` of them, and none behind a frame of another form. Returns how many there are.
 */
export function plainEntries(
  state: usize,
  at: usize,
  length: usize,
  offset: f64,
  entries: usize,
  most: u32,
): u32 {
  const end = at + length;
  let made: u32 = 0;
  while (made < most && end - at >= <usize>FRAME_HEADER_BYTES) {
    const payload = load<u32>(at, 8);
    const isPlain =
      load<u32>(at) === FRAME_MAGIC &&
      load<u8>(at, 5) === FRAME_KIND_BATCH &&
      load<u16>(at, 6) === 0 &&
      load<u32>(at, 12) === payload;
    const bytes = <u64>FRAME_HEADER_BYTES + <u64>payload;
    if (!isPlain || bytes > <u64>(end - at)) break;
    begin(state, offset, <u32>bytes, FRAME_KIND_BATCH, false);
    walkWhole(state, at + <usize>FRAME_HEADER_BYTES, at + <usize>bytes);
    finish(state, xxh3(at, <usize>bytes));
    memory.copy(entries + <usize>made * INDEX_ENTRY_BYTES, state, INDEX_ENTRY_BYTES);
    made++;
    at += <usize>bytes;
    offset += <f64>bytes;
  }
  return made;
}

/**
 * Writes the entries of a group of frames, as `plainEntries`, and of the seal behind them, whose payload
 * (src/frame/seal.ts) follows the header at `seal`. The group's first entries, `before` of them, are there
 * already. `proof` is the state whose hash has taken the entries that this seal proves besides: so many, the
 * first of a frame at `start`. It then has the seal's own, with which the next group begins. Returns how many
 * there are; 0, and nothing has changed: some frame is not a plain batch.
 */
export function sealGroup(
  state: usize,
  proof: usize,
  at: usize,
  length: usize,
  offset: f64,
  entries: usize,
  before: u32,
  most: u32,
  start: f64,
  proved: u32,
  seal: usize,
): u32 {
  if (before >= most - 1) return 0;
  const first = entries + <usize>before * INDEX_ENTRY_BYTES;
  const last = plainEntries(state, at, length, offset, first, most - before - 1);
  if (last === 0) return 0;
  const made = before + last;
  const own = entries + <usize>made * INDEX_ENTRY_BYTES;
  const end = load<u64>(own - INDEX_ENTRY_BYTES) + <u64>load<u32>(own - INDEX_ENTRY_BYTES, 8);
  if (end !== <u64>offset + <u64>length) return 0;
  hashPiece(proof + HASH_AT, entries, <usize>made * INDEX_ENTRY_BYTES);
  store<u64>(seal, <u64>start, FRAME_HEADER_BYTES);
  store<u32>(seal, proved + made, FRAME_HEADER_BYTES + 8);
  store<u64>(seal, endHash(proof + HASH_AT), FRAME_HEADER_BYTES + 12);
  begin(state, <f64>end, SEAL_FRAME_BYTES, FRAME_KIND_SEAL, false);
  finish(state, xxh3(seal, SEAL_FRAME_BYTES));
  memory.copy(own, state, INDEX_ENTRY_BYTES);
  entryBegin(proof, 0, 0, 0, false);
  hashPiece(proof + HASH_AT, own, INDEX_ENTRY_BYTES);
  return made + 1;
}

function finish(state: usize, hash: u64): void {
  if (load<u8>(state, 88) === END && load<u64>(state, 72) === 0) {
    store<u8>(state, 1, 13);
    const span = load<u64>(state, 64) - load<u64>(state, 40);
    store<u32>(state, <u32>min(span, <u64>u32.MAX_VALUE), 56);
  } else {
    store<u32>(state, INDEX_NO_SHARD, 16);
    store<u32>(state, 0, 20);
    memory.fill(state + 24, 0, 24);
  }
  store<u64>(state, hash, 48);
  entrySeal(state);
}

/** Sets the check of an entry, or of an index's header, which is as long and ends like one. */
export function entrySeal(entry: usize): void {
  store<u32>(entry, checkOf(entry), CHECK_AT);
}

/** Whether an entry, or a header, is as it was sealed. */
export function entryIsSound(entry: usize): bool {
  return load<u32>(entry, CHECK_AT) === checkOf(entry);
}

/**
 * Returns how many of so many entries are as they were sealed, and of frames that follow one another, from
 * the first on, whose frame begins at `offset`.
 */
export function soundEntries(entries: usize, count: u32, offset: f64): u32 {
  let next = <u64>offset;
  for (let i: u32 = 0; i < count; i++) {
    const entry = entries + <usize>i * INDEX_ENTRY_BYTES;
    if (!entryIsSound(entry) || load<u64>(entry) !== next) return i;
    next += <u64>load<u32>(entry, 8);
  }
  return count;
}

function checkOf(entry: usize): u32 {
  return <u32>xxh3(entry, CHECK_AT);
}

function beginWalk(state: usize, passedOver: u64): void {
  store<u64>(state, passedOver, 72);
  store<u8>(state, COUNT, 88);
}

/**
 * Walks a payload that lies whole, with what is found in registers; an unsound one leaves the state without a
 * walk. `walk` does the same for pieces.
 */
function walkWhole(state: usize, at: usize, end: usize): void {
  if (end - at < RECORD_COUNT_BYTES) return;
  const count = load<u32>(at);
  at += RECORD_COUNT_BYTES;
  let shard = INDEX_NO_SHARD;
  let least = u64.MAX_VALUE;
  let greatest: u64 = 0;
  let earliestMs = u64.MAX_VALUE;
  let latestMs: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (end - at < <usize>RECORD_HEADER_BYTES) return;
    const op = wireOp(at);
    if (op < OP_SET || op > OP_SET_GOVERNED) return;
    if (i === 0) shard = wireShard(at);
    else if (wireShard(at) !== shard) shard = INDEX_NO_SHARD;
    const sequence = wireSequence(at);
    least = min(least, sequence);
    greatest = max(greatest, sequence);
    const timeMs = wireTimestamp(at);
    earliestMs = min(earliestMs, timeMs);
    latestMs = max(latestMs, timeMs);
    const content = <u64>wireKeyLength(at) + <u64>wireValueLength(at);
    at += <usize>RECORD_HEADER_BYTES;
    if (content > <u64>(end - at)) return;
    at += <usize>content;
    if (op !== OP_SET_GOVERNED) continue;
    if (end - at < RECORD_COUNT_BYTES) return;
    const governance = <usize>load<u32>(at);
    at += RECORD_COUNT_BYTES;
    if (governance > end - at) return;
    at += governance;
  }
  if (at !== end) return;
  store<u8>(state, END, 88);
  store<u32>(state, count, 20);
  if (count === 0) return;
  store<u32>(state, shard, 16);
  store<u64>(state, least, 24);
  store<u64>(state, greatest, 32);
  store<u64>(state, earliestMs, 40);
  store<u64>(state, latestMs, 64);
}

function walk(state: usize, at: usize, length: usize): void {
  const end = at + length;
  while (at < end) {
    const stage = load<u8>(state, 88);
    if (stage === NOTHING) return;
    const passed = <usize>min(load<u64>(state, 72), <u64>(end - at));
    if (passed > 0) {
      store<u64>(state, load<u64>(state, 72) - <u64>passed, 72);
      at += passed;
      continue;
    }
    if (stage === END) {
      // There are bytes behind the last record.
      store<u8>(state, NOTHING, 88);
      return;
    }
    const gathered = <usize>load<u32>(state, 84);
    const wanted = stage === HEAD ? <usize>RECORD_HEADER_BYTES : RECORD_COUNT_BYTES;
    if (gathered === 0 && end - at >= wanted) {
      open(state, stage, at);
      at += wanted;
      continue;
    }
    const taken = min(wanted - gathered, end - at);
    memory.copy(state + GATHERED_AT + gathered, at, taken);
    at += taken;
    const whole = gathered + taken === wanted;
    store<u32>(state, whole ? 0 : <u32>(gathered + taken), 84);
    if (whole) open(state, stage, state + GATHERED_AT);
  }
}

/** Reads the gathered part, and sets which part is gathered next. */
function open(state: usize, stage: u8, at: usize): void {
  if (stage === COUNT) {
    const count = load<u32>(at);
    store<u32>(state, count, 20);
    store<u32>(state, count, 80);
    store<u8>(state, count === 0 ? END : HEAD, 88);
  } else if (stage === HEAD) {
    const op = wireOp(at);
    note(state, at);
    store<u64>(state, <u64>wireKeyLength(at) + <u64>wireValueLength(at), 72);
    if (op < OP_SET || op > OP_SET_GOVERNED) store<u8>(state, NOTHING, 88);
    else if (op === OP_SET_GOVERNED) store<u8>(state, GOVERNANCE, 88);
    else nextRecord(state);
  } else {
    store<u64>(state, load<u32>(at), 72);
    nextRecord(state);
  }
}

function nextRecord(state: usize): void {
  const left = load<u32>(state, 80) - 1;
  store<u32>(state, left, 80);
  store<u8>(state, left === 0 ? END : HEAD, 88);
}

function note(state: usize, at: usize): void {
  const shard = wireShard(at);
  const sequence = wireSequence(at);
  const timeMs = wireTimestamp(at);
  const isFirst = load<u32>(state, 80) === load<u32>(state, 20);
  if (isFirst) store<u32>(state, shard, 16);
  else if (load<u32>(state, 16) !== shard) store<u32>(state, INDEX_NO_SHARD, 16);
  if (isFirst || sequence < load<u64>(state, 24)) store<u64>(state, sequence, 24);
  if (isFirst || sequence > load<u64>(state, 32)) store<u64>(state, sequence, 32);
  if (isFirst || timeMs < load<u64>(state, 40)) store<u64>(state, timeMs, 40);
  if (isFirst || timeMs > load<u64>(state, 64)) store<u64>(state, timeMs, 64);
}
