/** The sink that takes the bytes of a dump; file-sink.ts is the one on disk. */

import type { KnownDump } from './dump-digest.js';

/** How a sink is opened. */
export interface SinkOptions {
  /** The beginning of a dump that is continued; absent: the dump begins empty. */
  kept?: KnownDump | undefined;
  /** Whether all that a file has is continued, whatever it is; false when absent. */
  appends?: boolean | undefined;
  /** Whether another run is to continue the dump, which then must be a regular file; false when absent. */
  isResumable?: boolean | undefined;
  /** The mode of a file that is made, by which others may read it; 0o600 when absent. */
  mode?: number | undefined;
}

/** The calls that a sink makes. */
export interface FrameSinkHandlers {
  onDrain(): void;
  /** Called once at a fault; the sink takes nothing more. */
  onFault(error: Error): void;
}

/** Takes a dump's bytes in order. */
export interface FrameSink {
  handlers: FrameSinkHandlers;
  /** Bytes that `write` has taken and that are not written yet. */
  readonly unwrittenBytes: number;
  /**
   * Drops the bytes that were there, except those that are continued; to be called before the first write.
   * Throws `WRITE_FAILED`.
   */
  begin(): void;
  /** Queues bytes, which must not change. Returns false when the caller must wait for `onDrain`. */
  write(bytes: Buffer): boolean;
  /** Resolves when all that was written is on the disk. */
  sync(): Promise<void>;
  /**
   * Returns the digest of the dump's first `bytes` bytes, which have been synced (dump-digest.ts). Throws
   * `WRITE_FAILED` when they are no longer there.
   */
  digest(bytes: number): string;
  /** Writes what is queued and closes. Resolves after a fault too. */
  end(): Promise<void>;
}
