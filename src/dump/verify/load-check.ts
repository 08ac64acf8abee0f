/**
 * Finds out whether a dump can be loaded, in memory of one size: it is folded as `primary start --load` folds
 * it (dump/fold/key-space-fold.ts), into stores that keep each shard's position and no content.
 */
import { WatermarkStore } from '../../engine/watermark-store.js';
import { FastcacheError } from '../../errors.js';
import type { Stretch } from '../../frame/resync.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { KeySpaceFold } from '../fold/key-space-fold.js';

/** The check of one dump: `take` for each stretch of it in order, then `end`. */
export class LoadCheck {
  readonly #file: string;
  readonly #fold: KeySpaceFold<WatermarkStore>;
  #fault: FastcacheError | undefined;

  /** `file` is the dump's name, for faults; `payloadOf` returns a frame's payload, decompressed. */
  constructor(file: string, payloadOf: (frame: SplitFrame) => Uint8Array) {
    this.#file = file;
    this.#fold = new KeySpaceFold({ createStore: (shards) => new WatermarkStore(shards), payloadOf });
  }

  /** Throws `OUT_OF_MEMORY`. */
  take(stretch: Stretch): void {
    if (this.#fault !== undefined) return;
    if (stretch.type === 'damage') this.#fault = stretch.fault;
    else this.#noting(() => this.#fold.take(stretch.frame, this.#file));
  }

  /** Returns why the dump cannot be loaded; undefined when it can. Throws `OUT_OF_MEMORY`. */
  end(): FastcacheError | undefined {
    if (this.#fault === undefined) this.#noting(() => this.#fold.finish());
    return this.#fault?.inFile(this.#file);
  }

  #noting(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code === 'OUT_OF_MEMORY') throw error;
      this.#fault = error;
    }
  }
}
