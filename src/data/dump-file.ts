/**
 * A dump that is being written, a segment or a base, with its index beside it and the mark of how far it is
 * synced.
 */
import { Indexer } from '../frame-index/indexer.js';
import type { DataFile, DataFiles } from './data-files.js';
import { encodeMark, filesOfDump } from './sync-mark.js';

/** A dump and its index, from their making until `close`. */
export class DumpFile {
  readonly name: string;
  readonly #dump: DataFile;
  readonly #index: DataFile;
  readonly #mark: DataFile;
  readonly #indexer = new Indexer();
  #bytes = 0;
  #writtenBytes = 0;
  /** Bytes that are on the disk, and those that the mark says are. */
  #syncedBytes = 0;
  #markedBytes = 0;
  #isClosed = false;

  private constructor(name: string, [dump, index, mark]: [DataFile, DataFile, DataFile]) {
    this.name = name;
    this.#dump = dump;
    this.#index = index;
    this.#mark = mark;
  }

  /**
   * Makes the files, none of which may be there. Rejects with system errors; `discard` then removes those
   * that were made, and only these.
   */
  static async create(
    files: DataFiles,
    name: string,
    discard: (names: readonly string[]) => Promise<void>,
  ): Promise<DumpFile> {
    const made: DataFile[] = [];
    const names = filesOfDump(name);
    try {
      for (const each of names) made.push(await files.create(each));
      return new DumpFile(name, [made[0]!, made[1]!, made[2]!]);
    } catch (error) {
      for (const file of made) await file.close().catch(() => {});
      await discard(names.slice(0, made.length));
      throw error;
    }
  }

  /** Bytes that were appended. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that are in the file, and whose entries are in the index. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /**
   * Resolves when the bytes are written. Rejects with system errors, or when it is closed: nothing more can
   * be appended then.
   */
  append(pieces: readonly Buffer[]): Promise<void> {
    return this.#append(pieces, (file, bytes) => file.append(bytes));
  }

  /** Resolves when the bytes are on the disk, with all that was written before. Rejects as `append`. */
  async appendSynced(pieces: readonly Buffer[]): Promise<void> {
    if (this.#syncedBytes === this.#bytes) {
      await this.#append(pieces, (file, bytes) => file.appendSynced(bytes));
      this.#syncedBytes = this.#writtenBytes;
    } else {
      await this.append(pieces);
      await this.#syncBoth();
    }
  }

  async #append(
    pieces: readonly Buffer[],
    write: (file: DataFile, bytes: readonly Buffer[]) => Promise<void>,
  ): Promise<void> {
    if (this.#isClosed) throw new Error(`${this.name} is closed`);
    const entries: Buffer[] = [];
    for (const piece of pieces) {
      this.#bytes += piece.length;
      const made = this.#indexer.push(piece);
      if (made.length > 0) entries.push(made);
    }
    const written = write(this.#dump, pieces);
    const indexed = entries.length === 0 ? undefined : write(this.#index, entries);
    await bothOf(written, indexed);
    this.#writtenBytes = this.#bytes;
  }

  /** Resolves when all that was written before is on the disk and marked so. Rejects with system errors. */
  async sync(): Promise<void> {
    await this.#syncBoth();
    await this.mark();
  }

  /** Resolves when the mark says what is on the disk. Rejects with system errors. */
  async mark(): Promise<void> {
    if (this.#markedBytes === this.#syncedBytes) return;
    const bytes = this.#syncedBytes;
    await this.#mark.rewrite(encodeMark(bytes));
    this.#markedBytes = bytes;
  }

  /**
   * Syncs and closes a dump that is complete. Its mark is to be removed once the manifest names it so.
   * Rejects with system errors.
   */
  async seal(): Promise<void> {
    await this.#syncBoth();
    await this.close();
  }

  /** The index is synced too: without their entries, frames behind the mark do not count after a crash. */
  async #syncBoth(): Promise<void> {
    const bytes = this.#writtenBytes;
    await bothOf(this.#dump.sync(), this.#index.sync());
    this.#syncedBytes = bytes;
  }

  /** Closes the files; bytes that are not synced stay so. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#indexer.close();
    await this.#dump.close();
    await this.#index.close();
    await this.#mark.close();
  }
}

/** Awaits both to their ends: neither may reject later, when no caller waits for it any more. */
async function bothOf(...both: readonly (Promise<void> | undefined)[]): Promise<void> {
  const outcomes = await Promise.allSettled(both);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
