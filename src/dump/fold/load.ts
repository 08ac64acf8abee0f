/** Reads dumps and folds them into the key space that they lead to. */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { FastcacheError } from '../../errors.js';
import { FrameSplitter } from '../../frame/splitter.js';
import { type DumpSource, dumpName, inDump, openDump } from '../read/dump-reader.js';
import { type FoldOptions, type KeySpace, KeySpaceFold } from './key-space-fold.js';

/** The dumps to load, and how far they are folded. */
export interface LoadOptions extends FoldOptions {
  /** Dumps that continue each other, in order. */
  files: readonly DumpSource[];
  /** Ends the reading with its reason. */
  signal?: AbortSignal | undefined;
  /** Called after each chunk with the bytes of `file` that have been read so far. */
  onRead?: ((file: DumpSource, bytes: number) => void) | undefined;
}

/**
 * Returns the key space that dumps lead to. Throws, with file and byte offset, for damage, gaps and snapshots
 * that are not whole (`FCRP_*`, `SEQUENCE_GAP`, `SNAPSHOT_OUT_OF_ORDER`, …), for dumps without content
 * (`DUMP_EMPTY`), for limits that the dumps do not reach (`BAD_OPTION`), and `NO_INPUT`, `READ_FAILED`,
 * `OUT_OF_MEMORY`.
 */
export async function loadDumps({ files, signal, onRead, ...options }: LoadOptions): Promise<KeySpace> {
  const fold = new KeySpaceFold(options);
  for (const file of files) {
    let bytes = 0;
    const name = dumpName(file);
    const splitter = new FrameSplitter({ sharesAssembly: true });
    try {
      for await (const chunk of openDump(file, { signal })) {
        splitter.push(chunk, (frame) => {
          fold.take(frame, name);
          bytes = frame.offset + frame.bytes.length;
        });
        onRead?.(file, bytes);
      }
      splitter.end();
    } catch (error) {
      throw inDump(error, file, bytes);
    }
  }
  try {
    return fold.finish();
  } catch (error) {
    // A fault of all the dumps together names no place.
    const [only] = files;
    const isPlaced = !(error instanceof FastcacheError) || error.file !== undefined;
    throw isPlaced || only === undefined || files.length > 1 ? error : error.inFile(dumpName(only));
  }
}

const SWEPT_KEYS = 100_000;

/** Deletes the keys that have expired by the store's clock; returns how many there were. */
export function dropExpired(store: ShardEngine): number {
  let dropped = 0;
  for (let swept = store.sweep(SWEPT_KEYS); swept > 0; swept = store.sweep(SWEPT_KEYS)) dropped += swept;
  return dropped;
}
