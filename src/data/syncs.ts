/** The syncs of a journal: one at a time, and those that take long are logged and counted. */
import type { Timers } from '../clock.js';
import type { Log } from '../replication/log.js';

/** A sync that takes longer is logged, as Redis does. */
const SLOW_SYNC_MS = 2_000;

/** What puts bytes on a disk. */
export class Syncs {
  readonly #timers: Timers;
  readonly #log: Log;
  #running: Promise<void> | undefined;
  #slow = 0;

  constructor({ timers, log }: { timers: Timers; log: Log }) {
    this.#timers = timers;
    this.#log = log;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** How many took longer than two seconds. */
  get slow(): number {
    return this.#slow;
  }

  /** Resolves when none is under way. The next may begin in the same turn. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Syncs the file that is called `name` by `sync`. None may be under way. Rejects as `sync` does. */
  async run(name: string, sync: () => Promise<void>): Promise<void> {
    const slow = this.#timers.after(SLOW_SYNC_MS, () => {
      this.#slow += 1;
      this.#log.warn(`a sync of ${name} takes longer than ${SLOW_SYNC_MS / 1000} s: the disk is busy`);
    });
    const running = sync();
    // Its fault is for whoever began it, and for nobody who waits for its end.
    this.#running = running.catch(() => {});
    try {
      await running;
    } finally {
      slow.cancel();
      this.#running = undefined;
    }
  }
}
