/** WATCH: knows whether certain keys have changed since they were watched (kernel/store/watch.ts). */
import { type Kernel, outOfMemory } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';
import type { KernelTime } from './kernel-time.js';

/** The watched keys of one kernel's store. Each `watch` is taken back by one `unwatch`. */
export class WatchedKeys {
  readonly #kernel: Kernel;
  readonly #time: KernelTime;
  readonly #input: KernelBuffer;

  /** Watches keys of a kernel, for which they are put into `input`; others may use it between the calls. */
  constructor(kernel: Kernel, input: KernelBuffer, time: KernelTime) {
    this.#kernel = kernel;
    this.#input = input;
    this.#time = time;
  }

  /** Watches a key; returns the ticket with which `changedSince` is asked. Throws OUT_OF_MEMORY. */
  watch(key: Uint8Array): number {
    this.#time.update();
    const ticket = this.#with(key, (at) => this.#kernel.exports.watchKey(at, key.length));
    if (ticket < 0) throw outOfMemory(key.length);
    return ticket;
  }

  /** Takes back one `watch` of a key. */
  unwatch(key: Uint8Array): void {
    this.#with(key, (at) => this.#kernel.exports.unwatchKey(at, key.length));
  }

  /**
   * Returns whether a watched key was written, deleted or given another expiry since the ticket, or has
   * expired since. The deletion of a key that had expired before the ticket is no change.
   */
  changedSince(key: Uint8Array, ticket: number): boolean {
    this.#time.update();
    return this.#with(key, (at) => this.#kernel.exports.changedSince(at, key.length, ticket)) !== 0;
  }

  #with<Result>(key: Uint8Array, call: (address: number) => Result): Result {
    const answer = call(this.#input.fill(key));
    this.#input.trim();
    return answer;
  }
}
