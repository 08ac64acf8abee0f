/**
 * Ack frames between peers of ours (design.md, "Histories": Acks): a replica's with its watermarks, after applying, at
 * most every 100 ms, and at least every second; a primary's with its own, each second.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { encodeWatermarks } from '../../frame/watermarks.js';

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 1_000;

export interface AckSenderOptions {
  clock: Clock;
  timers: Timers;
  /** What is applied, or of a primary what is published; nothing held is an empty list. */
  watermarks(): ArrayLike<bigint>;
  send(frame: Buffer): void;
}

export class AckSender {
  readonly #options: AckSenderOptions;
  #sentAtUs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  /** Something has been applied that is not acknowledged yet; the timer will see to it. */
  #isDue = false;

  constructor(options: AckSenderOptions) {
    this.#options = options;
  }

  /** Sends one each second from now on. */
  start(): void {
    this.#armNext();
  }

  /** Something has been applied. */
  applied(): void {
    if (this.#isDue) return;
    const { clock, timers } = this.#options;
    const pauseMs = (clock.monotonicUs() - this.#sentAtUs) / 1000;
    if (pauseMs >= PAUSE_MIN_MS) {
      this.#send();
      return;
    }
    this.#isDue = true;
    this.#timer?.cancel();
    this.#timer = timers.after(Math.ceil(PAUSE_MIN_MS - pauseMs), () => this.#send());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#isDue = true;
  }

  #send(): void {
    const { clock, watermarks, send } = this.#options;
    this.#isDue = false;
    this.#sentAtUs = clock.monotonicUs();
    this.#armNext();
    send(encodeFrame(FrameKind.Ack, encodeWatermarks(watermarks())));
  }

  #armNext(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(PAUSE_MAX_MS, () => this.#send());
  }
}
