/** CLIENT PAUSE: which commands of clients wait, and until when. */
import type { Clock, Timer, Timers } from '../clock.js';

/** The longest that a timer takes, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

type Scope = 'all' | 'write';

/** The clock by which a pause ends, and what is to be done then. */
export interface ClientPauseOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Called when a pause is over by itself. */
  ended(): void;
}

/** The pause of all clients, if there is one. */
export class ClientPause {
  readonly #options: ClientPauseOptions;
  #pause: { untilMs: number; scope: Scope; end: Timer } | undefined;

  constructor(options: ClientPauseOptions) {
    this.#options = options;
  }

  /** Which commands are postponed; undefined without a pause. */
  get scope(): Scope | undefined {
    return this.#pause?.scope;
  }

  /** Pauses clients as Redis does: a pause is never made shorter or weaker by another one. */
  begin(untilMs: number, scope: Scope): void {
    const { timers, clock, ended } = this.#options;
    const before = this.#pause;
    before?.end.cancel();
    const end = Math.max(untilMs, before?.untilMs ?? 0);
    this.#pause = {
      untilMs: end,
      scope: before?.scope === 'all' ? 'all' : scope,
      end: timers.after(Math.min(Math.max(0, end - clock.nowMs()), TIMER_MS_MAX), ended),
    };
  }

  /** Ends the pause, if there is one. */
  end(): void {
    this.#pause?.end.cancel();
    this.#pause = undefined;
  }
}
