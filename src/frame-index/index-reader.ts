/**
 * Reads the index beside a dump, in constant memory. An index is used up to its tear: the first entry that is
 * not as it was written, or not of the frame behind the one before.
 */
import { type FileHandle, open } from 'node:fs/promises';
import {
  decodeIndexHeader,
  INDEX_ENTRY_BYTES,
  IndexEntries,
  type IndexEntry,
  indexPath,
} from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { indexKernel } from './index-kernel.js';

/** Entries of a block that is read at once. */
const BLOCK_ENTRIES = 4_096;
/** So much of a frame is read at once. */
const PIECE_BYTES = 262_144;

/** Why there is no index that can be used. */
export type NoIndex =
  /** There is no file. */
  | 'missing'
  /** The file is no index, or not even its header is whole. */
  | 'unsound'
  /** It is the index of another dump. */
  | 'foreign';

/** The part of an index that is sound, and of what is asked for. */
export interface IndexCoverage {
  entries: number;
  /** The offset in the dump behind the last frame that has a sound entry. */
  dumpBytes: number;
  /** Whether there are bytes behind the last of these entries. */
  isTorn: boolean;
}

/** Says of a frame, by the number of its entry, whether it is meant. */
export type EntryTest = (entries: IndexEntries, index: number) => boolean;

/** The index of one dump, open until `close`. */
export class IndexReader {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /**
   * Opens the index beside a dump, and compares the dump's first frame with it, or its second. Throws system
   * errors, but for an index that is not there.
   */
  static async open(dump: string): Promise<IndexReader | NoIndex> {
    let handle: FileHandle;
    try {
      handle = await open(indexPath(dump));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
      throw error;
    }
    const fault = await faultOf(handle, dump);
    if (fault === undefined) return new IndexReader(handle);
    await handle.close();
    return fault;
  }

  /** Yields the sound entries in order, from the one of that number on, some thousands at once. */
  async *blocks(from = 0): AsyncGenerator<IndexEntries, void, void> {
    const block = Buffer.allocUnsafeSlow(BLOCK_ENTRIES * INDEX_ENTRY_BYTES);
    let position = (from + 1) * INDEX_ENTRY_BYTES;
    let offset: number | undefined = from === 0 ? 0 : undefined;
    for (;;) {
      const bytes = await readAll(this.#handle, block, position);
      const whole = block.subarray(0, bytes - (bytes % INDEX_ENTRY_BYTES));
      if (whole.length === 0) return;
      const count = indexKernel().soundEntries(whole, offset ?? new IndexEntries(whole).offset(0));
      const entries = new IndexEntries(whole.subarray(0, count * INDEX_ENTRY_BYTES));
      if (count > 0) {
        yield entries;
        offset = entries.end(count - 1);
      }
      if (count < BLOCK_ENTRIES) return;
      position += whole.length;
    }
  }

  /** Reads the whole index; returns how far it can be used for the dump's first `limit` bytes. */
  async coverage(limit = Number.POSITIVE_INFINITY): Promise<IndexCoverage> {
    let [entries, dumpBytes] = [0, 0];
    for await (const block of this.blocks()) {
      let count = block.length;
      while (count > 0 && block.end(count - 1) > limit) count -= 1;
      entries += count;
      if (count > 0) dumpBytes = block.end(count - 1);
      if (count < block.length) break;
    }
    const { size } = await this.#handle.stat();
    return { entries, dumpBytes, isTorn: size > (entries + 1) * INDEX_ENTRY_BYTES };
  }

  /** Returns the first frame that is meant; undefined: none of those that have sound entries. */
  async first(isMeant: EntryTest): Promise<IndexEntry | undefined> {
    for await (const block of this.blocks()) {
      for (let index = 0; index < block.length; index += 1) {
        if (isMeant(block, index)) return block.at(index);
      }
    }
    return undefined;
  }

  /**
   * Returns the frame that has the dump's byte at `offset`, by halving; undefined where the entry that should
   * be it is not sound, and behind the last.
   */
  async at(offset: number): Promise<IndexEntry | undefined> {
    const entry = Buffer.alloc(INDEX_ENTRY_BYTES);
    const { size } = await this.#handle.stat();
    let [low, high] = [0, Math.floor(size / INDEX_ENTRY_BYTES) - 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      await readAll(this.#handle, entry, (middle + 1) * INDEX_ENTRY_BYTES);
      const entries = new IndexEntries(entry);
      if (!indexKernel().isSound(entry) || offset < entries.offset(0)) high = middle;
      else if (offset < entries.end(0)) return entries.at(0);
      else low = middle + 1;
    }
    return undefined;
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Whether a frame may have records above these watermarks; a shard without one is at 0. */
export function mayBeAbove(watermarks: ArrayLike<bigint>): EntryTest {
  return (entries, index) => {
    if (!isBatch(entries, index)) return false;
    const shard = entries.shard(index);
    if (shard === undefined) return !entries.isKnown(index) || entries.count(index) > 0;
    return entries.lastSequence(index) > (watermarks[shard] ?? 0n);
  };
}

/** Whether a frame may have records of this time or later, Unix ms. */
export function mayBeSince(ms: bigint): EntryTest {
  return (entries, index) =>
    isBatch(entries, index) && (!entries.isKnown(index) || entries.latestMs(index) >= ms);
}

/** Whether a frame may have records of a sequence or higher ones. */
export function mayReach(sequence: bigint): EntryTest {
  return (entries, index) =>
    isBatch(entries, index) && (!entries.isKnown(index) || entries.lastSequence(index) >= sequence);
}

function isBatch(entries: IndexEntries, index: number): boolean {
  return entries.kind(index) === FrameKind.MutationBatch;
}

async function faultOf(handle: FileHandle, dump: string): Promise<NoIndex | undefined> {
  const header = Buffer.alloc(INDEX_ENTRY_BYTES);
  const isWhole = (await readAll(handle, header, 0)) === header.length && indexKernel().isSound(header);
  const identity = isWhole ? decodeIndexHeader(header) : undefined;
  if (identity === undefined) return 'unsound';
  const file = await open(dump);
  try {
    if ((await hashAt(file, 0, identity.bytes)) === identity.hash) return undefined;
    // A dump whose first frame was damaged is known by its second.
    const second = Buffer.alloc(INDEX_ENTRY_BYTES);
    await readAll(handle, second, 2 * INDEX_ENTRY_BYTES);
    if (!indexKernel().isSound(second)) return 'foreign';
    const { offset, bytes, hash } = new IndexEntries(second).at(0);
    return (await hashAt(file, offset, bytes)) === hash ? undefined : 'foreign';
  } finally {
    await file.close();
  }
}

/** Returns the XXH3-64 of so many bytes of a dump; undefined where it has not so many. */
export async function hashAt(handle: FileHandle, offset: number, bytes: number): Promise<bigint | undefined> {
  const state = indexKernel().open();
  try {
    state.begin({ offset, bytes, kind: 0, isPlainBatch: false });
    const piece = Buffer.allocUnsafeSlow(Math.min(bytes, PIECE_BYTES));
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, bytes - done), offset + done);
      if (bytesRead === 0) return undefined;
      state.take(piece.subarray(0, bytesRead));
      done += bytesRead;
    }
    return state.endHash();
  } finally {
    state.close();
  }
}

/** Fills `target` from a file's position on; returns how many bytes there were. */
async function readAll(handle: FileHandle, target: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
