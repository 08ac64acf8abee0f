/**
 * Reads a dump of a data directory, compares it with its index, and says where it ends: the one rule by which
 * a tear is told from damage (docs/data-directory.md, "What is on the disk when").
 */
import { type ErrorCode, FastcacheError } from '../errors.js';
import { beginsWithHeader, INDEX_ENTRY_BYTES, IndexEntries, indexPath } from '../frame/index-entry.js';
import { FrameSplitter, type SplitFrame } from '../frame/splitter.js';
import { indexKernel } from '../frame-index/index-kernel.js';
import { Indexer } from '../frame-index/indexer.js';
import type { DataFiles } from './data-files.js';
import { SegmentIndex } from './segment-index.js';
import { readMark } from './sync-mark.js';

/** The fault of a frame that the seal behind it does not fit. */
export const MISSEALED = 'a frame is not what the seal behind it says';

/** A dump that is read. */
export interface DumpToRead {
  readonly name: string;
  /** Its length; null: it was not sealed, and may end in a tear. */
  readonly bytes: number | null;
}

/** Where a dump that was not sealed ends. */
export interface DumpEnd {
  /** The offset behind the last frame that counts. */
  readonly bytes: number;
  /** Why what follows does not count; undefined: nothing follows. */
  readonly tear: string | undefined;
  /** Bytes of its index that fit it. */
  readonly indexBytes: number;
}

/** Reads one dump: `frames` once, to its end, then `end`. */
export class CheckedDump {
  readonly #files: DataFiles;
  readonly #dump: DumpToRead;
  readonly #indexer = new Indexer();
  readonly #splitter = new FrameSplitter({ sharesAssembly: true });
  #tear: string | undefined;
  #damage: FastcacheError | undefined;
  #indexBytes = 0;
  /** Bytes that are surely synced. */
  #syncedBytes = 0;
  /** The part of the index that was read and not compared; undefined: there is no more to compare with. */
  #stored: Buffer | undefined;
  /** Of a dump that was not sealed. */
  readonly #ofOpen: SegmentIndex | undefined;
  #uncheckedFrom: number | undefined;

  constructor(files: DataFiles, dump: DumpToRead) {
    this.#files = files;
    this.#dump = dump;
    this.#ofOpen = dump.bytes === null ? new SegmentIndex(files, dump.name) : undefined;
  }

