/** The syncs of a journal: one at a time, and those that take long are logged and counted. */
import type { Timer, Timers } from '../clock.js';
import type { Log } from '../replication/log.js';

/** A sync that takes longer is logged, as Redis does. */
const SLOW_SYNC_MS = 2_000;
/** The one that runs is looked at so often until then: a timer for each would cost much of a short one. */
const LOOKS = 4;

/** The syncs, one behind the other. */
export class Syncs {
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #name: () => string;
  #running: Promise<void> | undefined;
  /** How many were begun. */
  #count = 0;
  #look: Timer | undefined;
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
    this.#count += 1;
    this.#look ??= this.#planLook(0);
    const running = sync();
    // Its fault is for the caller that began it, and for no caller that waits for its end.
    this.#running = running.catch(() => {});
    try {
      await running;
    } finally {
      this.#running = undefined;
    }
  }

  /** Ends the looks; to be called when nothing is to be synced any more. */
  close(): void {
    this.#look?.cancel();
  }

  /** Looks at the sync that runs, which was seen at `looks` looks before. */
  #planLook(looks: number): Timer {
    const count = this.#count;
    return this.#timers.after(SLOW_SYNC_MS / LOOKS, () => {
      this.#look = undefined;
      if (this.#running === undefined) return;
      const seen = this.#count === count ? looks + 1 : 0;
      if (seen < LOOKS) this.#look = this.#planLook(seen);
      else this.#tooLong();
    });
  }

  #tooLong(): void {
    this.#slow += 1;
    const name = this.#name();
    this.#log.warn(`a sync of ${name} takes longer than ${SLOW_SYNC_MS / 1000} s: the disk is busy`);
  }
}
