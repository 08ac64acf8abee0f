/**
 * The two reasons to postpone clients' commands. CLIENT PAUSE works as in Redis: another one never makes a
 * pause shorter or weaker. A failover holds writes back, whatever CLIENT PAUSE and UNPAUSE do meanwhile.
 */
import type { Clock, Timer, Timers } from '../clock.js';

/** The longest that a timer takes, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Which commands a pause postpones. */
export type PauseScope = 'all' | 'write';

/** The pauses of a server's clients, if there are any. */
export class ClientPause {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onEnd: () => void;
  #present: { untilMs: number; scope: PauseScope; end: Timer } | undefined;
  /** Whether a failover holds writes back. */
  #holdsWrites = false;

  /** `onEnd` is called when the time of a pause is over. */
  constructor(clock: Clock, timers: Timers, onEnd: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#onEnd = onEnd;
  }

  /** Which commands are postponed; undefined without a pause. */
  get scope(): PauseScope | undefined {
    return this.#present?.scope ?? (this.#holdsWrites ? 'write' : undefined);
  }

  /** Holds writes back, or not any more, apart from the pause of clients. */
  holdWrites(areHeld: boolean): void {
    this.#holdsWrites = areHeld;
  }

  /** Pauses until `untilMs`, Unix ms, at the least. */
  until(untilMs: number, scope: PauseScope): void {
    const before = this.#present;
    before?.end.cancel();
    const end = Math.max(untilMs, before?.untilMs ?? 0);
    const leftMs = Math.min(Math.max(0, end - this.#clock.nowMs()), TIMER_MS_MAX);
    this.#present = {
      untilMs: end,
      scope: before?.scope === 'all' ? 'all' : scope,
      end: this.#timers.after(leftMs, this.#onEnd),
    };
  }

  /** Ends the pause of clients. */
  end(): void {
    this.#present?.end.cancel();
    this.#present = undefined;
  }
}
