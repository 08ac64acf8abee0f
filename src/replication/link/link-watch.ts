/**
 * Notices that a fastcache peer has gone silent (docs/protocol.md, "Acks"): each side sends at least every
 * second, so five seconds of silence mean a dead link. A Rust peer may be silent for good reasons and is not
 * watched.
 */
import assert from 'node:assert/strict';
import type { Clock, Timer, Timers } from '../../clock.js';

const SILENCE_MAX_MS = 5_000;
/**
 * A process that was stopped or busy finds its timer due before it has read what came meanwhile; after so
 * many milliseconds it has, and looks again.
 */
const SECOND_LOOK_MS = 100;

/** The options of a `LinkWatch`. */
export interface LinkWatchOptions {
  clock: Clock;
  timers: Timers;
  /** Called once, after which the link is watched no more. */
  onDead(silentMs: number): void;
}

/** Watches from its construction until `stop`, except between `pause` and `resume`. */
export class LinkWatch {
  readonly #options: LinkWatchOptions;
  #state: 'watching' | 'paused' | 'over' = 'watching';
  #heardAtUs: number;
  /** The timer of the next look; undefined unless the link is watched. */
  #timer: Timer | undefined;

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    this.#heardAtUs = options.clock.monotonicUs();
    this.#timer = this.#lookAfter(SILENCE_MAX_MS);
  }

  /** Notes that bytes have come, even if only a part of a frame: a slow peer is not a dead one. */
  heard(): void {
    this.#heardAtUs = this.#options.clock.monotonicUs();
  }

  /** Notes that the link is not read, so that its silence proves nothing. */
  pause(): void {
    if (this.#state === 'watching') this.#leave('paused');
  }

  /** Notes that the link is read again; its peer has the whole time again to send something. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'watching';
    this.heard();
    this.#timer = this.#lookAfter(SILENCE_MAX_MS);
  }

  stop(): void {
    this.#leave('over');
  }

  /** Asserts that a next look is planned exactly while the link is watched. */
  invariants(): void {
    assert.equal(this.#timer !== undefined, this.#state === 'watching', `a next look while ${this.#state}`);
  }

  #leave(state: 'paused' | 'over'): void {
    this.#state = state;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookAfter(delayMs: number, isSecondLook = false): Timer {
    return this.#options.timers.after(delayMs, () => this.#look(isSecondLook));
  }

  #look(isSecondLook: boolean): void {
    assert.equal(this.#state, 'watching', 'a link that is not watched is not looked at');
    const silentMs = (this.#options.clock.monotonicUs() - this.#heardAtUs) / 1000;
    if (silentMs < SILENCE_MAX_MS) this.#timer = this.#lookAfter(Math.ceil(SILENCE_MAX_MS - silentMs));
    else if (!isSecondLook) this.#timer = this.#lookAfter(SECOND_LOOK_MS, true);
    else {
      this.#leave('over');
      this.#options.onDead(Math.round(silentMs));
    }
  }
}
