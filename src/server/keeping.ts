/**
 * The files that a node keeps on disk (docs/operations.md, "Data directory"), in either role: none without a
 * data directory.
 */
import type { SaveReport } from '../data/bases.js';
import type { DataDirectory, SizeReport } from '../data/data-directory.js';
import type { OpenedData } from '../data/open-data.js';
import { FastcacheError } from '../errors.js';
import type { FrameArchive } from '../replication/primary/archive.js';
import type { SyncedDisk } from '../replication/replica/session-options.js';
import { type Durability, NOT_DURABLE, type OnFault } from '../resp/durability.js';
import type { KeptNode, LockedData } from './data.js';

/** The data directory of a node, if it has one. */
export class Keeping implements Durability {
  readonly #data: LockedData | undefined;
  #node: KeptNode | undefined;
  /** Undefined without a directory, and until `open`. */
  #directory: DataDirectory | undefined;
  #opened: (directory: DataDirectory) => void = () => {};
  /** Where frames are kept that a backlog keeps no longer; undefined: nowhere. */
  readonly archive: FrameArchive | undefined;
  /** For the primary that is followed; undefined: nothing is kept. */
  readonly disk: SyncedDisk | undefined;
  readonly #syncListeners = new Set<() => void>();

  constructor(data: LockedData | undefined) {
    this.#data = data;
    if (data === undefined) return;
    // A replica may ask before the directory is open.
    const directory = new Promise<DataDirectory>((resolve) => {
      this.#opened = resolve;
    });
    this.disk = {
      watermarks: () => this.#directory?.syncedWatermarks,
      onSynced: (run) => this.onSynced(run),
    };
    this.archive = { open: async (stream, since) => (await directory).archive.open(stream, since) };
  }

  get fault(): string | undefined {
    return this.#directory?.fault?.message;
  }

  get onFault(): OnFault {
    return this.#node?.settings.data.onFault ?? 'refuse';
  }

  /** Whether writes are taken although the directory cannot be written. */
  get isUnkept(): boolean {
    return this.fault !== undefined && this.onFault === 'continue';
  }

  get saves(): SaveReport | undefined {
    return this.#directory?.save;
  }

  get size(): SizeReport | undefined {
    return this.#directory?.size;
  }

  get isSynced(): boolean {
    return this.#directory?.isSynced === true;
  }

  /**
   * Whether the history of the node's stream may be served: after a crash the directory knows of it. Without
   * a directory, and where nothing can be kept and is taken all the same, there is nothing to wait for.
   */
  get isBegun(): boolean {
    return this.#directory === undefined || this.isUnkept || this.#directory.isBegun;
  }

  onSynced(run: () => void): () => void {
    this.#syncListeners.add(run);
    return () => this.#syncListeners.delete(run);
  }

  /** Called when more is on the disk than before. */
  synced(): void {
    for (const run of this.#syncListeners) run();
  }

  get holdsReplies(): boolean {
    return this.#directory?.holdsReplies === true;
  }

  /** Has the end of a turn wait for a write to the disk; returns false when it is to end now. */
  putsOff(endTurn: () => void): boolean {
    return this.#directory?.turns.putsOff(endTurn) === true;
  }

  joins(endTurn: () => void): boolean {
    return this.#directory?.turns.joins(endTurn) === true;
  }

  whenSynced(run: (isSynced: boolean) => void): void {
    (this.#directory ?? NOT_DURABLE).whenSynced(run);
  }

  save(): Promise<void> {
    return this.#directory?.makeBase() ?? NOT_DURABLE.save();
  }

  /**
   * Begins to keep the content of `node`, which continues the content of the directory, `opened`. Throws
   * WRITE_FAILED when the directory cannot be written.
   */
  async open(node: KeptNode, opened: OpenedData | undefined): Promise<void> {
    if (this.#data === undefined || opened === undefined) return;
    const { createData } = await import('./data.js');
    this.#directory = await createData(this.#data, opened, node);
    this.#node = node;
    const directory = this.#directory;
    node.settings.onChange((name) => {
      if (name === 'appendfsync') directory.fsync = node.settings.data.fsync;
    });
    this.#opened(directory);
    this.follow(opened.content !== undefined);
    try {
      await this.#directory.begun();
      // Otherwise a crash would take what clients were answered with the content that it follows.
      if (node.settings.data.fsync !== 'no') await this.#directory.anchor();
    } catch (cause) {
      const message = `The data directory cannot be written: ${(cause as Error).message}.`;
      throw new FastcacheError('WRITE_FAILED', message, { file: this.#data.files.pathOf(''), cause });
    }
  }

  /** Keeps what the node's present stream brings; `continues`: its content goes on with what was kept. */
  follow(continues: boolean): void {
    const stream = this.#node?.stream;
    if (stream !== undefined) this.#directory?.follow(stream, continues);
  }

  /** Makes no base any more. */
  giveUp(): void {
    this.#directory?.giveUp();
  }

  /** Saves content that is in no file yet; to be called while the stream is there. */
  async anchor(): Promise<void> {
    this.#node?.stream?.flush();
    // `close` reports a file that is not whole.
    await this.#directory?.anchor().catch(() => {});
  }

  /**
   * Gives the directory back. `isPrimary`: the history is this node's own, and may go on under its id. Throws
   * WRITE_FAILED when not all is on the disk.
   */
  async close(isPrimary: boolean): Promise<void> {
    if (this.#directory === undefined) await this.#data?.lock.release();
    else await this.#directory.close(isPrimary);
  }
}
