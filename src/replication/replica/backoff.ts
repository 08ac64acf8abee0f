/**
 * The pause before the next try: exponential with full jitter, so that many replicas do not return at once.
 */
import type { Random } from '../../clock.js';
import { FULL_BACKOFF_MS, MAX_RECONNECT_BACKOFF_MS } from '../../limits.js';

const U32_VALUES = 2 ** 32;

/** Counts the tries of one follower. */
export class Backoff {
  readonly #firstMs: number;
  readonly #random: Random;
  #attempts = 0;

  constructor(firstMs: number, random: Random) {
    this.#firstMs = Math.max(1, firstMs);
    this.#random = random;
  }

  /** How many tries there were since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /**
   * Returns whole milliseconds, uniform between 0 and the ceiling, which doubles with every failure up to
   * `MAX_RECONNECT_BACKOFF_MS`. Behind a try that took gigabytes for nothing, and would again (`isLong`),
   * they are between `FULL_BACKOFF_MS` and twice that.
   */
  nextDelayMs(isLong = false): number {
    // The exponent is bounded so that years of failures do not overflow it.
    const growingMs = Math.min(MAX_RECONNECT_BACKOFF_MS, this.#firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    const share = this.#random.u32() / U32_VALUES;
    return Math.round(isLong ? FULL_BACKOFF_MS * (1 + share) : growingMs * share);
  }

  /** Makes the ceiling of the next pause the first one again. */
  succeeded(): void {
    this.#attempts = 0;
  }
}
