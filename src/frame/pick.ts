/**
 * Picks some of a batch's records, or of a chunk's entries, as a payload of their own: those bytes as they
 * are, governance and all, behind the same head with another count.
 */
import { type DecodedRecord, decodeBatch } from './batch.js';
import { type DecodedSnapshotEntry, decodeSnapshotChunk } from './snapshot.js';

const COUNT_BYTES = 4;
/** Bytes of `GOV2`, which is behind the count of a chunk. */
const GOVERNED_MARK_BYTES = 4;

/** The records or entries that were picked. */
export interface Picked {
  /** The given payload itself when all of it was picked. */
  payload: Uint8Array;
  count: number;
}

/** Picks records of a MutationBatch. Throws as `decodeBatch` does. */
export function pickRecords(payload: Uint8Array, keeps: (record: DecodedRecord) => boolean): Picked {
  const { recordCount, records } = decodeBatch(payload);
  return pick(payload, { countOffset: 0, start: COUNT_BYTES, count: recordCount }, records, keeps);
}

/** Picks entries of a SnapshotChunk. Throws as `decodeSnapshotChunk` does. */
export function pickEntries(payload: Uint8Array, keeps: (entry: DecodedSnapshotEntry) => boolean): Picked {
  const { entryCount, entriesOffset, governed, entries } = decodeSnapshotChunk(payload);
  const countOffset = entriesOffset - COUNT_BYTES - (governed ? GOVERNED_MARK_BYTES : 0);
  return pick(payload, { countOffset, start: entriesOffset, count: entryCount }, entries, keeps);
}

interface Layout {
  countOffset: number;
  /** Payload offset of the first item. */
  start: number;
  count: number;
}

function pick<T extends { offset: number }>(
  payload: Uint8Array,
  { countOffset, start, count }: Layout,
  items: Iterable<T>,
  keeps: (item: T) => boolean,
): Picked {
  /** Stretches of items that are kept, one behind the other. */
  const kept: Uint8Array[] = [payload.subarray(0, start)];
  let keptCount = 0;
  let from = -1;
  for (const item of items) {
    if (keeps(item)) {
      keptCount += 1;
      if (from === -1) from = item.offset;
    } else if (from !== -1) {
      kept.push(payload.subarray(from, item.offset));
      from = -1;
    }
  }
  if (keptCount === count) return { payload, count };
  if (from !== -1) kept.push(payload.subarray(from));
  const picked = Buffer.concat(kept);
  picked.writeUInt32LE(keptCount, countOffset);
  return { payload: picked, count: keptCount };
}
