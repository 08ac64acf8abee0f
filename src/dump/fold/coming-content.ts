/** Estimates how much will be loaded, so that a store makes room for it at once. */
import type { FollowedStore } from '../../engine/types.js';

/** Room is made at most for so many times what is there, in case what comes is of another kind. */
const FACTOR_MAX = 8;
/** It is made anew when there is so many times as much as when it was made last. */
const FACTOR_AGAIN = 4;

/** The estimate for one loading. */
export class ComingContent {
  readonly #totalBytes: number;
  #keys = 0;
  #bytes = 0;
  /** Room is made when so many bytes have been loaded. */
  #dueBytes = 0;

  /** `totalBytes` is the size of all that is loaded; 0: it is not known, and nothing is estimated. */
  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  /** Counts keys that are loaded into a store next, and their bytes, and has it make room for more. */
  add(store: FollowedStore, keys: number, bytes: number): void {
    this.#keys += keys;
    this.#bytes += bytes;
    if (this.#bytes < this.#dueBytes) return;
    this.#dueBytes = this.#bytes * FACTOR_AGAIN;
    const factor = Math.min(FACTOR_MAX, this.#totalBytes / Math.max(1, this.#bytes));
    if (factor > 1) store.expectContent?.(Math.round(this.#keys * factor), Math.round(this.#bytes * factor));
  }
}
