/**
 * Sends Ack frames between peers of ours (docs/protocol.md, "Acks"): a replica's carry its watermarks and go
 * out after applying, at most every 100 ms and at least every second; a primary's carry its own, each second.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { encodeWatermarks } from '../../frame/watermarks.js';

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 1_000;

/** What an `AckSender` is given. */
export interface AckSenderOptions {
  clock: Clock;
  timers: Timers;
  /**
   * Returns what a replica has applied, or what a primary has published; an empty list while nothing is held.
   */
  watermarks(): ArrayLike<bigint>;
  send(frame: Buffer): void;
}

/** Sends nothing before `start`, and nothing after `stop`. */
export class AckSender {
  readonly #options: AckSenderOptions;
  #sentAtUs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  /** Whether something has been applied that is not acknowledged yet; the timer then runs out for it. */
  #isDue = false;

  constructor(options: AckSenderOptions) {
    this.#options = options;
  }

  /** Sends one each second from now on. */
  start(): void {
    this.#armNext();
  }

  /** Acknowledges at once what has been applied, or as soon as 100 ms have passed since the last time. */
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
