/** Folds dumps into the key space that they lead to. */
import type { DumpLimits } from '../choose/batch-limit.js';
import { type DumpSources, type ReadingOptions, sourceList } from '../read/dump-reader.js';
import { FoldedKeySpace } from './folded-key-space.js';
import type { KeySpace } from './key-space-fold.js';
import { loadDumps } from './load.js';
import { ToolStores } from './tool-stores.js';

/** The options of `foldDump`. */
export interface FoldDumpOptions extends DumpLimits, ReadingOptions {}

/**
 * Applies dumps that continue each other, in order, as a replica would: records are applied one after the
 * other, and a whole snapshot replaces everything. The result is of the moment `untilMs`, or else of the
 * newest record, and holds no key that had expired by then. Memory is that of the keys and values.
 *
 * Rejects, with file and byte offset, for damage, gaps and snapshots that are not whole (`FCRP_*`,
 * `SEQUENCE_GAP`, `SNAPSHOT_OUT_OF_ORDER`, …), with `DUMP_EMPTY` for dumps without content, with `BAD_OPTION`
 * where the dumps do not show the keys at these limits, and with `NO_INPUT`, `READ_FAILED`, `OUT_OF_MEMORY`.
 *
 * ```js
 * const keySpace = await foldDump(['monday.fcrp', 'tuesday.fcrp']);
 * for (const { key, value } of keySpace.entries()) console.log(`${key} = ${value}`);
 * ```
 */
export async function foldDump(sources: DumpSources, options: FoldDumpOptions = {}): Promise<FoldedKeySpace> {
  const keySpace = await readKeySpace(sources, options);
  keySpace.expire(keySpace.atMs ?? 0);
  return keySpace;
}

/** Folds dumps as `foldDump` does, but keeps the keys that have expired. */
export async function readKeySpace(
  sources: DumpSources,
  { endSequence, endWatermarks, untilMs, signal, onProgress }: FoldDumpOptions,
): Promise<FoldedKeySpace> {
  const stores = new ToolStores();
  const keySpace = await loadDumps({
    endSequence,
    endWatermarks,
    untilMs,
    files: sourceList(sources),
    signal,
    createStore: (shards) => stores.create(shards),
    onRead: (source, bytes) => onProgress?.({ stage: 'reading', source, bytes }),
  });
  return foldedKeySpace(stores, keySpace, untilMs);
}

/** Returns a key space in `stores` for tools, as of `untilMs`, Unix ms, or else of its newest record. */
export function foldedKeySpace(
  stores: ToolStores,
  { store, watermarks, newestMs, unsaid }: KeySpace,
  untilMs?: bigint,
): FoldedKeySpace {
  const atMs = untilMs === undefined ? newestMs : Number(untilMs);
  const unsaidHistories = unsaid.map(({ base, place: { file = '', offset = 0 } }) => ({
    file,
    offset,
    base,
  }));
  return new FoldedKeySpace({ stores, store, watermarks, atMs, unsaidHistories });
}
