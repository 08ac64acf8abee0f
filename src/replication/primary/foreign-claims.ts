/**
 * Remembers the histories that replicas keep rather than what they are served here (docs/architecture.md,
 * "Foreign histories"), for only an operator can decide which of the two is meant.
 */
import type { Clock } from '../../clock.js';
import type { Log } from '../log.js';

/** A history is listed for so long after the last replica that kept it; such a replica tries every 5 s. */
const KEPT_MS = 60_000;
/** The most histories that are remembered: strangers may claim any number of them. */
const KEPT_MAX = 16;

/** The histories that replicas of one listener keep. */
export class ForeignClaims {
  readonly #clock: Clock;
  readonly #log: Log;
  /** When a replica with the history last left, and when that was last logged, monotonic microseconds. */
  readonly #seen = new Map<string, { leftAtUs: number; loggedAtUs: number }>();

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Notes that the replica at `address` has left with what it had of `history`, and taken in nothing. It is
   * logged once a minute for each history.
   */
  left(history: string, address: string): void {
    this.#expire();
    const leftAtUs = this.#clock.monotonicUs();
    const last = this.#seen.get(history);
    if (last === undefined && this.#seen.size === KEPT_MAX) return;
    const isLogged = last !== undefined && leftAtUs - last.loggedAtUs < KEPT_MS * 1000;
    this.#seen.set(history, { leftAtUs, loggedAtUs: isLogged ? last.loggedAtUs : leftAtUs });
    if (isLogged) return;
    this.#log.warn(
      `replica ${address} holds the history ${history}, to which the one that is served here does not go back, ` +
        'and keeps it. To go on with what it holds, start this node again with --recover and its address, or ' +
        'have it follow that replica (REPLICAOF). For all replicas to take in what is here, CONFIG SET ' +
        'fresh-history yes, or start with --fresh.',
    );
  }

  /** Returns the histories that replicas have kept within the last minute. */
  list(): string[] {
    this.#expire();
    return [...this.#seen.keys()];
  }

  #expire(): void {
    const beforeUs = this.#clock.monotonicUs() - KEPT_MS * 1000;
    for (const [history, { leftAtUs }] of this.#seen) if (leftAtUs < beforeUs) this.#seen.delete(history);
  }
}
