/** Unix time in microseconds, for TIME and MONITOR: finer than the wall clock, which has milliseconds. */
import type { Clock } from '../clock.js';

const US_PER_MS = 1_000;

/** Reads the time of one clock. */
export class UnixTime {
  readonly #clock: Clock;
  /** The microseconds that are added to the monotonic clock's. */
  #originUs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns Unix microseconds, within the millisecond that the wall clock shows: the monotonic clock goes on
   * from where it was, and is moved when it has left that millisecond.
   */
  nowUs(): number {
    const wallUs = Math.floor(this.#clock.nowMs()) * US_PER_MS;
    const monotonicUs = Math.floor(this.#clock.monotonicUs());
    const nowUs = Math.min(Math.max(this.#originUs + monotonicUs, wallUs), wallUs + US_PER_MS - 1);
    this.#originUs = nowUs - monotonicUs;
    return nowUs;
  }
}
