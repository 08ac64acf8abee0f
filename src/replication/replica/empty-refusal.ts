/** Logs that content without a key is refused for as long as that lasts, because it does not mend itself. */
import type { Timer, Timers } from '../../clock.js';
import type { Log } from '../log.js';

const LOG_EVERY_MS = 1_000;

/** The refusal of one follower; it is on from `begin` to `end`. */
export class EmptyRefusal {
  readonly #timers: Timers;
  readonly #log: Log;
  #timer: Timer | undefined;

  constructor(timers: Timers, log: Log) {
    this.#timers = timers;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  /** Logs `message` now and every second until `end`; a refusal that is on continues as it is. */
  begin(message: string): void {
    if (this.#timer === undefined) this.#repeat(message);
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #repeat(message: string): void {
    this.#log.error(message);
    this.#timer = this.#timers.after(LOG_EVERY_MS, () => this.#repeat(message));
  }
}
