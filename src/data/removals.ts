/**
 * Removes the files of a data directory that count no longer. A file that cannot be removed does no harm: it
 * is logged, and tried again.
 */
import type { Timer, Timers } from '../clock.js';
import type { Log } from '../replication/log.js';
import type { DataFiles } from './data-files.js';

/** Milliseconds until removing is tried again. */
const RETRY_MS = 10_000;

/** The options of removals. */
export interface RemovalsOptions {
  readonly files: DataFiles;
  readonly timers: Timers;
  readonly log: Log;
}

/** The removals of one directory, until `stop`. */
export class Removals {
  readonly #options: RemovalsOptions;
  readonly #left = new Set<string>();
  #retry: Timer | undefined;
  #isStopped = false;

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** Removes these files, and what was left before. It never rejects. */
  async remove(names: Iterable<string>): Promise<void> {
    const { files, timers, log } = this.#options;
    const isFirst = new Set(names);
    for (const name of new Set([...this.#left, ...isFirst])) {
      try {
        await files.remove(name);
        this.#left.delete(name);
      } catch (error) {
        this.#left.add(name);
        if (isFirst.has(name)) {
          const reason = (error as Error).message;
          log.warn(
            `${files.pathOf(name)} is needed no more, and was not removed: ${reason}. It is tried again`,
          );
        }
      }
    }
    if (this.#left.size === 0 || this.#isStopped) return;
    this.#retry ??= timers.after(RETRY_MS, () => {
      this.#retry = undefined;
      void this.remove([]);
    });
  }

  /** Tries nothing again by itself. */
  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }
}
