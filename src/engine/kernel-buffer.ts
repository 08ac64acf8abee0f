/**
 * A buffer in kernel memory that grows with what is put in, and is freed when it has become unusually large.
 */
import { INPUT_SLACK_BYTES } from '../kernel/layout.js';
import { type Bytes, bytesAtMost, SHORT_TEXT_UNITS } from './bytes.js';
import type { Kernel } from './kernel.js';

const KEPT_BYTES_MAX = 4 * 1024 * 1024;
const ASCII_MAX = 0x7f;

/** One buffer, which takes no memory before its first use. */
export class KernelBuffer {
  readonly #kernel: Kernel;
  readonly #leastBytes: number;
  #address = 0;
  #capacity = 0;

  /** Makes a buffer that has at least `leastBytes` bytes whenever it has any. */
  constructor(kernel: Kernel, leastBytes: number) {
    this.#kernel = kernel;
    this.#leastBytes = leastBytes;
  }

  /** The address of its first byte, 0 while it has none; it changes when the buffer grows. */
  get address(): number {
    return this.#address;
  }

  /** Bytes that it has, without the slack behind them. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Makes room for `bytes`; when the buffer grows for them, its content is lost. Throws OUT_OF_MEMORY. */
  reserve(bytes: number): number {
    if (bytes <= this.#capacity) return this.#address;
    const wanted = Math.max(bytes, this.#leastBytes);
    // The new buffer may need the memory of the old one.
    this.free();
    this.#address = this.#kernel.allocate(wanted + INPUT_SLACK_BYTES);
    this.#capacity = wanted;
    return this.#address;
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

  /**
   * Copies a key or a value in, `offset` bytes behind the first; returns its bytes. The bytes before it are
   * kept if there was room: `reserve` for all first.
   */
  put(content: Bytes, offset = 0): number {
    const at = this.reserve(offset + bytesAtMost(content)) + offset;
    const { bytes } = this.#kernel;
    if (typeof content !== 'string') {
      bytes.set(content, at);
      return content.length;
    }
    if (content.length > SHORT_TEXT_UNITS) return bytes.write(content, at);
    for (let index = 0; index < content.length; index += 1) {
      const unit = content.charCodeAt(index);
      if (unit > ASCII_MAX) return bytes.write(content, at);
      bytes[at + index] = unit;
    }
    return content.length;
  }

  /** Frees a buffer that is larger than usual. */
  trim(): void {
    if (this.#capacity > KEPT_BYTES_MAX) this.free();
  }

  /** Frees the buffer; the next `reserve` makes another. */
  free(): void {
    if (this.#address !== 0) this.#kernel.exports.release(this.#address);
    this.#address = 0;
    this.#capacity = 0;
  }
}
