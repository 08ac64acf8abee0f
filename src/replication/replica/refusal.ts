/**
 * Logs that a primary's content is not taken in, because that does not mend itself (docs/architecture.md,
 * "Foreign histories", "Content that does not fit").
 */
import type { Timer, Timers } from '../../clock.js';
import type { ErrorCode } from '../../errors.js';
import type { Log } from '../log.js';

/** What is refused: another history than what is held, content without a key, or more than has room. */
export type RefusalKind = 'foreign-history' | 'empty-snapshot' | 'out-of-memory';

const LOG_EVERY_MS = 1_000;

/** The errors with which a session ends that has refused its primary's content. */
const kinds: ReadonlyMap<ErrorCode | undefined, RefusalKind> = new Map([
  ['FOREIGN_HISTORY', 'foreign-history'],
  ['EMPTY_SNAPSHOT', 'empty-snapshot'],
  ['OUT_OF_MEMORY', 'out-of-memory'],
]);

/** The refusal of one follower; it is on from `begin` to `end`. */
export class Refusal {
  readonly #timers: Timers;
  readonly #log: Log;
  #timer: Timer | undefined;
  #kind: RefusalKind | undefined;

  constructor(timers: Timers, log: Log) {
    this.#timers = timers;
    this.#log = log;
  }

  /** What is refused; undefined while nothing is. */
  get kind(): RefusalKind | undefined {
    return this.#kind;
  }

  /**
   * Logs `message` now and every second until `end`, if a session that ends with `code` has refused anything.
   * That there is no memory is logged once: nobody has to decide, and the content is tried again. Returns
   * what is refused that was not before; undefined: nothing is, or a refusal that is on continues.
   */
  begin(code: ErrorCode | undefined, message: string): RefusalKind | undefined {
    const kind = kinds.get(code);
    if (kind === undefined || kind === this.#kind) return undefined;
    this.end();
    this.#kind = kind;
    if (kind === 'out-of-memory') this.#log.error(message);
    else this.#repeat(message);
    return kind;
  }

  end(): void {
    this.#timer?.cancel();
    this.#kind = undefined;
  }

  #repeat(message: string): void {
    this.#log.error(message);
    this.#timer = this.#timers.after(LOG_EVERY_MS, () => this.#repeat(message));
  }
}
