/**
 * Logs that a primary's content is not taken in, because that does not mend itself (docs/architecture.md,
 * "Foreign histories", "Content that does not fit").
 */
import type { Timer, Timers } from '../../clock.js';
import { type ErrorCode, FastcacheError } from '../../errors.js';
import type { FullStore } from '../link/full.js';
import type { Log } from '../log.js';
import { fullStore } from './session-faults.js';

/**
 * The content that is refused: of another history than the held one, without a key, or too large for the
 * memory.
 */
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
  #full: FullStore | undefined;

  constructor(timers: Timers, log: Log) {
    this.#timers = timers;
    this.#log = log;
  }

  /** The kind of content that is refused; undefined while none is. */
  get kind(): RefusalKind | undefined {
    return this.#kind;
  }

  /** How full the store was that has no memory for the primary's content; undefined: that is not refused. */
  get full(): FullStore | undefined {
    return this.#full;
  }

  /**
   * Logs the message of `error` now and every second until `end`, if a session that ends with it has refused
   * anything. That there is no memory is logged once: nobody has to decide, and the content is tried again.
   * Returns what is refused that was not before; undefined: nothing is, or a refusal that is on continues.
   */
  begin(error: Error): RefusalKind | undefined {
    const kind = kinds.get(error instanceof FastcacheError ? error.code : undefined);
    const isNew = kind !== undefined && kind !== this.#kind;
    if (isNew) this.end();
    if (kind === 'out-of-memory') this.#full = fullStore(error);
    if (!isNew) return undefined;
    this.#kind = kind;
    if (kind === 'out-of-memory') this.#log.error(error.message);
    else this.#repeat(error.message);
    return kind;
  }

  end(): void {
    this.#timer?.cancel();
    this.#kind = undefined;
    this.#full = undefined;
  }

  #repeat(message: string): void {
    this.#log.error(message);
    this.#timer = this.#timers.after(LOG_EVERY_MS, () => this.#repeat(message));
  }
}