  /** Where it ends, once all frames were read. */
  get end(): DumpEnd {
    const indexBytes = this.#indexBytes;
    return { bytes: this.#splitter.frameStart, tear: this.#tear, indexBytes };
  }

  /**
   * The offset of the first frame that counts and that the index has no sound entry of: a changed value is
   * not noticed from there on. Undefined: there is none.
   */
  get uncheckedFrom(): number | undefined {
    return this.#uncheckedFrom;
  }

  /**
   * Calls `take` for each frame, and `onRead` after each block with the bytes read. Throws, with file and
   * offset, for damage, behind the last frame before it; and what `take` throws, and system errors.
   */
  async frames(take: (frame: SplitFrame) => void, onRead: (bytes: number) => void): Promise<void> {
    const { name, bytes } = this.#dump;
    const size = await this.#files.size(name);
    this.#syncedBytes = bytes ?? (await readMark(this.#files, name));
    if (size === undefined || size < this.#syncedBytes || (bytes !== null && size > bytes)) {
      throw damagedData(
        `it has ${size ?? 'no'} bytes, and ${this.#syncedBytes} are on the disk for sure`,
        this.#files.pathOf(name),
        size ?? 0,
      );
    }
    const index = (this.#ofOpen?.blocks() ?? this.#files.blocks(indexPath(name)))[Symbol.asyncIterator]();
    const isThere = this.#ofOpen !== undefined || (await this.#files.size(indexPath(name))) !== undefined;
    this.#stored = isThere ? Buffer.alloc(0) : undefined;
    let offset = 0;
    try {
      for await (const block of this.#files.blocks(name)) {
        const until = await this.#soundUntil(block, index);
        this.#split(until === undefined ? block : block.subarray(0, Math.max(0, until - offset)), take);
        offset += block.length;
        onRead(offset);
        if (this.#damage !== undefined) throw this.#damage;
        if (this.#tear !== undefined) return;
      }
    } finally {
      this.#indexer.close();
      await index.return?.();
    }
    if (this.#splitter.heldBytes > 0) this.#broken('it ends inside a frame', this.#splitter.frameStart);
    if (this.#damage !== undefined) throw this.#damage;
  }

  #split(bytes: Buffer, take: (frame: SplitFrame) => void): void {
    let isTaking = false;
    try {
      this.#splitter.push(bytes, (frame) => {
        isTaking = true;
        take(frame);
        isTaking = false;
      });
    } catch (error) {
      if (isTaking || !(error instanceof FastcacheError)) throw error;
      this.#broken(error.message, this.#splitter.frameStart);
    }
  }

  /**
   * Compares a block with the index. Returns the offset at which the dump is torn or damaged; undefined:
   * nowhere here.
   */
  async #soundUntil(block: Buffer, index: AsyncIterator<Buffer>): Promise<number | undefined> {
    const made = this.#indexer.push(block);
    if (made.length === 0) return undefined;
    if (this.#stored === undefined && this.#dump.bytes !== null) {
      // A sealed dump is read without its index where there is none, or none any more.
      this.#uncheckedFrom ??= 0;
      return undefined;
    }
    return this.#compare(made, await this.#storedBytes(made.length, index));
  }

  #compare(made: Buffer, stored: Buffer): number | undefined {
    if (made.equals(stored)) {
      this.#indexBytes += made.length;
      return undefined;
    }
    let isFitting = this.#stored !== undefined;
    for (let at = 0; at < made.length; at += INDEX_ENTRY_BYTES) {
      const own = made.subarray(at, at + INDEX_ENTRY_BYTES);
      const entry = stored.subarray(at, at + INDEX_ENTRY_BYTES);
      if (own.equals(entry)) {
        if (isFitting) this.#indexBytes += INDEX_ENTRY_BYTES;
        continue;
      }
      isFitting = false;
      // An index that has less, or is damaged itself, says nothing of what follows.
      const isMeant = indexKernel().isSound(entry);
      if (!isMeant) this.#stored = undefined;
      const offset = beginsWithHeader(own) ? 0 : new IndexEntries(own).offset(0);
      const isMissealed = !isMeant && offset >= (this.#ofOpen?.brokenFrom ?? Number.POSITIVE_INFINITY);
      if (!isMeant && !isMissealed && offset < this.#syncedBytes) {
        this.#uncheckedFrom ??= offset;
        continue;
      }
      const unproved = isMissealed ? MISSEALED : 'a frame is in no index, and no seal is behind it';
      this.#broken(isMeant ? 'a frame is not what its index says' : unproved, offset);
      return offset;
    }
    return undefined;
  }

  /** Takes the next bytes of the index, as many as there are. */
  async #storedBytes(bytes: number, index: AsyncIterator<Buffer>): Promise<Buffer> {
    let stored = this.#stored;
    if (stored === undefined) return Buffer.alloc(0);
    while (stored.length < bytes) {
      const { value, done } = await index.next();
      if (done === true) break;
      stored = Buffer.concat([stored, value]);
    }
    this.#stored = stored.subarray(bytes);
    return stored.subarray(0, bytes);
  }

  /** Notes a tear at `offset`, or damage where it can be none. */
  #broken(what: string, offset: number): void {
    if (this.#dump.bytes === null && offset >= this.#syncedBytes) this.#tear ??= what;
    else this.#damage ??= damagedData(what, this.#files.pathOf(this.#dump.name), offset);
  }
}

/** Makes the fault of a directory of which `file` is not as it was written. */
export function damagedData(what: string, file: string, offset?: number): FastcacheError {
  return new FastcacheError(
    'DATA_DAMAGED',
    `It is damaged: ${what.replace(/\.$/, '')}. Nothing was changed. Put back a sound copy of the file; or have ` +
      '`fastcache data repair` make a new directory of all that is whole; or move the directory away and start ' +
      'with an empty one, and with --recover where a replica has the data.',
    { file, ...(offset !== undefined && { offset }) },
  );
}

/**
 * Describes an index that has no sound entry for a byte of the dump at `path` and for the bytes behind it.
 */
export function uncheckedText(path: string, offset: number): string {
  return (
    `has no sound entry for byte ${offset} of its dump and what is behind: a value that was changed there is not ` +
    `noticed. With the server stopped, \`fastcache frames index ${path}\` makes it anew`
  );
}

/** Faults that are none of a file's frames, or say so already. */
const OTHERS: ReadonlySet<ErrorCode> = new Set([
  'OUT_OF_MEMORY',
  'DATA_DAMAGED',
  'BAD_OPTION',
  'READ_FAILED',
  'CLOSED',
]);

/** Returns a fault of frames as one of the directory, in a file of it; any other error as it is. */
export function asDamage(error: unknown, path: string): unknown {
  if (!(error instanceof FastcacheError) || OTHERS.has(error.code)) return error;
  return damagedData(error.message, error.file ?? path, error.offset);
}
