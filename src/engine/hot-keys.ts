/**
 * The keys that clients use most, for readers that look from time to time. The kernel counts a sample of the
 * uses (src/kernel/store/sampled-uses.ts), about as many a second however busy it is, until some seconds
 * after the last look.
 */
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';

/** Uses a second that are counted. */
const SAMPLED_PER_SECOND = 500;
/** One of so many uses is counted until it is known how many there are. */
const FIRST_ONE_OF = 64;
/** Uses are counted for so long behind a look. */
const LOOKED_MS = 5_000;
/** Counts are replaced after so long by those that come then; in the first half the last counts are shown. */
const WINDOW_MS = 10_000;
/** A key is hot that has at least this part of the uses, and two of them. */
const LEAST_SHARE = 0.01;
const LEAST_USES = 2;

/** A key that is used often. */
export interface HotKey {
  /** At most 80 bytes of it. */
  readonly key: Buffer;
  readonly keyBytes: number;
  /** How many of the counted uses are surely its own. */
  readonly uses: number;
}

/** The keys that are used most. */
export interface HotKeysReport {
  /** The uses that were counted, of all keys. */
  readonly sampled: number;
  /** Those that are hot, the most used first. */
  readonly keys: readonly HotKey[];
}

/** The hot keys of one kernel's store. */
export class HotKeys {
  readonly #kernel: Kernel;
  readonly #scratch: KernelBuffer;
  #isOn = false;
  #lookedMs = 0;
  #commands = 0;
  #windowFromMs = 0;
  #lastWindow: HotKeysReport | undefined;

  /** Keys are handed over in `scratch`. */
  constructor(kernel: Kernel, scratch: KernelBuffer) {
    this.#kernel = kernel;
    this.#scratch = scratch;
  }

  /**
   * Returns the `most` hottest keys of the last seconds, and has uses counted from now on; undefined where
   * there is no memory for it. `nowMs` is the time of the kernel, `commands` how many have run so far.
   */
  look(nowMs: number, commands: number, most: number): HotKeysReport | undefined {
    const { exports } = this.#kernel;
    const isFirst = nowMs - this.#lookedMs > LOOKED_MS || nowMs < this.#lookedMs;
    const perSecond = (Math.max(0, commands - this.#commands) * 1_000) / Math.max(1, nowMs - this.#lookedMs);
    const oneOf = isFirst ? FIRST_ONE_OF : Math.min(0xffff, Math.ceil(perSecond / SAMPLED_PER_SECOND));
    if (isFirst) this.#begin(nowMs);
    this.#lookedMs = nowMs;
    this.#commands = commands;
    this.#isOn = exports.sampleUses(oneOf, nowMs + LOOKED_MS) !== 0;
    if (!this.#isOn) return undefined;
    const ageMs = nowMs - this.#windowFromMs;
    const report =
      this.#lastWindow !== undefined && ageMs < WINDOW_MS / 2 ? this.#lastWindow : this.#read(most);
    if (ageMs >= WINDOW_MS) {
      this.#begin(nowMs);
      this.#lastWindow = report;
    }
    return report;
  }

  /** Counts a use by a command outside of the kernel; `keyOf` is asked for its key where it is counted. */
  used(keyOf: () => Uint8Array | undefined): void {
    if (!this.#isOn) return;
    const { exports } = this.#kernel;
    const use = exports.nextUse();
    this.#isOn = use !== layout.USES_IGNORED;
    const key = use === layout.USE_COUNTED ? keyOf() : undefined;
    if (key !== undefined) exports.countUse(this.#scratch.fill(key), key.length);
  }

  #begin(nowMs: number): void {
    this.#kernel.exports.forgetUses();
    this.#windowFromMs = nowMs;
    this.#lastWindow = undefined;
  }

  #read(most: number): HotKeysReport {
    const { exports } = this.#kernel;
    const sampled = exports.sampledUses();
    const least = Math.max(LEAST_USES, sampled * LEAST_SHARE);
    const keys: HotKey[] = [];
    for (let rank = 0; rank < most; rank += 1) {
      const item = exports.usedMost(rank) >>> 0;
      const hot = item === 0 ? undefined : this.#itemAt(item);
      if (hot === undefined || hot.uses < least) break;
      keys.push(hot);
    }
    return { sampled, keys };
  }

  #itemAt(item: number): HotKey {
    const { bytes, exports } = this.#kernel;
    const keyBytes = bytes.readUInt32LE(item + layout.SKETCH_KEY_BYTES);
    const from = item + layout.SKETCH_KEY;
    const key = Buffer.from(bytes.subarray(from, from + Math.min(keyBytes, layout.SKETCH_KEY_BYTES_MAX)));
    const tooMany = Number(bytes.readBigUInt64LE(item + layout.SKETCH_KEY_ERROR));
    return { key, keyBytes, uses: exports.countOfUsed(item) - tooMany };
  }
}
