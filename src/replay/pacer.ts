/** When the next record is due: so many a second, or as far from the first as when it was recorded. */

/** How fast a replay sends: `perSecond` records, or `factor` times as fast as they were recorded. */
export type Pace = { type: 'rate'; perSecond: number } | { type: 'recorded'; factor: number };

/** A server that falls behind is not made to catch up with more than this. */
const MAX_CATCH_UP_US = 1_000_000;

/** Says when each record is due. */
export class Pacer {
  readonly #pace: Pace;
  readonly #startUs: number;
  /** At a rate: when the next record is due, in us. */
  #nextUs: number;
  #firstMs: bigint | undefined;

  /** `nowUs` is when it begins, on the clock of `dueInMs`. */
  constructor(pace: Pace, nowUs: number) {
    this.#pace = pace;
    this.#startUs = nowUs;
    this.#nextUs = nowUs;
  }

  /**
   * How long to wait before the next record, which was made at `timeMs` (entries of snapshots have no time);
   * 0: not at all. It is to be asked once for each.
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
