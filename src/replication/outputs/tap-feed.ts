/**
 * Gives a tap the changes that a promoted replica publishes: those of its clients, behind those that it
 * applied before.
 */
import { FastcacheError } from '../../errors.js';
import { openPayload } from '../../frame/frame.js';
import { decodeHeader } from '../../frame/header.js';
import { FRAME_HEADER_BYTES } from '../../limits.js';
import type { FrameSubscriber } from '../stream/stream.js';
import type { Tap } from './tap.js';

/** Subscribes a tap to a publisher. */
export class TapFeed implements FrameSubscriber {
  readonly #tap: Tap;
  readonly #maxWaitingBytes: number;
  /** Frame bytes that were offered since the tap was last idle. */
  #waitingBytes = 0;

  /** No writer waits for the tap's consumer: the tap fails once more than `maxWaitingBytes` wait for it. */
  constructor(tap: Tap, maxWaitingBytes: number) {
    this.#tap = tap;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  offer(frame: Buffer): void {
    this.#waitingBytes = this.#tap.isIdle ? 0 : this.#waitingBytes + frame.length;
    if (this.#waitingBytes > this.#maxWaitingBytes) {
      this.interrupt('their reader cannot keep up with what is written here');
      return;
    }
    const header = decodeHeader(frame);
    const wirePayload = frame.subarray(FRAME_HEADER_BYTES);
    this.#tap.batch(
      { header, bytes: frame, wirePayload, offset: 0, owned: true },
      openPayload(header, wirePayload),
    );
  }

  interrupt(reason: string): void {
    this.#tap.fail(new FastcacheError('WRITE_FAILED', `The changes were stopped: ${reason}.`));
  }
}
