/**
 * Values as the payload of DUMP and out of one (docs/redis.md, "Dumps of values"). The checksum and LZF
 * run in the kernel.
 */

import { FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';
import {
  CHECKSUM_BYTES,
  checksumOf,
  FOOTER_BYTES,
  READ_VERSION_MAX,
  typeName,
  VERSION_BYTES,
  versionOf,
  WRITTEN_VERSION,
} from '../rdb/dump-payload.js';
import {
  encodeCompressedHead,
  encodeInteger,
  encodeLength,
  type FoundString,
  findString,
  LZF_BYTES_MIN,
  LZF_SAVED_BYTES_MIN,
  STRING_TYPE,
} from '../rdb/string-object.js';
import type { ValuesOptions } from './values-options.js';
import { checkLength, wasThere, written } from './writes.js';

/** Why a payload is refused. */
export type PayloadFault =
  /** Its version is later than what is known, or its checksum is another one, or it is too short. */
  | { readonly kind: 'damaged' }
  /** It is no value as Redis writes it. */
  | { readonly kind: 'malformed' }
  /** It is a value of another type; `name` is what Redis calls it. */
  | { readonly kind: 'type'; readonly name: string };

const DAMAGED: PayloadFault = { kind: 'damaged' };
const MALFORMED: PayloadFault = { kind: 'malformed' };

/** Dumps and restores values of one kernel's store. */
export class ValueDumps {
  readonly #options: ValuesOptions;
  readonly #find: (key: Uint8Array) => Buffer | undefined;

  /** `find` returns a live key's value in kernel memory. */
  constructor(options: ValuesOptions, find: (key: Uint8Array) => Buffer | undefined) {
    this.#options = options;
    this.#find = find;
  }

  /** Returns a live key's value as DUMP does; undefined when there is no such key. It counts as a read. */
  dump(key: Uint8Array): Buffer | undefined {
    const value = this.#find(key);
    if (value === undefined) return undefined;
    const integer = encodeInteger(value);
    if (integer !== undefined) return this.#payload(integer);
    // The view does not outlive the calls into the kernel; the value stays where it is.
    const { byteOffset: address, length } = value;
    const compressed = this.#compressed(address, length);
    return compressed === undefined
      ? this.#payload(encodeLength(length), this.#bytesAt(address, length))
      : this.#payload(encodeCompressedHead(compressed.length, length), compressed);
  }

  /**
   * Sets a key to the value in a payload of DUMP, with an expiry (Unix ms, NO_EXPIRY), of which one that is
   * past deletes the key; returns why the payload is refused, with nothing changed, or undefined. Throws
   * OUT_OF_MEMORY, VALUE_OVER_LIMIT.
   */
  restore(key: Uint8Array, payload: Buffer, expireAtMs: bigint): PayloadFault | undefined {
    if (payload.length < FOOTER_BYTES || versionOf(payload) > READ_VERSION_MAX) return DAMAGED;
    const found = findString(payload.subarray(0, payload.length - FOOTER_BYTES), 1);
    const { kernel, scratch, maxValueBytes, time } = this.#options;
    // The length that the bytes claim is believed up to the limit of a value.
    const expanded = found?.kind === 'lzf' && found.length <= maxValueBytes ? found.length : 0;
    scratch.reserve(key.length + payload.length + expanded);
    const address = scratch.fill(key, payload);
    const at = address + key.length;
    try {
      const checksum = kernel.exports.crc64(0n, at, payload.length - CHECKSUM_BYTES);
      if (BigInt.asUintN(64, checksum) !== checksumOf(payload)) return DAMAGED;
      const type = payload.length === FOOTER_BYTES ? undefined : typeName(payload[0]!);
      if (type !== undefined && payload[0] !== STRING_TYPE) return { kind: 'type', name: type };
      if (type === undefined || found === undefined) return MALFORMED;
      const value = this.#placed(found, at, at + payload.length);
      if (value === undefined) return MALFORMED;
      time.update();
      const status = written(kernel, () =>
        kernel.exports.put(address, key.length, value.address, value.length, expireAtMs),
      );
      wasThere(status, key.length + value.length);
      return undefined;
    } finally {
      scratch.trim();
    }
  }

  /**
   * Returns where the value of the payload at `payload` is; a value that is made of it has room at `free`.
   */
  #placed(
    found: FoundString,
    payload: number,
    free: number,
  ): { address: number; length: number } | undefined {
    const { kernel, maxValueBytes } = this.#options;
    if (found.kind === 'integer') {
      kernel.bytes.set(found.bytes, payload);
      return { address: payload, length: found.bytes.length };
    }
    const length = found.kind === 'raw' ? found.end - found.start : found.length;
    checkLength(length, maxValueBytes);
    const address = payload + found.start;
    if (found.kind === 'raw') return { address, length };
    const isWhole = kernel.exports.lzfExpand(address, found.end - found.start, free, length) !== 0;
    return isWhole ? { address: free, length } : undefined;
  }

  /**
   * The value at `address`, compressed, own memory; undefined where that does not pay, or there is no
   * room.
   */
  #compressed(address: number, length: number): Buffer | undefined {
    if (length < LZF_BYTES_MIN) return undefined;
    const { kernel, scratch } = this.#options;
    const capacity = length - LZF_SAVED_BYTES_MIN;
    const heads = this.#roomFor(layout.LZF_HEADS_BYTES + capacity);
    if (heads === undefined) return undefined;
    const target = heads + layout.LZF_HEADS_BYTES;
    const bytes = kernel.exports.lzfCompress(address, length, target, capacity, heads) >>> 0;
    const compressed = bytes === 0 ? undefined : Buffer.from(this.#bytesAt(target, bytes));
    scratch.trim();
    return compressed;
  }

  #roomFor(bytes: number): number | undefined {
    try {
      return this.#options.scratch.reserve(bytes);
    } catch (error) {
      if (error instanceof FastcacheError && error.code === 'OUT_OF_MEMORY') return undefined;
      throw error;
    }
  }

  #bytesAt(address: number, length: number): Buffer {
    return this.#options.kernel.bytes.subarray(address, address + length);
  }

  /** The type, the parts, the version and the checksum of all that. */
  #payload(...parts: Uint8Array[]): Buffer {
    const version = Buffer.alloc(VERSION_BYTES);
    version.writeUInt16LE(WRITTEN_VERSION);
    const payload = Buffer.concat([Buffer.of(STRING_TYPE), ...parts, version, Buffer.alloc(CHECKSUM_BYTES)]);
    const { kernel, scratch } = this.#options;
    const address = scratch.fill(payload);
    const checksum = kernel.exports.crc64(0n, address, payload.length - CHECKSUM_BYTES);
    payload.writeBigUInt64LE(BigInt.asUintN(64, checksum), payload.length - CHECKSUM_BYTES);
    scratch.trim();
    return payload;
  }
}
