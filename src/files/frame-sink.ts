/** Where the bytes of a dump go; file-sink.ts is the one on disk. */

/** What a sink calls. */
export interface FrameSinkHandlers {
  onDrain(): void;
  /** Called once; the sink takes nothing more. */
  onFault(error: Error): void;
}

/** Takes a dump's bytes in order. */
export interface FrameSink {
  handlers: FrameSinkHandlers;
  /**
   * To be called before the first write: drops what was there, except what is continued. Throws
   * `WRITE_FAILED`.
   */
  begin(): void;
  /** Queues bytes, which must not change. False: wait for `onDrain`. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when all that was written is on the disk. */
  sync(): Promise<void>;
  /** Writes what is queued and closes. Resolves after a fault too. */
  end(): Promise<void>;
}
