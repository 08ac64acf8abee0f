/** Reads what the index of a dump has, up to the first entry that is not as it was written. */
import { INDEX_ENTRY_BYTES, IndexEntries, indexPath } from '../frame/index-entry.js';
import { indexKernel } from '../frame-index/index-kernel.js';
import type { DataFiles } from './data-files.js';

/** Entries that are looked at together. */
const GROUP_BYTES = 4_096 * INDEX_ENTRY_BYTES;

/** Yields the sound entries of an index, at least one at a time. Rejects with system errors. */
export async function* storedEntries(files: DataFiles, name: string): AsyncGenerator<Buffer, void, void> {
  if ((await files.size(indexPath(name))) === undefined) return;
  let covered = 0;
  let rest = Buffer.alloc(0);
  for await (const block of files.blocks(indexPath(name), INDEX_ENTRY_BYTES)) {
    rest = Buffer.concat([rest, block]);
    for (let at = 0; at + INDEX_ENTRY_BYTES <= rest.length; at += GROUP_BYTES) {
      const group = rest.subarray(at, at + GROUP_BYTES);
      const count = indexKernel().soundEntries(group, covered);
      if (count > 0) {
        const sound = Buffer.from(group.subarray(0, count * INDEX_ENTRY_BYTES));
        covered = new IndexEntries(sound).end(count - 1);
        yield sound;
      }
      if (count < Math.floor(group.length / INDEX_ENTRY_BYTES)) return;
    }
    rest = Buffer.from(rest.subarray(rest.length - (rest.length % INDEX_ENTRY_BYTES)));
  }
}
