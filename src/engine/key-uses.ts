/** When and how often keys are used, which decides what is evicted (docs/architecture.md, "Eviction"). */
import * as layout from '../kernel/layout.js';
import { HotKeys } from './hot-keys.js';
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';
import type { KernelTime } from './kernel-time.js';

/** The uses of a store's keys. */
export class KeyUses {
  /** The keys that are used most. */
  readonly hot: HotKeys;
  readonly #kernel: Kernel;
  readonly #scratch: KernelBuffer;
  readonly #time: KernelTime;

  /** Keys are handed over in `scratch`; each call first updates `time`. */
  constructor(kernel: Kernel, scratch: KernelBuffer, time: KernelTime) {
    this.#kernel = kernel;
    this.#scratch = scratch;
    this.#time = time;
    this.hot = new HotKeys(kernel, scratch);
  }

  /**
   * Returns the seconds since a live key was last read or written, under a policy that does not count uses;
   * undefined when there is no such key.
   */
  idleSeconds(key: Uint8Array): number | undefined {
    return this.#accessOf(key);
  }

  /**
   * Returns the counter of a live key's uses, 0 to 255, under a policy that counts them; undefined when there
   * is no such key.
   */
  frequency(key: Uint8Array): number | undefined {
    return this.#accessOf(key);
  }

  /** Makes a live key count as used; returns whether there is such a key. */
  touch(key: Uint8Array): boolean {
    return this.#kernel.exports.touchKey(this.#place(key), key.length) !== 0;
  }

  /**
   * Makes a live key count as used so often, 0 to 255, under a policy that counts uses, or else as last used
   * so many seconds ago; does nothing when there is no such key.
   */
  set(key: Uint8Array, access: number): void {
    const most = layout.IDLE_SECONDS_MAX;
    this.#kernel.exports.setAccessOfKey(this.#place(key), key.length, Math.min(access, most));
  }

  #accessOf(key: Uint8Array): number | undefined {
    const access = this.#kernel.exports.accessOfKey(this.#place(key), key.length);
    return access < 0 ? undefined : access;
  }

  #place(key: Uint8Array): number {
    this.#time.update();
    return this.#scratch.fill(key);
  }
}
