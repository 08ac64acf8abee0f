/**
 * Log lines about peers that nobody knows yet. Anybody who can connect can cause them, so only the first ones
 * of a kind are logged each minute, and the others are counted.
 */
import type { Timer, Timers } from '../../clock.js';
import type { Log } from '../log.js';

const LINES_MAX = 10;
const WINDOW_MS = 60_000;

/** A log with few lines of each kind. */
export class StrangerLog {
  readonly #log: Log;
  readonly #timers: Timers;
  /** How often each kind has occurred in this minute. */
  readonly #counts = new Map<string, number>();
  #windowEnd: Timer | undefined;

  constructor(log: Log, timers: Timers) {
    this.#log = log;
    this.#timers = timers;
  }

  /** Logs `message`, or counts it; messages of one kind differ in addresses and numbers. */
  warn(kind: string, message: string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= LINES_MAX) this.#log.warn(message);
    this.#windowEnd ??= this.#timers.after(WINDOW_MS, () => this.stop());
  }

  /** Ends the minute: logs how many lines of each kind were left out. */
  stop(): void {
    this.#windowEnd?.cancel();
    this.#windowEnd = undefined;
    for (const [kind, count] of this.#counts) {
      if (count > LINES_MAX) this.#log.warn(`${count - LINES_MAX} more connections in a minute: ${kind}`);
    }
    this.#counts.clear();
  }
}
