/**
 * Wrong passwords, counted by the address that they came from (docs/redis.md, "Passwords"): the answer to an
 * address that guesses more than ten times a minute is delayed by a second each time.
 */
import type { Clock } from '../clock.js';

const FREE_FAILURES = 10;
const WINDOW_MS = 60_000;
const DELAY_MS = 1_000;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const ADDRESSES_MAX = 4_096;

/** Counts wrong passwords by address, and says when an address has tried too often. */
export class AuthFailures {
  readonly #clock: Clock;
  /** Unix milliseconds of each address' failures within the last minute, oldest first. */
  readonly #times = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes a failure of a client at `host:port`; returns the milliseconds by which its answer is to be
   * delayed.
   */
  note(address: string): number {
    const host = address.slice(0, address.lastIndexOf(':'));
    const nowMs = this.#clock.nowMs();
    const recent = (this.#times.get(host) ?? []).filter((timeMs) => timeMs > nowMs - WINDOW_MS);
    // Failures beyond the limit need not be distinguished.
    if (recent.length > FREE_FAILURES) recent.shift();
    recent.push(nowMs);
    this.#times.delete(host);
    this.#times.set(host, recent);
    if (this.#times.size > ADDRESSES_MAX) {
      const [oldest] = this.#times.keys();
      this.#times.delete(oldest!);
    }
    return recent.length > FREE_FAILURES ? DELAY_MS : 0;
  }
}
