/** Paces a replay: so many records a second, or each as far from the first as when it was recorded. */

/** The rate at which a replay sends: `perSecond` records, or `factor` times as fast as they were recorded. */
export type Pace = { type: 'rate'; perSecond: number } | { type: 'recorded'; factor: number };

/** The most time, in µs, that a server which falls behind has to catch up with. */
const MAX_CATCH_UP_US = 1_000_000;

/** Decides when each record is due. */
export class Pacer {
  readonly #pace: Pace;
  readonly #startUs: number;
  /** The time at which the next record is due at a rate, in µs. */
  #nextUs: number;
  #firstMs: bigint | undefined;

  /** `nowUs` is the time at which the replay begins, on the clock of `dueInMs`. */
  constructor(pace: Pace, nowUs: number) {
    this.#pace = pace;
    this.#startUs = nowUs;
    this.#nextUs = nowUs;
  }

  /**
   * Returns how long to wait, in ms, before the next record, which was made at `timeMs` (entries of snapshots
   * have no time); 0 for no wait. Call it once for each.
   */
  dueInMs(timeMs: bigint | undefined, nowUs: number): number {
    return Math.max(0, (this.#dueUs(timeMs, nowUs) - nowUs) / 1000);
  }

  #dueUs(timeMs: bigint | undefined, nowUs: number): number {
    if (this.#pace.type === 'rate') {
      const dueUs = Math.max(this.#nextUs, nowUs - MAX_CATCH_UP_US);
      this.#nextUs = dueUs + 1_000_000 / this.#pace.perSecond;
      return dueUs;
    }
    if (timeMs === undefined) return nowUs;
    this.#firstMs ??= timeMs;
    return this.#startUs + (Number(timeMs - this.#firstMs) * 1000) / this.#pace.factor;
  }
}
