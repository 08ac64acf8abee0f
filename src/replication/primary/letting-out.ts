/**
 * The last bytes for a replica whose primary goes: the connection is kept as long as the replica goes on
 * taking them, within a bound, so that a stop that is in order loses nothing that was acknowledged.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import type { Connection } from '../../transport/connection.js';

/** The pause between two looks; a replica of fastcache's acknowledges at least each second. */
const LOOK_MS = 2_000;
/** The longest that it takes; supervisors kill a process that does not stop within ten seconds or more. */
const MOST_MS = 5_000;

/** The options of a `LettingOut`. */
export interface LettingOutOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly connection: Pick<Connection, 'sentBytes'>;
}

/** Watches one connection from its making until `stop`. */
export class LettingOut {
  readonly #options: LettingOutOptions;
  readonly #untilUs: number;
  readonly #drop: () => void;
  #timer: Timer;
  #sentBytes: number;
  #hasHeard = false;

  /** Calls `drop` once, when the replica has taken nothing between two looks, or the time is over. */
  constructor(options: LettingOutOptions, drop: () => void) {
    this.#options = options;
    this.#drop = drop;
    this.#untilUs = options.clock.monotonicUs() + MOST_MS * 1000;
    this.#sentBytes = options.connection.sentBytes;
    this.#timer = this.#plan();
  }

  /** Called when the replica has acknowledged something. */
  heard(): void {
    this.#hasHeard = true;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #plan(): Timer {
    const { clock, timers } = this.#options;
    const leftMs = (this.#untilUs - clock.monotonicUs()) / 1000;
    return timers.after(Math.max(0, Math.min(LOOK_MS, Math.ceil(leftMs))), () => this.#look());
  }

  #look(): void {
    const { clock, connection } = this.#options;
    const goesOn = this.#hasHeard || connection.sentBytes > this.#sentBytes;
    if (!goesOn || clock.monotonicUs() >= this.#untilUs) {
      this.#drop();
      return;
    }
    this.#hasHeard = false;
    this.#sentBytes = connection.sentBytes;
    this.#timer = this.#plan();
  }
}
