// A scan of a shard by cursor, in steps between which writes go on. The cursor is a position in the space of
// the keyed hash's top bits, which splits only refine and joins only coarsen; so a key that is there
// throughout is met at least once.
//
// A cursor is a u64: bits 32-63 the prefix at which the next segment starts, and where in it to go on: 10-31
// the part of its chain (memory has fewer pages), 0-9 the slot. Beside it goes the generation that the
// segment then had. When that has changed, the segment is gone through again from its beginning, because its
// keys may have moved.

import { copyBytes } from '../bytes';
import { writeEntryHead } from '../entry-fields';
import {
  ENTRY_HEADER_BYTES,
  RESULT_COUNT,
  RESULT_CURSOR_U64,
  RESULT_DONE,
  RESULT_GENERATION_U64,
  RESULT_NEED,
} from '../layout';
import { keyLengthOf, keyOf, valueLengthOf } from '../memory/record';
import { setResult, setResultU64 } from '../result';
import { expiryOf } from './expiry';
import { filterKeys, listedBytes, writeKey } from './key-list';
import { BUCKET_SLOTS, BUCKETS, generationOf, overflowOf, spanOf } from './segment';
import { depthOf, directoryOf, shardAt } from './shard';
import { segmentIn } from './table';

const PREFIX: u64 = 0xffffffff00000000;
const SLOT_BITS: u32 = 10;
const SLOT_MAX: u32 = 1023;

/**
 * Writes a shard's entries in the SnapshotChunk format from `cursor` and `generation` (both 0 at first) on,
 * as many as fit into `capacity`; returns the bytes. The result block has the count of entries, the next
 * cursor and generation, and whether that was the end. When not even the first entry fits, nothing is written
 * and RESULT_NEED is what it takes.
 */
export function scan(id: u32, cursor: u64, generation: u64, output: usize, capacity: usize): usize {
  return walk(id, cursor, generation, output, capacity, false);
}

/** Writes what `scan` does, but a list (key-list.ts) of the live keys that match the pattern. */
export function listKeys(
  id: u32,
  cursor: u64,
  generation: u64,
  output: usize,
  capacity: usize,
  pattern: usize,
  patternBytes: u32,
): usize {
  filterKeys(pattern, patternBytes);
  return walk(id, cursor, generation, output, capacity, true);
}

function walk(id: u32, cursor: u64, generation: u64, output: usize, capacity: usize, listsKeys: bool): usize {
  const shard = shardAt(id);
  const directory = directoryOf(shard);
  setResult(RESULT_NEED, 0);
  let count: u32 = 0;
  let written: usize = 0;
  let done = directory === 0;
  while (!done) {
    const segment = segmentIn(directory, depthOf(shard), cursor);
    const isSame = generationOf(segment) === generation;
    const firstPart = isSame ? <u32>cursor >> SLOT_BITS : 0;
    let slot = isSame ? <u32>cursor & SLOT_MAX : 0;
    let part: u32 = 0;
    for (let page = segment; page !== 0; page = overflowOf(page), part++) {
      if (part < firstPart) continue;
      for (; slot < BUCKETS * BUCKET_SLOTS; slot++) {
        const line = page + ((<usize>(slot / BUCKET_SLOTS)) << 6);
        const index = <usize>(slot % BUCKET_SLOTS);
        if (load<u8>(line + index) === 0) continue;
        const record: usize = load<u32>(line + 16 + (index << 2));
        const bytes = listsKeys ? listedBytes(shard, record) : entryBytes(record);
        if (bytes === 0) continue;
        if (bytes > <u64>(capacity - written)) {
          if (count === 0) setResult(RESULT_NEED, <u32>bytes);
          const place = ((<u64>part) << SLOT_BITS) | <u64>slot;
          setResultU64(RESULT_GENERATION_U64, generationOf(segment));
          return stop(written, count, (cursor & PREFIX) | place, false);
        }
        if (listsKeys) writeKey(output + written, record);
        else writeEntry(output + written, shard, record);
        written += <usize>bytes;
        count++;
      }
      slot = 0;
    }
    const span = spanOf(segment);
    cursor = (cursor & ~(span - 1)) + span;
    // No segment has this generation, so that only the first one is begun in its midst.
    generation = 0;
    done = cursor === 0;
  }
  return stop(written, count, 0, true);
}

function stop(written: usize, count: u32, cursor: u64, done: bool): usize {
  setResult(RESULT_COUNT, count);
  setResultU64(RESULT_CURSOR_U64, cursor);
  setResult(RESULT_DONE, done ? 1 : 0);
  return written;
}

function entryBytes(record: usize): u64 {
  return ENTRY_HEADER_BYTES + <u64>keyLengthOf(record) + <u64>valueLengthOf(record);
}

function writeEntry(at: usize, shard: usize, record: usize): void {
  writeEntryHead(at, keyLengthOf(record), valueLengthOf(record), expiryOf(shard, record));
  copyBytes(at + ENTRY_HEADER_BYTES, keyOf(record), keyLengthOf(record) + valueLengthOf(record));
}
