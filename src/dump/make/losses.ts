/** Collects what of a damaged dump is not in the dump that was made of it. */
import { Listed } from './listed.js';
import type { Loss } from './salvager.js';

/** The losses of one dump: all are counted, and the first ones are kept. */
export class DumpLosses {
  readonly #listed: Listed<Loss>;
  #bytes = 0;
  #frames = 0;

  /** `max` is how many losses are kept. */
  constructor(max: number) {
    this.#listed = new Listed(max);
  }

  add(loss: Loss): void {
    this.#listed.add(loss);
    this.#bytes += loss.bytes;
    this.#frames += loss.frames;
  }

  /** The first losses, in the order of the dump. */
  get items(): readonly Loss[] {
    return this.#listed.items;
  }

  /** Losses in all. */
  get count(): number {
    return this.#listed.count;
  }

  /** Losses that `items` does not show. */
  get omitted(): number {
    return this.#listed.omitted;
  }

  /** Bytes that were left out. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Readable frames among what was left out. */
  get frames(): number {
    return this.#frames;
  }
}
