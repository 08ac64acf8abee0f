/**
 * Values where they lie in the kernel: parts of them are read, counted and written, and copies stay inside.
 */
import { NO_EXPIRY } from '../frame/batch.js';
import * as layout from '../kernel/layout.js';
import { type BitField, encodeBitFields, readBitFields } from './bit-fields.js';
import { BITOPS, type BitOperation, sourcesOf } from './bit-operations.js';
import type { Bytes } from './bytes.js';
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';
import type { KernelTime } from './kernel-time.js';
import { ValueDumps } from './value-dumps.js';
import type { ValuesOptions } from './values-options.js';
import { checkLength, wasThere, written } from './writes.js';

/** The values of one kernel's store. Keys that have expired are not there. */
export class Values {
  /** The values as DUMP and RESTORE have them. */
  readonly dumps: ValueDumps;
  readonly #kernel: Kernel;
  readonly #scratch: KernelBuffer;
  readonly #maxValueBytes: number;
  readonly #time: KernelTime;

  constructor(options: ValuesOptions) {
    const { kernel, scratch, maxValueBytes, time } = options;
    this.dumps = new ValueDumps(options, (key) => this.find(key));
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

  /** Returns what `find` does without counting a read. */
  look(key: Uint8Array): Buffer | undefined {
    return this.#at(this.#kernel.exports.look, key);
  }

  /** Returns the XXH3-64 of a live key's value; undefined when there is no such key. It counts as a read. */
  digest(key: Uint8Array): bigint | undefined {
    return this.#digestOf(this.find(key));
  }

  /** Returns what `digest` does without counting a read. */
  peekDigest(key: Uint8Array): bigint | undefined {
    return this.#digestOf(this.look(key));
  }

  /**
   * Returns the bytes of a live key's value; undefined when there is no such key. It does not count as a
   * read.
   */
  length(key: Uint8Array): number | undefined {
    return this.look(key)?.length;
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
    return partOf(this.look(key), start, end);
  }

  /**
   * Returns how many bits are set in a part of a live key's value, `end` not included; 0 when there is no
   * such key. It does not count as a read.
   */
  countBits(key: Uint8Array, start: number, end: number): number {
    const part = this.look(key)?.subarray(start, Math.max(start, end));
    return part === undefined ? 0 : this.#kernel.exports.countBits(part.byteOffset, part.length) >>> 0;
  }

  /**
   * Returns the first bit from `start` on and before `end` of a live key's value that is set (`bit` is 1) or
   * clear (0); -1 when there is none. It does not count as a read.
   */
  findBit(key: Uint8Array, bit: 0 | 1, start: number, end: number): number {
    const value = this.look(key);
    if (value === undefined) return -1;
    const last = Math.min(end, 8 * value.length);
    return this.#kernel.exports.findBit(value.byteOffset, start, last, bit);
  }

  /**
   * Reads and writes integers of bits, in order and as one write; returns the reply of each, null for a
   * number that does not fit and may not. A write makes the value longer where it must, and makes the key
   * where there is none. Throws OUT_OF_MEMORY, VALUE_OVER_LIMIT.
   */
  bitFields(key: Uint8Array, fields: readonly BitField[]): (bigint | null)[] {
    const ends = fields.map((field) => (field.action === 'get' ? 0 : field.offset + field.bits));
    const writtenBytes = Math.ceil(ends.reduce((most, end) => Math.max(most, end), 0) / 8);
    checkLength(writtenBytes, this.#maxValueBytes);
    const { exports } = this.#kernel;
    const encoded = encodeBitFields(fields);
    const address = this.#scratch.fill(encoded, key);
    this.#time.update();
    const keyAddress = address + encoded.length;
    const status = written(this.#kernel, () =>
      exports.bitField(keyAddress, key.length, address, fields.length, writtenBytes),
    );
    wasThere(status, key.length + writtenBytes);
    const replies = readBitFields(this.#kernel.bytes.subarray(address, address + encoded.length));
    this.#scratch.trim();
    return replies;
  }

  /**
   * Sets `target` to the bits of other values, combined; deletes it when none of those has a byte. Each
   * counts as a read. Returns the bytes of the result. Throws OUT_OF_MEMORY.
   */
  combineBits(operation: BitOperation, keys: readonly Uint8Array[], target: Uint8Array): number {
    const values = keys.map((key) => {
      const value = this.find(key);
      return { address: value?.byteOffset ?? 0, length: value?.length ?? 0 };
    });
    const length = values.reduce((most, value) => Math.max(most, value.length), 0);
    const { exports } = this.#kernel;
    const sources = sourcesOf(operation, values);
    this.#scratch.reserve(sources.length + target.length + length);
    const address = this.#scratch.fill(sources, target);
    const targetAddress = address + sources.length;
    const result = targetAddress + target.length;
    const count = sources.length / layout.BITOP_SOURCE_BYTES;
    exports.combineBits(BITOPS[operation], address, count, result, length);
    this.#time.update();
    const status = written(this.#kernel, () =>
      length === 0
        ? exports.removeKey(targetAddress, target.length)
        : exports.put(targetAddress, target.length, result, length, NO_EXPIRY),
    );
    this.#scratch.trim();
    wasThere(status, target.length + length);
    return length;
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
   * Gives `target` the value and the expiry of `source`, and if it `carriesUses`, how often and when that was
   * used; otherwise it counts as new. Returns whether there was a `source`. Throws OUT_OF_MEMORY.
   */
  copy(source: Uint8Array, target: Uint8Array, carriesUses = false): boolean {
    checkLength(target.length, this.#maxValueBytes);
    const { exports } = this.#kernel;
    const address = this.#scratch.fill(source, target);
    this.#time.update();
    const targetAddress = address + source.length;
    const status = written(this.#kernel, () =>
      exports.copyKey(address, source.length, targetAddress, target.length, carriesUses ? 1 : 0),
    );
    this.#scratch.trim();
    return wasThere(status, target.length);
  }

  #digestOf(value: Buffer | undefined): bigint | undefined {
    if (value === undefined) return undefined;
    return BigInt.asUintN(64, this.#kernel.exports.xxh3(value.byteOffset, value.length));
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
