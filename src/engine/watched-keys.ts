/** WATCH: whether certain keys have changed since (kernel/watch.ts); each by a ticket, until it is released. */
import { type Kernel, outOfMemory } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';

export class WatchedKeys {
  readonly #kernel: Kernel;
  readonly #updateTime: () => void;
  readonly #input: KernelBuffer;

  /** `input` is where keys are put for the kernel; others may use it between the calls. */
  constructor(kernel: Kernel, input: KernelBuffer, updateTime: () => void) {
    this.#kernel = kernel;
    this.#input = input;
    this.#updateTime = updateTime;
  }

  /** Watches a key until `unwatch` has been called as often; the ticket is for `changedSince`. Throws OUT_OF_MEMORY. */
  watch(key: Uint8Array): number {
    this.#updateTime();
    const ticket = this.#with(key, (at) => this.#kernel.exports.watchKey(at, key.length));
    if (ticket < 0) throw outOfMemory(key.length);
    return ticket;
  }

  unwatch(key: Uint8Array): void {
    this.#with(key, (at) => this.#kernel.exports.unwatchKey(at, key.length));
  }

  /**
   * Whether a watched key was written, deleted or given another expiry since the ticket, or has expired since. That a key
   * which had expired before is deleted is no change.
   */
  changedSince(key: Uint8Array, ticket: number): boolean {
    this.#updateTime();
    return this.#with(key, (at) => this.#kernel.exports.changedSince(at, key.length, ticket)) !== 0;
  }

  #with<Result>(key: Uint8Array, call: (address: number) => Result): Result {
    const answer = call(this.#input.fill(key));
    this.#input.trim();
    return answer;
  }
}
