/** Compares a dump with the index beside it, frame by frame. */
import { type FileHandle, open } from 'node:fs/promises';
import type { IndexEntries, IndexEntry } from '../frame/index-entry.js';
import { type EntryState, indexKernel } from './index-kernel.js';
import { IndexReader, type NoIndex } from './index-reader.js';

/** So much of a dump is read at once. */
const CHUNK_BYTES = 1_048_576;

/** How a dump compares with its index. */
export interface ComparedIndex {
  /** Whether an index was used, and if not, why. */
  index: 'used' | NoIndex;
  /** Frames that were compared. */
  frames: number;
  /** The offset behind the last of them. */
  bytes: number;
  /** Frames that the index has and that end behind the dump's end, and their bytes. */
  lostFrames: number;
  lostBytes: number;
}

/** How a dump is compared. */
export interface CompareOptions {
  signal?: AbortSignal | undefined;
  /** Called after each chunk with the bytes that have been read. */
  onRead?: ((bytes: number) => void) | undefined;
  /** Called with each frame whose bytes have another hash. */
  onMismatch(entry: IndexEntry, found: bigint): void;
}

/** Compares all that the index has. Throws system errors. */
export async function compareIndex(dump: string, options: CompareOptions): Promise<ComparedIndex> {
  const nothing = { frames: 0, bytes: 0, lostFrames: 0, lostBytes: 0 };
  const index = await IndexReader.open(dump);
  if (typeof index === 'string') return { index, ...nothing };
  const compared: ComparedIndex = { index: 'used', ...nothing };
  const file = await open(dump);
  const comparison = new Comparison(file, options);
  try {
    for await (const entries of index.blocks()) await comparison.take(entries, compared);
  } finally {
    comparison.close();
    await Promise.all([index.close(), file.close()]);
  }
  return compared;
}

/** Reads the dump from its start on, once. */
class Comparison {
  readonly #file: FileHandle;
  readonly #options: CompareOptions;
  readonly #state: EntryState = indexKernel().open();
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** The bytes that have been read and not compared. */
  #rest = this.#chunk.subarray(0, 0);
  /** The offset behind it. */
  #readBytes = 0;

  constructor(file: FileHandle, options: CompareOptions) {
    this.#file = file;
    this.#options = options;
  }

  async take(entries: IndexEntries, compared: ComparedIndex): Promise<void> {
    for (let at = 0; at < entries.length; at += 1) {
      const bytes = entries.bytes(at);
      const hash = compared.lostFrames > 0 ? undefined : await this.#hashOf(bytes);
      if (hash === undefined) {
        compared.lostFrames += 1;
        compared.lostBytes += bytes;
        continue;
      }
      compared.frames += 1;
      compared.bytes = entries.end(at);
      if (hash !== entries.hash(at)) this.#options.onMismatch(entries.at(at), hash);
    }
  }

  close(): void {
    this.#state.close();
  }

  /** Returns the hash of the next bytes; undefined: there are not so many. */
  async #hashOf(bytes: number): Promise<bigint | undefined> {
    this.#state.begin({ offset: 0, bytes, kind: 0, isPlainBatch: false });
    for (let left = bytes; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#read())) return undefined;
      const piece = this.#rest.subarray(0, left);
      this.#state.take(piece);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
    }
    return this.#state.endHash();
  }

  async #read(): Promise<boolean> {
    this.#options.signal?.throwIfAborted();
    const { bytesRead } = await this.#file.read(this.#chunk, 0, CHUNK_BYTES, this.#readBytes);
    this.#rest = this.#chunk.subarray(0, bytesRead);
    this.#readBytes += bytesRead;
    this.#options.onRead?.(this.#readBytes);
    return bytesRead > 0;
  }
}
