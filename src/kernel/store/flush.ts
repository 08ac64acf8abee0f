// FLUSHALL in steps: deletes every key, on a primary with its Del, segment by segment from each table's
// beginning.
import { NOTE_NOTHING, WRITE_DONE } from '../layout';
import { PAGE_BYTES } from '../memory/pages';
import { keyLengthOf } from '../memory/record';
import { firstRecord, generationOf, overflowOf, spanOf, usedSlots } from '../table/segment';
import { depthOf, directoryOf, keysOf, shardAt, shardCount } from '../table/shard';
import { segmentIn } from '../table/table';
import { setSilent } from './broadcasts';
import { deleteHere, locateRecord } from './store';

/** How many keys the step at hand may still delete. */
let left: u32 = 0;
/** There is no memory for the Del of a key of so many bytes or more. */
let refusedBytes: u32 = 0;

/**
 * Deletes up to `limit` keys; returns how many it did. It passes over those for whose Del there is no memory:
 * when it returns 0 and keys are left, not one of them could be deleted.
 */
export function deleteSome(limit: u32): u32 {
  left = limit;
  setSilent(true);
  for (let id: u32 = 0; id < shardCount && left !== 0; id++) {
    if (keysOf(shardAt(id)) !== 0) emptyShard(shardAt(id));
  }
  setSilent(false);
  return limit - left;
}

function emptyShard(shard: usize): void {
  refusedBytes = u32.MAX_VALUE;
  let at: u64 = 0;
  for (;;) {
    let segment = segmentIn(directoryOf(shard), depthOf(shard), at);
    // The segment may join with its other half meanwhile, and is then gone through again.
    while (emptySegment(segment)) segment = segmentIn(directoryOf(shard), depthOf(shard), at);
    const span = spanOf(segment);
    at = (at & ~(span - 1)) + span;
    if (at === 0 || left === 0) return;
  }
}

/** Deletes a segment's keys; returns true when they have moved before all were deleted. */
function emptySegment(segment: usize): bool {
  const generation = generationOf(segment);
  for (let part = segment; part !== 0; part = overflowOf(part)) {
    for (let line = part; line < part + PAGE_BYTES; line += 64) {
      for (let used = usedSlots(line); used !== 0; used &= used - 1) {
        if (left === 0) return false;
        const record = firstRecord(line, used);
        const bytes = keyLengthOf(record);
        if (bytes >= refusedBytes) continue;
        locateRecord(record);
        if (deleteHere(record, NOTE_NOTHING) === WRITE_DONE) left--;
        else refusedBytes = bytes;
        if (generationOf(segment) !== generation) return true;
      }
    }
  }
  return false;
}
