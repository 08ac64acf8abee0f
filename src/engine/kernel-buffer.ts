/** A buffer in kernel memory that grows with what is put in, and is given back when it has become unusually large. */
import { INPUT_SLACK_BYTES } from '../kernel/layout.js';
import type { Kernel } from './kernel.js';

const KEPT_BYTES_MAX = 4 * 1024 * 1024;

export class KernelBuffer {
  readonly #kernel: Kernel;
  readonly #leastBytes: number;
  #address = 0;
  #capacity = 0;

  constructor(kernel: Kernel, leastBytes: number) {
    this.#kernel = kernel;
    this.#leastBytes = leastBytes;
  }

  get address(): number {
    return this.#address;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Makes room for `bytes`, keeping the first `used`; returns the address. Throws OUT_OF_MEMORY. */
  reserve(bytes: number, used = 0): number {
    if (bytes <= this.#capacity) return this.#address;
    const wanted = Math.max(bytes, used > 0 ? 2 * this.#capacity : 0, this.#leastBytes);
    // With nothing to keep, the old one makes room for the new.
    if (used === 0) this.free();
    const larger = this.#kernel.allocate(wanted + INPUT_SLACK_BYTES);
    if (used > 0) this.#kernel.bytes.copy(this.#kernel.bytes, larger, this.#address, this.#address + used);
    this.free();
    this.#address = larger;
    this.#capacity = wanted;
    return larger;
  }

  /** Copies the parts in, one behind the other; returns the address of the first. Throws OUT_OF_MEMORY. */
  fill(...parts: Uint8Array[]): number {
    let length = 0;
    for (const part of parts) length += part.length;
    const address = this.reserve(length);
    let at = address;
    for (const part of parts) {
      this.#kernel.bytes.set(part, at);
      at += part.length;
    }
    return address;
  }

  /** Gives back what is more than usual. */
  trim(): void {
    if (this.#capacity > KEPT_BYTES_MAX) this.free();
  }

  free(): void {
    if (this.#address !== 0) this.#kernel.exports.release(this.#address);
    this.#address = 0;
    this.#capacity = 0;
  }
}
