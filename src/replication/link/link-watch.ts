/**
 * Notices that a peer of ours has gone without a word (design.md, "Histories": Acks): each side sends at least every second,
 * so that five seconds of silence mean a dead link. A peer of the crate's may be silent for good reasons and is not watched.
 */
import type { Clock, Timer, Timers } from '../../clock.js';

const SILENCE_MAX_MS = 5_000;
/**
 * A process that was stopped or busy finds its timer due before it has read what came meanwhile: so much later it has, and
 * looks again.
 */
const SECOND_LOOK_MS = 100;

export interface LinkWatchOptions {
  clock: Clock;
  timers: Timers;
  /** Called once. */
  onDead(silentMs: number): void;
}

export class LinkWatch {
  readonly #options: LinkWatchOptions;
  #heardAtUs: number;
  #timer: Timer;

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    this.#heardAtUs = options.clock.monotonicUs();
    this.#timer = this.#lookAfter(SILENCE_MAX_MS);
  }

  /** Bytes have come, were they only a part of a frame: a slow peer is not a dead one. */
  heard(): void {
    this.#heardAtUs = this.#options.clock.monotonicUs();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #lookAfter(delayMs: number, isSecondLook = false): Timer {
    return this.#options.timers.after(delayMs, () => this.#look(isSecondLook));
  }

  #look(isSecondLook: boolean): void {
    const silentMs = (this.#options.clock.monotonicUs() - this.#heardAtUs) / 1000;
    if (silentMs < SILENCE_MAX_MS) this.#timer = this.#lookAfter(Math.ceil(SILENCE_MAX_MS - silentMs));
    else if (!isSecondLook) this.#timer = this.#lookAfter(SECOND_LOOK_MS, true);
    else this.#options.onDead(Math.round(silentMs));
  }
}
