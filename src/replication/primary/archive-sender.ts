/**
 * Sends a replica the frames that it lacks from an archive, until the backlog has the next ones
 * (docs/architecture.md, "One log"). It holds nothing of the log back meanwhile.
 */
import type { Timers } from '../../clock.js';
import type { Connection } from '../../transport/connection.js';
import type { Cursor, LogReader } from '../stream/cursor.js';
import type { FrameStream } from '../stream/stream.js';
import type { ArchivedFrames, FrameArchive } from './archive.js';

/** Milliseconds until what has been written meanwhile is looked for. */
const LOOK_MS = 10;

/** The options of an `ArchiveSender`. It calls one of the last three, and nothing after it. */
export interface ArchiveSenderOptions {
  readonly archive: FrameArchive;
  readonly stream: FrameStream;
  readonly connection: Connection;
  readonly timers: Timers;
  /** The watermarks of the stream that the replica holds. */
  readonly since: ArrayLike<bigint>;
  /** Called before the first frame. */
  begun(): void;
  /** Called when the backlog has all that follows these watermarks. */
  caughtUp(watermarks: readonly bigint[]): void;
  /** Called when the archive can give no more; undefined: it has not all that is lacking, gave nothing. */
  ended(fault: Error | undefined): void;
  /** Called when the stream was interrupted. */
  interrupted(reason: string): void;
}

/** One catch-up, from its making until `close`. Between two writes it is always between two frames. */
export class ArchiveSender implements LogReader {
  readonly untakenBytes = 0;
  readonly #options: ArchiveSenderOptions;
  /** Only to notice that the stream is interrupted. */
  readonly #cursor: Cursor;
  #onRoom: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ArchiveSenderOptions) {
    this.#options = options;
    this.#cursor = options.stream.backlog.open(this);
    this.#cursor.pause();
    void this.#run();
  }

  ready(): void {}

  interrupt(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.interrupted(reason);
  }

  /** Called when the connection has room again. */
  drained(): void {
    this.#onRoom?.();
  }

  /** Sends nothing more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cursor.close();
    this.#onRoom?.();
  }

  async #run(): Promise<void> {
    const { archive, stream, since, ended } = this.#options;
    let frames: ArchivedFrames | undefined;
    let fault: Error | undefined;
    try {
      frames = await archive.open(stream, since);
      if (frames !== undefined) await this.#send(frames);
    } catch (error) {
      fault = error as Error;
    }
    frames?.close();
    if (this.#isClosed) return;
    this.close();
    ended(fault);
  }

  /** Resolves when it is closed. */
  async #send(frames: ArchivedFrames): Promise<void> {
    const { connection, stream, timers, begun, caughtUp } = this.#options;
    if (!this.#isClosed) begun();
    while (!this.#isClosed) {
      const bytes = await frames.next();
      if (this.#isClosed) return;
      if (bytes !== undefined && bytes.length > 0 && !connection.write(bytes)) await this.#room();
      if (this.#isClosed) return;
      const { watermarks } = frames;
      if (stream.backlog.needsSnapshot(watermarks) === undefined) {
        this.close();
        // Nothing is published between the look and this.
        caughtUp(watermarks);
      } else if (bytes === undefined) {
        await new Promise<void>((resolve) => timers.after(LOOK_MS, resolve));
      }
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }
}
