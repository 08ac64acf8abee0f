/** Reads a log a frame at a time, as soon as frames have been published. */
import type { Backlog } from '../../src/replication/stream/backlog.js';
import type { Cursor, LogReader } from '../../src/replication/stream/cursor.js';

/** A reader, which may be made to read before it is called. */
export class FrameReader implements LogReader {
  readonly untakenBytes = 0;
  readonly #read: (frame: Buffer) => void;
  readonly #cursor: Cursor;
  #isOver = false;

  /** Calls `read` with a copy of each frame that is published from now on, or that has more than `since`. */
  constructor(backlog: Backlog, read: (frame: Buffer) => void, since?: readonly bigint[]) {
    this.#read = read;
    this.#cursor = since === undefined ? backlog.open(this) : backlog.openSince(since, this);
  }

  ready(): void {
    if (this.#isOver) return;
    for (let frame = this.#cursor.nextFrame(); frame !== undefined; frame = this.#cursor.nextFrame()) {
      this.#read(frame);
    }
  }

  interrupt(): void {
    this.#isOver = true;
    this.#cursor.close();
  }
}
