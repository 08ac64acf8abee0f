/** The syncs of a journal: one at a time, and those that take long are logged and counted. */
import type { Timers } from '../clock.js';
import type { Log } from '../replication/log.js';

/** A sync that takes longer is logged, as Redis does. */
const SLOW_SYNC_MS = 2_000;

/** The syncs, one behind the other. */
export class Syncs {
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #name: () => string;
  #running: Promise<void> | undefined;
  #slow = 0;

  /** `name` returns what is synced, for the log. */
  constructor({ timers, log }: { timers: Timers; log: Log }, name: () => string) {
    this.#timers = timers;
    this.#log = log;
    this.#name = name;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** How many took longer than two seconds. */
  get slow(): number {
    return this.#slow;
  }

  /** Resolves when none is under way, though others may have waited for that too. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Calls `sync` when no other is under way; resolves, or rejects, as it does. */
  async run(sync: () => Promise<void>): Promise<void> {
    // A caller that waits for `settled` goes on a moment later, when another sync may be under way.
    while (this.#running !== undefined) await this.#running;
    const slow = this.#timers.after(SLOW_SYNC_MS, () => {
      this.#slow += 1;
      const name = this.#name();
      this.#log.warn(`a sync of ${name} takes longer than ${SLOW_SYNC_MS / 1000} s: the disk is busy`);
    });
    const running = sync();
    // Its fault is for the caller that began it, and for no caller that waits for its end.
    this.#running = running.catch(() => {});
    try {
      await running;
    } finally {
      slow.cancel();
      this.#running = undefined;
    }
  }
}
