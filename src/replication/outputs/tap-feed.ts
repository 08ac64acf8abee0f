/**
 * Gives a tap the changes that a promoted replica publishes: those of its clients, behind those that it
 * applied before.
 */
import { FastcacheError } from '../../errors.js';
import { openPayload } from '../../frame/frame.js';
import { decodeHeader } from '../../frame/header.js';
import { FRAME_HEADER_BYTES } from '../../limits.js';
import type { Backlog } from '../stream/backlog.js';
import type { Cursor, LogReader } from '../stream/cursor.js';
import type { Tap } from './tap.js';

/** A tap's place in a log, from its making until `leave`. */
export class TapFeed implements LogReader {
  /** The tap is given copies. */
  readonly untakenBytes = 0;
  readonly #tap: Tap;
  readonly #maxWaitingBytes: number;
  readonly #cursor: Cursor;
  /** Frame bytes that were given to the tap since it was last idle. */
  #waitingBytes = 0;

  /** No writer waits for the tap's consumer: the tap fails once more than `maxWaitingBytes` wait for it. */
  constructor(tap: Tap, maxWaitingBytes: number, backlog: Backlog) {
    this.#tap = tap;
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#cursor = backlog.open(this);
  }

  ready(): void {
    for (let frame = this.#cursor.nextFrame(); frame !== undefined; frame = this.#cursor.nextFrame()) {
      this.#waitingBytes = this.#tap.isIdle ? 0 : this.#waitingBytes + frame.length;
      if (this.#waitingBytes > this.#maxWaitingBytes) {
        this.interrupt('their reader cannot keep up with what is written here');
        return;
      }
      this.#give(frame);
    }
  }

  interrupt(reason: string): void {
    this.#cursor.close();
    this.#tap.fail(new FastcacheError('WRITE_FAILED', `The changes were stopped: ${reason}.`));
  }

  /** Gives the tap all that has been published, and nothing after it. */
  leave(): void {
    this.ready();
    this.#cursor.close();
  }

  /** Gives the tap nothing more. */
  close(): void {
    this.#cursor.close();
  }

  #give(frame: Buffer): void {
    const header = decodeHeader(frame);
    const wirePayload = frame.subarray(FRAME_HEADER_BYTES);
    const payload = openPayload(header, wirePayload);
    this.#tap.batch({ header, bytes: frame, wirePayload, offset: 0, owned: true }, payload);
  }
}
