/** Estimates how much will be loaded, so that a store makes room for it at once. */
import type { FollowedStore } from '../../engine/types.js';

/** Nothing is estimated from fewer bytes. */
const SAMPLE_BYTES = 65_536;
/** So many bytes are taken to be like their first part; the tables for them have a tenth of their size. */
const ALIKE_BYTES = 134_217_728;
/**
 * Beyond these bytes room is made for so many times the present content at most, in case the rest is of
 * another kind.
 */
const FACTOR_MAX = 8;
/** It is made anew when there is so many times as much as when it was made last. */
const FACTOR_AGAIN = 4;

/** The estimate for one loading. */
export class ComingContent {
  readonly #totalBytes: number;
  #keys = 0;
  #bytes = 0;
  /** Room is made when so many bytes have been loaded. */
  #dueBytes = SAMPLE_BYTES;

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
    const expectedBytes = Math.min(this.#totalBytes, Math.max(ALIKE_BYTES, this.#bytes * FACTOR_MAX));
    const factor = expectedBytes / Math.max(1, this.#bytes);
    if (factor > 1) store.expectContent?.(Math.round(this.#keys * factor), Math.round(this.#bytes * factor));
  }
}
