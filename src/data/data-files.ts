/**
 * The seam through which the data directory meets a disk: `system-data-files.ts` is that of the system, and
 * tests have one that loses what was not synced.
 */

/** A file that is written from its beginning to its end, by one writer. */
export interface DataFile {
  /** Resolves when all of the bytes are written, which must not change until then. Rejects with the fault. */
  append(pieces: readonly Uint8Array[]): Promise<void>;
  /**
   * Resolves when the bytes are written as by `append`, and on the disk. Bytes that were appended before must
   * be there already. Room (frame/room.ts) may be made behind them, which `close` gives back.
   */
  appendSynced(pieces: readonly Uint8Array[]): Promise<void>;
  /** Resolves when the bytes have taken the place of as many at the beginning. Rejects with the fault. */
  rewrite(bytes: Uint8Array): Promise<void>;
  /** Resolves when all that was written before is on the disk. Rejects with the fault. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The files of one directory, by their names in it. All of it rejects with system errors. */
export interface DataFiles {
  /** How messages name the directory, and a file of it. */
  pathOf(name: string): string;
  /** Makes the directory if it is not there. */
  prepare(): Promise<void>;
  /** Resolves with the lock of the directory; undefined: another process has it. */
  lock(): Promise<DataLock | undefined>;
  list(): Promise<string[]>;
  /** Resolves with a file's bytes behind `from`, `maxBytes` + 1 of them at most; undefined: there is none. */
  read(name: string, maxBytes: number, from?: number): Promise<Buffer | undefined>;
  /** Yields the bytes of a file without its room in large blocks, each valid until the next is requested. */
  blocks(name: string, from?: number): AsyncIterable<Buffer>;
  /** Bytes of a file, without room as in `blocks`; undefined: there is none. */
  size(name: string): Promise<number | undefined>;
  /** Makes a file, which must not be there; `mode` is its own where it differs from that of the others. */
  create(name: string, mode?: number): Promise<DataFile>;
  /** Opens a file, which is made if it is not there, to write on behind its first `bytes` bytes. */
  reopen(name: string, bytes: number): Promise<DataFile>;
  rename(from: string, to: string): Promise<void>;
  /**
   * Takes so many bytes from the end of a file that counts no longer. Resolves with false, and has changed
   * nothing, where it has no more than these, or is not there.
   */
  shorten(name: string, bytes: number): Promise<boolean>;
  /** Removes a file, if it is there. */
  remove(name: string): Promise<void>;
  /** Cuts a file behind its first `bytes` bytes, and syncs it. */
  truncate(name: string, bytes: number): Promise<void>;
  /** Resolves when the names of the directory are on the disk. */
  syncNames(): Promise<void>;
}

/** The right to use a directory. */
export interface DataLock {
  release(): Promise<void>;
}
