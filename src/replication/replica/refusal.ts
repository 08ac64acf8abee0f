/**
 * Logs that a primary's content is refused for as long as that lasts, because it does not mend itself
 * (docs/architecture.md, "Foreign histories").
 */
import type { Timer, Timers } from '../../clock.js';
import type { ErrorCode } from '../../errors.js';
import type { Log } from '../log.js';

/** What is refused: another history than what is held, or content without a key. */
export type RefusalKind = 'foreign-history' | 'empty-snapshot';

const LOG_EVERY_MS = 1_000;

/** The errors with which a session ends that has refused its primary's content. */
const kinds: ReadonlyMap<ErrorCode | undefined, RefusalKind> = new Map([
  ['FOREIGN_HISTORY', 'foreign-history'],
  ['EMPTY_SNAPSHOT', 'empty-snapshot'],
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
   * Returns what is refused that was not before; undefined: nothing is, or a refusal that is on continues.
   */
  begin(code: ErrorCode | undefined, message: string): RefusalKind | undefined {
    const kind = kinds.get(code);
    if (kind === undefined || kind === this.#kind) return undefined;
    this.end();
    this.#kind = kind;
    this.#repeat(message);
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
