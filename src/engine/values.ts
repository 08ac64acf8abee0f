/**
 * Values where they lie in the kernel: parts of them are read, counted and written, and copies stay inside.
 */
import * as layout from '../kernel/layout.js';
import type { Bytes } from './bytes.js';
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';
import type { KernelTime } from './kernel-time.js';
import { checkLength, wasThere, written } from './writes.js';

/** The parts by which the values of one kernel's store are reached. */
export interface ValuesOptions {
  readonly kernel: Kernel;
  /** The buffer in which keys and parts are put for the kernel; others may use it between the calls. */
  readonly scratch: KernelBuffer;
  readonly maxValueBytes: number;
  readonly time: KernelTime;
}

/** The values of one kernel's store. Keys that have expired are not there. */
export class Values {
  readonly #kernel: Kernel;
  readonly #scratch: KernelBuffer;
  readonly #maxValueBytes: number;
  readonly #time: KernelTime;

  constructor({ kernel, scratch, maxValueBytes, time }: ValuesOptions) {
    this.#kernel = kernel;
    this.#scratch = scratch;
    this.#maxValueBytes = maxValueBytes;
    this.#time = time;
  }

  /** Returns a live key's value, own memory; undefined when there is no such key. It counts as a read. */
  get(key: Bytes): Buffer | undefined {
    const address = this.#addressOf(this.#kernel.exports.get, key);
    if (address === 0) return undefined;
    const length = this.#kernel.result[layout.RESULT_COUNT]!;
    const value = Buffer.allocUnsafe(length);
    // A Buffer of the part would cost as much again as the copy.
    value.set(new Uint8Array(this.#kernel.bytes.buffer, address, length));
    return value;
  }

  /** Returns a live key's value in kernel memory, valid until the next call into it. It counts as a read. */
  find(key: Uint8Array): Buffer | undefined {
    return this.#at(this.#kernel.exports.get, key);
  }

  /**
   * Returns the bytes of a live key's value; undefined when there is no such key. It does not count as a
   * read.
   */
  length(key: Uint8Array): number | undefined {
    return this.#at(this.#kernel.exports.look, key)?.length;
  }

  /**
   * Returns a part of a live key's value, own memory, `end` not included, as much of it as there is;
   * undefined when there is no such key. It counts as a read.
   */
  read(key: Uint8Array, start: number, end: number): Buffer | undefined {
    return partOf(this.find(key), start, end);
  }

  /** Returns what `read` does without counting a read. */
  peek(key: Uint8Array, start: number, end: number): Buffer | undefined {
    return partOf(this.#at(this.#kernel.exports.look, key), start, end);
  }

  /**
   * Returns how many bits are set in a part of a live key's value, `end` not included; 0 when there is no
   * such key. It does not count as a read.
   */
  countBits(key: Uint8Array, start: number, end: number): number {
    const part = this.#at(this.#kernel.exports.look, key)?.subarray(start, Math.max(start, end));
    return part === undefined ? 0 : this.#kernel.exports.countBits(part.byteOffset, part.length) >>> 0;
  }

  /**
   * Writes a part of a live key's value in place, which grows (with zeros up to `offset`) when it is too
   * short; returns whether there was such a key. Throws OUT_OF_MEMORY, VALUE_OVER_LIMIT.
   */
  overwrite(key: Uint8Array, offset: number, part: Uint8Array): boolean {
    checkLength(offset + part.length, this.#maxValueBytes);
    const { exports } = this.#kernel;
    const address = this.#scratch.fill(key, part);
    this.#time.update();
    const partAddress = address + key.length;
    const status = written(this.#kernel, () =>
      exports.overwrite(address, key.length, offset, partAddress, part.length),
    );
    this.#scratch.trim();
    return wasThere(status, key.length + offset + part.length);
  }

  /**
   * Gives `target` the value and the expiry of `source`; returns whether there was a `source`. Throws
   * OUT_OF_MEMORY.
   */
  copy(source: Uint8Array, target: Uint8Array): boolean {
    checkLength(target.length, this.#maxValueBytes);
    const { exports } = this.#kernel;
    const address = this.#scratch.fill(source, target);
    this.#time.update();
    const targetAddress = address + source.length;
    const status = written(this.#kernel, () =>
      exports.copyKey(address, source.length, targetAddress, target.length),
    );
    this.#scratch.trim();
    return wasThere(status, target.length);
  }

  #at(find: (key: number, length: number) => number, key: Uint8Array): Buffer | undefined {
    const address = this.#addressOf(find, key);
    if (address === 0) return undefined;
    return this.#kernel.bytes.subarray(address, address + this.#kernel.result[layout.RESULT_COUNT]!);
  }

  /** Returns where a live key's value is, 0 when there is no such key; RESULT_COUNT has its length. */
  #addressOf(find: (key: number, length: number) => number, key: Bytes): number {
    const length = this.#scratch.put(key);
    this.#time.updateForRead();
    return find(this.#scratch.address, length) >>> 0;
  }
}

/** Copies a part of a value out of the kernel. */
function partOf(value: Buffer | undefined, start: number, end: number): Buffer | undefined {
  return value && Buffer.from(value.subarray(start, Math.max(start, end)));
}
