/**
 * Notes of the kernel about what happens to keys, for readers that ask for them (docs/redis.md, "Keyspace
 * notifications").
 */
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';

/**
 * Takes a note: `what` is one of NOTE_* of layout.ts; `command` is the one that ran in the kernel
 * (COMMAND_*), NO_COMMAND of what none did; `key` is its own memory. It must not call into the store.
 */
export type NoteTaker = (what: number, command: number, key: Buffer) => void;

/** The notes of one kernel's store; none are taken until they are wanted. */
export class StoreNotes {
  take: NoteTaker = () => {};
  readonly #kernel: Kernel;
  readonly #scratch: KernelBuffer;

  constructor(kernel: Kernel, scratch: KernelBuffer) {
    this.#kernel = kernel;
    this.#scratch = scratch;
  }

  /** Has these notes taken from now on, one bit for each of NOTE_*. */
  want(bits: number): void {
    this.#kernel.exports.wantNotes(bits);
  }

  /**
   * Returns how many times any key was changed so far, modulo 2^32; that one expires is a change once it is
   * deleted.
   */
  changeCount(): number {
    return this.#kernel.exports.contentChangeCount() >>> 0;
  }

  /** Hands on what the kernel has noted of the key at `start`. */
  noted(what: number, command: number, start: number, bytes: number): void {
    this.take(what, command, Buffer.from(this.#kernel.bytes.subarray(start, start + bytes)));
  }

  /** Notes that a command outside of the kernel has not found a key. */
  missed(key: Uint8Array): void {
    this.#kernel.exports.noteKey(layout.NOTE_MISSED, this.#scratch.fill(key), key.length);
  }
}
