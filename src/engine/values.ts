/** Values where they lie in the kernel: parts of them read, counted and written, and copies that never come out here. */
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';
import { checkLength, wasThere, written } from './writes.js';

export interface ValuesOptions {
  readonly kernel: Kernel;
  readonly scratch: KernelBuffer;
  readonly maxValueBytes: number;
  updateTime(): void;
}

export class Values {
  readonly #kernel: Kernel;
  readonly #scratch: KernelBuffer;
  readonly #maxValueBytes: number;
  readonly #updateTime: () => void;

  constructor({ kernel, scratch, maxValueBytes, updateTime }: ValuesOptions) {
    this.#kernel = kernel;
    this.#scratch = scratch;
    this.#maxValueBytes = maxValueBytes;
    this.#updateTime = updateTime;
  }

  /** A live key's value in kernel memory, valid until the next call into it. This counts as a read, as in Redis. */
  find(key: Uint8Array): Buffer | undefined {
    return this.#at(this.#kernel.exports.get, key);
  }

  /** How long a live key's value is, bytes; undefined when there is no such key. Does not count as a read. */
  length(key: Uint8Array): number | undefined {
    return this.#at(this.#kernel.exports.look, key)?.length;
  }

  /** A part of a live key's value, `end` not included, as much of it as there is; undefined when there is no such key. */
  read(key: Uint8Array, start: number, end: number): Buffer | undefined {
    return partOf(this.find(key), start, end);
  }

  /** As `read`, without counting as one. */
  peek(key: Uint8Array, start: number, end: number): Buffer | undefined {
    return partOf(this.#at(this.#kernel.exports.look, key), start, end);
  }

  /** How many bits are set in a part of a live key's value, `end` not included. */
  countBits(key: Uint8Array, start: number, end: number): number {
    const part = this.find(key)?.subarray(start, Math.max(start, end));
    return part === undefined ? 0 : this.#kernel.exports.countBits(part.byteOffset, part.length) >>> 0;
  }

  /**
   * Writes a part of a live key's value in place, which grows (with zeros up to `offset`) when it is too short; whether
   * there was such a key. Throws OUT_OF_MEMORY, VALUE_OVER_LIMIT.
   */
  overwrite(key: Uint8Array, offset: number, part: Uint8Array): boolean {
    checkLength(offset + part.length, this.#maxValueBytes);
    const { exports } = this.#kernel;
    const address = this.#scratch.fill(key, part);
    this.#updateTime();
    const partAddress = address + key.length;
    const status = written(this.#kernel, () =>
      exports.overwrite(address, key.length, offset, partAddress, part.length),
    );
    this.#scratch.trim();
    return wasThere(status, key.length + offset + part.length);
  }

  /** Gives `target` the value and the expiry of `source`; whether there was a `source`. Throws OUT_OF_MEMORY. */
  copy(source: Uint8Array, target: Uint8Array): boolean {
    checkLength(target.length, this.#maxValueBytes);
    const { exports } = this.#kernel;
    const address = this.#scratch.fill(source, target);
    this.#updateTime();
    const targetAddress = address + source.length;
    const status = written(this.#kernel, () =>
      exports.copyKey(address, source.length, targetAddress, target.length),
    );
    this.#scratch.trim();
    return wasThere(status, target.length);
  }

  #at(find: (key: number, length: number) => number, key: Uint8Array): Buffer | undefined {
    const address = this.#scratch.fill(key);
    this.#updateTime();
    const value = find(address, key.length) >>> 0;
    if (value === 0) return undefined;
    return this.#kernel.bytes.subarray(value, value + this.#kernel.result[layout.RESULT_COUNT]!);
  }
}

/** Own memory. */
function partOf(value: Buffer | undefined, start: number, end: number): Buffer | undefined {
  return value && Buffer.from(value.subarray(start, Math.max(start, end)));
}
