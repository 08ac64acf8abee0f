/**
 * How far a replica is behind its primary in time, as far as the replica itself can know: from the records'
 * own times and the primary's watermarks that have come. Both clocks are wall clocks, so that their
 * difference is part of it.
 */
import type { Clock } from '../../clock.js';
import { hasReached } from '../watermarks.js';

/** The primary is idle when nothing was applied for so long, and nothing is known to be missing. */
const IDLE_US = 1_000_000;

/** The lag of one follower, through all its connections. */
export class LinkLag {
  readonly #clock: Clock;
  #heard: ArrayLike<bigint> = [];
  #newestMs: number | undefined;
  #appliedAtUs = Number.NEGATIVE_INFINITY;
  /** How old the newest record was when it was applied, ms. */
  #ageMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Called when another connection begins: the watermarks of the last one may have been of another history.
   */
  restarted(): void {
    this.#heard = [];
    this.#ageMs = 0;
  }

  /** Called when the primary is known to have these watermarks. */
  heard(watermarks: ArrayLike<bigint>): void {
    this.#heard = watermarks;
  }

  /** Called when records are applied, the newest of which is of `newestMs`, Unix ms. */
  applied(newestMs: number): void {
    this.#newestMs = newestMs;
    this.#appliedAtUs = this.#clock.monotonicUs();
    this.#ageMs = Math.max(0, this.#clock.nowMs() - newestMs);
  }

  /**
   * Milliseconds, never negative, of a replica that holds `own`:
   * - while something is missing that the primary is known to have, the age of the last record that was
   *   applied, undefined when none was yet;
   * - while records come, how old the newest was when it was applied: its time from the writer to here;
   * - 0 when the replica has just what the primary is known to have, and when nothing has come for a second.
   */
  ms(own: ArrayLike<bigint>): number | undefined {
    const heard = this.#heard;
    if (!hasReached(own, heard)) {
      return this.#newestMs === undefined ? undefined : Math.max(0, this.#clock.nowMs() - this.#newestMs);
    }
    const isIdle = this.#clock.monotonicUs() - this.#appliedAtUs >= IDLE_US;
    return isIdle || hasReached(heard, own) ? 0 : this.#ageMs;
  }
}
