/**
 * A command that is longer than the kernel's input window, gathered until it is whole. Memory grows with the
 * bytes that came, not with the length that was announced, and no argument is examined twice.
 */
import type { LongBuffers } from './long-buffers.js';

const CR = 0x0d;
const DOLLAR = 0x24;
const ZERO = 0x30;
/** The longest header of an argument: `$`, up to 20 digits, CRLF. */
const HEADER_MAX_BYTES = 24;

const RELEASED = Buffer.alloc(0);

/** Gathers one command that comes in many chunks. */
export class LongCommand {
  readonly #buffers: LongBuffers;
  /** The buffer that this command has from the pool; empty once it is given back. */
  #bytes: Buffer;
  #length: number;
  /**
   * Where the first argument starts that has not been passed over, and how many arguments are missing from
   * there.
   */
  #at: number;
  #left: number;
  readonly #maxArgumentBytes: number;

  /**
   * `start` is what has come; the argument at `resumeAt` is the first that is not whole, and `resumeArgs` are
   * missing. An argument announced as longer than `maxArgumentBytes` is a fault that ends the wait. The
   * memory is one of `buffers`.
   */
  constructor(
    buffers: LongBuffers,
    start: Buffer,
    resumeAt: number,
    resumeArgs: number,
    maxArgumentBytes: number,
  ) {
    this.#buffers = buffers;
    this.#maxArgumentBytes = maxArgumentBytes;
    this.#bytes = buffers.take(2 * start.length);
    this.#length = start.copy(this.#bytes);
    this.#at = resumeAt;
    this.#left = resumeArgs;
  }

  get length(): number {
    return this.#length;
  }

  append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = this.#buffers.take(needed);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#buffers.give(this.#bytes);
      this.#bytes = larger;
    }
    this.#length += chunk.copy(this.#bytes, this.#length);
  }

  /** Whether all arguments are there, or a fault is, whose error the kernel will name. */
  isWhole(): boolean {
    while (this.#left > 0) {
      const end = this.#argumentEnd();
      if (end === undefined) return true;
      if (end > this.#length) return false;
      this.#at = end;
      this.#left -= 1;
    }
    return true;
  }

  /** All that has been gathered, in memory that is this command's until `release`. */
  gathered(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Gives the memory back; nothing may be done with this command behind it. */
  release(): void {
    this.#buffers.give(this.#bytes);
    this.#bytes = RELEASED;
    this.#length = 0;
  }

  /**
   * Where the argument at `#at` ends: Infinity when its header is not whole, undefined when it is not an
   * argument.
   */
  #argumentEnd(): number | undefined {
    if (this.#at >= this.#length) return Number.POSITIVE_INFINITY;
    if (this.#bytes[this.#at] !== DOLLAR) return undefined;
    const limit = Math.min(this.#length, this.#at + HEADER_MAX_BYTES);
    // There may be a million arguments, so that no text is made of their lengths.
    let bytes = 0;
    let at = this.#at + 1;
    for (; at < limit && this.#bytes[at] !== CR; at++) {
      const digit = this.#bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) return undefined;
      bytes = bytes * 10 + digit;
    }
    if (at === limit) return limit < this.#length ? undefined : Number.POSITIVE_INFINITY;
    return bytes <= this.#maxArgumentBytes ? at + 2 + bytes + 2 : undefined;
  }
}
