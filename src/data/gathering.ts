/** The wait until so much has gathered that it is worth a write of its own. */
import type { Timer, Timers } from '../clock.js';

/** Bytes for whose writing nobody waits gather for so long, unless there are so many. */
const GATHER_MS = 5;
const GATHER_BYTES = 1_048_576;

/** The bytes that gather for one file. */
export class Gathering {
  readonly #timers: Timers;
  readonly #done: () => void;
  /** Runs while something gathers, and has then run out. */
  #timer: Timer | undefined;
  #isDone = false;

  /** `done` is called when what gathers is to be written. */
  constructor(timers: Timers, done: () => void) {
    this.#timers = timers;
    this.#done = done;
  }

  /** Returns whether so many bytes wait for more to be written with, which is planned then. */
  waits(bytes: number): boolean {
    if (this.#isDone || bytes >= GATHER_BYTES) return false;
    this.#timer ??= this.#timers.after(GATHER_MS, () => {
      this.#timer = undefined;
      this.#isDone = true;
      this.#done();
    });
    return true;
  }

  /** Notes that what has gathered is being written. */
  taken(): void {
    this.#isDone = false;
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}
