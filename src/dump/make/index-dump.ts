/** Makes the index beside a dump. */
import { type IndexedPart, makeIndex } from '../../frame-index/index-file.js';
import type { ReadingOptions } from '../read/dump-reader.js';

/** The options of `indexDump`. */
export interface IndexDumpOptions extends ReadingOptions {
  /** The mode of the index, unless it is there already; 0o600 when absent. */
  mode?: number | undefined;
}

/**
 * Makes `FILE.idx` beside a dump, or makes it longer (docs/frames.md, "Index"). Resolves with how far the
 * dump's frames go, and so the index. Rejects with `NO_INPUT`, `READ_FAILED` and `WRITE_FAILED`, and with
 * `FRAME_HASH_MISMATCH` when the dump does not fit the index that is there.
 *
 * ```js
 * const { frames, indexedBytes, dumpBytes } = await indexDump('dump.fcrp');
 * ```
 */
export async function indexDump(file: string, options: IndexDumpOptions = {}): Promise<IndexedPart> {
  const { mode, signal, onProgress } = options;
  const onRead = (bytes: number) => onProgress?.({ stage: 'reading', source: file, bytes });
  return makeIndex(file, { mode, signal, onRead });
}
