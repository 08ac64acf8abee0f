/** What the index of a dump says of the frames from a damaged one on. */
import { INDEX_ENTRY_BYTES, IndexEntries, indexPath } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { indexKernel } from '../frame-index/index-kernel.js';
import type { DataFiles } from './data-files.js';

/** Entries that are looked at together. */
const GROUP_BYTES = 4_096 * INDEX_ENTRY_BYTES;

/** Where the dump is damaged. */
export interface DamagedPlace {
  readonly name: string;
  /** Its length; null: it was not sealed. */
  readonly bytes: number | null;
  /** The offset of the damaged frame. */
  readonly offset: number;
}

/**
 * Whether the index knows of all frames from the damaged one on that they have no record of `untilMs`, Unix
 * ms, or before. Rejects with system errors.
 */
export async function isAllLater(files: DataFiles, place: DamagedPlace, untilMs: bigint): Promise<boolean> {
  const { name, bytes, offset } = place;
  if ((await files.size(indexPath(name))) === undefined) return false;
  let covered = 0;
  let rest = Buffer.alloc(0);
  for await (const block of files.blocks(indexPath(name), INDEX_ENTRY_BYTES)) {
    rest = Buffer.concat([rest, block]);
    for (let at = 0; at < rest.length; at += GROUP_BYTES) {
      const group = rest.subarray(at, at + GROUP_BYTES);
      const count = indexKernel().soundEntries(group, covered);
      const entries = new IndexEntries(group.subarray(0, count * INDEX_ENTRY_BYTES));
      for (let index = 0; index < count; index += 1) {
        if (entries.offset(index) >= offset && !isLater(entries, index, untilMs)) return false;
      }
      if (count > 0) covered = entries.end(count - 1);
    }
    rest = Buffer.from(rest.subarray(rest.length - (rest.length % INDEX_ENTRY_BYTES)));
  }
  return covered > offset && (bytes === null || covered === bytes);
}

function isLater(entries: IndexEntries, index: number, untilMs: bigint): boolean {
  if (entries.kind(index) !== FrameKind.MutationBatch) return true;
  return entries.isKnown(index) && (entries.count(index) === 0 || entries.earliestMs(index) > untilMs);
}
