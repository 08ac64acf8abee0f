/** Waits until a replica has applied what its primary had at some offset. */
import type { Timers } from '../clock.js';

/** The replica is looked at so often, and only while somebody waits. */
const LOOK_MS = 2;

interface Wait {
  readonly offset: bigint;
  settle(): void;
}

/** The waits of one replica. */
export class AppliedWaits {
  readonly #timers: Timers;
  readonly #offset: () => bigint;
  readonly #waits = new Set<Wait>();
  #isLooking = false;

  /** `offset` returns how many records of its history the replica has applied. */
  constructor(timers: Timers, offset: () => bigint) {
    this.#timers = timers;
    this.#offset = offset;
  }

  /** Resolves with true when the replica has come to `offset`, and with false after `timeoutMs`. */
  async until(offset: bigint, timeoutMs: number): Promise<boolean> {
    if (this.#offset() >= offset) return true;
    return await new Promise<boolean>((resolve) => {
      const end = (isApplied: boolean) => {
        timer.cancel();
        this.#waits.delete(wait);
        resolve(isApplied);
      };
      const wait: Wait = { offset, settle: () => end(true) };
      const timer = this.#timers.after(timeoutMs, () => end(false));
      this.#waits.add(wait);
      this.#look();
    });
  }

  #look(): void {
    if (this.#isLooking || this.#waits.size === 0) return;
    this.#isLooking = true;
    this.#timers.after(LOOK_MS, () => {
      this.#isLooking = false;
      const reached = this.#offset();
      for (const wait of this.#waits) if (wait.offset <= reached) wait.settle();
      this.#look();
    });
  }
}
