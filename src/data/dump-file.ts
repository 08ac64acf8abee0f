/**
 * A dump that is being written, a segment or a base, with its index beside it and the mark of how far it is
 * synced. The index is behind the dump: its entries gather in memory, since the seals of a segment prove what
 * is in no index yet, and a base counts only once it is whole.
 */
import { beginsWithHeader, INDEX_ENTRY_BYTES } from '../frame/index-entry.js';
import { Indexer } from '../frame-index/indexer.js';
import type { DataFile, DataFiles } from './data-files.js';
import { Sealing } from './sealing.js';
import { encodeMark, filesOfDump } from './sync-mark.js';

/** Entries are written at the latest when so many bytes of them have gathered. */
const GATHERED_BYTES = 262_144;

/** A dump and its index, from their making until `close`. */
export class DumpFile {
  readonly name: string;
  readonly #dump: DataFile;
  readonly #indexFile: DataFile;
  readonly #mark: DataFile;
  readonly #indexer = new Indexer();
  readonly #sealing = new Sealing();
  /** Entries of frames that are written. */
  #entries: Buffer[] = [];
  #entryBytes = 0;
  #indexing: Promise<void> | undefined;
  #bytes = 0;
  #writtenBytes = 0;
  /** Bytes that the last seal proves, and those whose entries are in the index's file. */
  #sealedBytes = 0;
  #indexedBytes = 0;
  /** Bytes that are on the disk, and those that the mark says are. */
  #syncedBytes = 0;
  #markedBytes = 0;
  #isClosed = false;

  private constructor(name: string, [dump, index, mark]: [DataFile, DataFile, DataFile]) {
    this.name = name;
    this.#dump = dump;
    this.#indexFile = index;
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

  /** Bytes that are in the file. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Bytes that are in the file, and whose entries are in that of the index. */
  get indexedBytes(): number {
    return this.#indexedBytes;
  }

  /**
   * Resolves when the bytes are written. Rejects with system errors, or when it is closed: nothing more can
   * be appended then.
   */
  async append(pieces: readonly Buffer[]): Promise<void> {
    if (this.#isClosed) throw new Error(`${this.name} is closed`);
    const entries = this.#indexed(pieces);
    await this.#dump.append(pieces);
    await this.#written(entries);
  }

  /**
   * Appends frames, the last of which is whole, and the seal that proves them. `isSynced`: resolves when they
   * are on the disk, with all that was written before. Rejects as `append`.
   */
  async appendSealed(pieces: readonly Buffer[], isSynced: boolean): Promise<void> {
    if (this.#isClosed) throw new Error(`${this.name} is closed`);
    const isAtOnce = isSynced && this.#syncedBytes === this.#bytes;
    const { entries, seal } = this.#sealed(pieces);
    const bytes = [...pieces, seal];
    await (isAtOnce ? this.#dump.appendSynced(bytes) : this.#dump.append(bytes));
    this.#sealedBytes = this.#bytes;
    if (isAtOnce) this.#syncedBytes = this.#bytes;
    await this.#written(entries);
    if (isSynced && !isAtOnce) await this.#syncDump();
  }

  /** Returns the seal of frames, and the entries of both. */
  #sealed(pieces: readonly Buffer[]): { entries: readonly Buffer[]; seal: Buffer } {
    const group = this.#sealing.sealWith(this.#indexer, pieces);
    if (group !== undefined) {
      this.#bytes = this.#indexer.frameStart;
      return { entries: [group.entries], seal: group.seal };
    }
    const entries = this.#indexed(pieces);
    const seal = this.#sealing.seal();
    return { entries: [...entries, ...this.#indexed([seal])], seal };
  }

  /** Returns the entries of frames, which are then to be sealed. */
  #indexed(pieces: readonly Buffer[]): Buffer[] {
    const entries: Buffer[] = [];
    for (const piece of pieces) {
      this.#bytes += piece.length;
      const made = this.#indexer.push(piece);
      if (made.length === 0) continue;
      entries.push(made);
      this.#sealing.take(beginsWithHeader(made) ? made.subarray(INDEX_ENTRY_BYTES) : made);
    }
    return entries;
  }

  /** Notes that all bytes are written, the last with these entries; many entries are written as well. */
  #written(entries: readonly Buffer[]): Promise<void> | undefined {
    this.#writtenBytes = this.#bytes;
    for (const made of entries) this.#entryBytes += made.length;
    this.#entries.push(...entries);
    return this.#entryBytes >= GATHERED_BYTES ? this.writeIndex() : undefined;
  }

  /** Resolves when the index has all frames that are written. Rejects with system errors. */
  async writeIndex(): Promise<void> {
    while (this.#indexing !== undefined) await this.#indexing;
    if (this.#entries.length === 0) return;
    const entries = this.#entries;
    const bytes = this.#writtenBytes;
    this.#entries = [];
    this.#entryBytes = 0;
    const writing = this.#indexFile.append(entries);
    // Its fault is for whoever began it.
    this.#indexing = writing.catch(() => {});
    try {
      await writing;
      this.#indexedBytes = bytes;
    } finally {
      this.#indexing = undefined;
    }
  }

  /** Resolves when all that was written before is on the disk and marked so. Rejects with system errors. */
  async sync(): Promise<void> {
    // Without their entries, frames that no seal proves do not count after a crash.
    const isProved = this.#sealedBytes === this.#writtenBytes;
    await bothOf(this.#syncDump(), isProved ? undefined : this.#syncIndex());
    await this.mark();
  }

  /**
   * Resolves when the mark says what is on the disk, and the index has it. Rejects with system errors.
   */
  async mark(): Promise<void> {
    if (this.#markedBytes === this.#syncedBytes) return;
    const bytes = this.#syncedBytes;
    await this.writeIndex();
    await this.#mark.rewrite(encodeMark(bytes));
    this.#markedBytes = bytes;
  }

  /**
   * Syncs and closes a dump that is complete. Its mark is to be removed once the manifest names it so.
   * Rejects with system errors.
   */
  async seal(): Promise<void> {
    await bothOf(this.#syncDump(), this.#syncIndex());
    await this.close();
  }

  async #syncDump(): Promise<void> {
    const bytes = this.#writtenBytes;
    await this.#dump.sync();
    this.#syncedBytes = bytes;
  }

  async #syncIndex(): Promise<void> {
    await this.writeIndex();
    await this.#indexFile.sync();
  }

  /** Closes the files; bytes that are not synced stay so. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#indexer.close();
    this.#sealing.close();
    await this.#dump.close();
    await this.#indexFile.close();
    await this.#mark.close();
  }
}

/** Awaits both to their ends: neither may reject later, when no caller waits for it any more. */
async function bothOf(...both: readonly (Promise<void> | undefined)[]): Promise<void> {
  const outcomes = await Promise.allSettled(both);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
