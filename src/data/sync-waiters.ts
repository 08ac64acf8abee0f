/** The callers that wait until published frames are on the disk, in the order in which they came. */

/** Called when all before `end` is on the disk, or will not be, because the disk has failed. */
interface Waiter {
  readonly end: number;
  run(isSynced: boolean): void;
}

/** The waiters of one journal. */
export class SyncWaiters {
  #waiters: Waiter[] = [];

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }

  /**
   * Has `run` called once the frames that are published until now, before the place `end`, are on the disk.
   */
  add(end: number, run: (isSynced: boolean) => void): void {
    this.#waiters.push({ end, run });
  }

  /** Calls the waiters that wait for nothing behind `syncedEnd`. */
  answer(syncedEnd: number): void {
    const done = this.#waiters.findIndex(({ end }) => end > syncedEnd);
    const ready = this.#waiters.splice(0, done === -1 ? this.#waiters.length : done);
    for (const { run } of ready) run(true);
  }

  /** Calls all of them: the disk has failed. */
  fail(): void {
    for (const { run } of this.#waiters.splice(0)) run(false);
  }
}
