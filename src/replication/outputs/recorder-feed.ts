/** Gives a recorder what is published here, as far as its file takes it; the rest waits in the log. */
import type { Backlog } from '../stream/backlog.js';
import type { Cursor, LogReader } from '../stream/cursor.js';
import type { Recorder } from './recorder.js';

/** A recorder's place in a log, from its making until `leave`. */
export class RecorderFeed implements LogReader {
  readonly #recorder: Recorder;
  readonly #maxWaitingBytes: number;
  readonly #cursor: Cursor;

  /** The recording ends once more than `maxWaitingBytes` wait for its file. */
  constructor(recorder: Recorder, maxWaitingBytes: number, backlog: Backlog) {
    this.#recorder = recorder;
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#cursor = backlog.open(this);
    recorder.onRoom = () => this.#pump();
  }

  get untakenBytes(): number {
    return this.#recorder.unwrittenBytes;
  }

  ready(): void {
    this.#pump();
    if (this.#cursor.lackingBytes <= this.#maxWaitingBytes) return;
    this.#close();
    this.#recorder.overflowed();
  }

  interrupt(reason: string): void {
    this.#close();
    this.#recorder.interrupt(reason);
  }

  /** Gives the recorder all that has been published, and nothing after it. */
  leave(): void {
    for (let piece = this.#cursor.next(); piece !== undefined; piece = this.#cursor.next()) {
      this.#recorder.append(Buffer.from(piece));
    }
    this.#close();
  }

  #pump(): void {
    while (this.#recorder.hasRoom) {
      const piece = this.#cursor.next();
      if (piece === undefined) return;
      this.#recorder.append(piece);
    }
  }

  #close(): void {
    this.#recorder.onRoom = undefined;
    this.#cursor.close();
  }
}
