/** The bytes of a dump go into a `FrameSink`; `files/file-sink.ts` is the one on disk. */
export interface FrameSinkHandlers {
  onDrain(): void;
  /** Called once; nothing is written after it. */
  onFault(error: Error): void;
}

export interface FrameSink {
  handlers: FrameSinkHandlers;
  /** Before the first write: what was there goes, but for what is continued. Throws `WRITE_FAILED`. */
  begin(): void;
  /** Queues bytes, which must not change. False: wait for `onDrain`. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when all that was written is on the disk. */
  sync(): Promise<void>;
  /** Writes what is queued and closes. Resolves after a fault too. */
  end(): Promise<void>;
}
