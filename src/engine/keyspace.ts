/** The operations on all keys of a store: SCAN, KEYS, RANDOMKEY and FLUSHALL, and Redis' glob patterns. */
import { FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';
import { type Kernel, outOfMemory } from './kernel.js';
import { KernelBuffer } from './kernel-buffer.js';

/** Bytes of keys and their lengths for which one step has room; a longer key comes alone. */
const STEP_BYTES_MIN = 64 * 1024;
const STEP_BYTES_MAX = 16 * 1024 * 1024;
const STEP_BYTES_A_KEY = 256;
const COUNT_MAX = 2 ** 31 - 1;
const ANYTHING = Buffer.from('*');

/** Keys as replies have them. */
export interface KeyList {
  /** The number of keys. */
  count: number;
  /** A bulk string of the Redis protocol for each key, one behind the other, in memory of their own. */
  parts: Buffer[];
}

/** All keys of one kernel's store. */
export class Keyspace {
  readonly #kernel: Kernel;
  readonly #shards: number;
  readonly #input: KernelBuffer;
  readonly #output: KernelBuffer;
  readonly #updateTime: () => void;

  /** Makes the keyspace of a kernel; each call first calls `updateTime`, which sets the kernel's time. */
  constructor(kernel: Kernel, shards: number, updateTime: () => void) {
    this.#updateTime = updateTime;
    this.#kernel = kernel;
    this.#shards = shards;
    this.#input = new KernelBuffer(kernel, 0);
    this.#output = new KernelBuffer(kernel, STEP_BYTES_MIN);
  }

  /**
   * Returns live keys from `cursor` on, of about `count` that are looked at, fewer when they are long, as
   * SCAN does. 0 starts, and is returned at the end and for any u64 that is no cursor. A key that is there
   * throughout is returned exactly once, whatever else is written between the steps. Cursors are below 2^53.
   * Throws OUT_OF_MEMORY.
   */
  scan(cursor: bigint, count: number, pattern: Uint8Array = ANYTHING): { cursor: bigint; keys: KeyList } {
    this.#updateTime();
    const { exports } = this.#kernel;
    const lookedAt = Math.min(Math.max(count, 1), COUNT_MAX);
    const patternAddress = this.#input.fill(pattern);
    let capacity = Math.min(Math.max(lookedAt * STEP_BYTES_A_KEY, STEP_BYTES_MIN), STEP_BYTES_MAX);
    let next = cursor;
    const keys: KeyList = { count: 0, parts: [] };
    for (let need = 1; need > 0; capacity = Math.max(need, 2 * capacity)) {
      const output = this.#output.reserve(capacity);
      const status = exports.scanKeys(next, lookedAt, patternAddress, pattern.length, output, capacity);
      if (status === layout.WRITE_MEMORY) throw outOfMemory(capacity);
      need = this.#kernel.result[layout.RESULT_NEED]!;
      next = this.#kernel.resultU64(layout.RESULT_CURSOR_U64);
      this.#append(keys, this.#kernel.result[layout.RESULT_OUTPUT]!);
    }
    this.#trim();
    return { cursor: next, keys };
  }

  /** Returns all live keys that match, as KEYS does. Throws OUT_OF_MEMORY. */
  matching(pattern: Uint8Array): KeyList {
    this.#updateTime();
    const { exports } = this.#kernel;
    const patternAddress = this.#input.fill(pattern);
    let output = this.#output.reserve(STEP_BYTES_MIN);
    const keys: KeyList = { count: 0, parts: [] };
    for (let shard = 0; shard < this.#shards; shard++) {
      for (let cursor = 0n, generation = 0n, done = false; !done; ) {
        const { capacity } = this.#output;
        const { length } = pattern;
        const bytes =
          exports.listKeys(shard, cursor, generation, output, capacity, patternAddress, length) >>> 0;
        const need = this.#kernel.result[layout.RESULT_NEED]!;
        cursor = this.#kernel.resultU64(layout.RESULT_CURSOR_U64);
        generation = this.#kernel.resultU64(layout.RESULT_GENERATION_U64);
        done = this.#kernel.result[layout.RESULT_DONE] !== 0;
        this.#append(keys, bytes);
        if (need > 0) output = this.#output.reserve(need);
      }
    }
    this.#trim();
    return keys;
  }

  /** Returns whether a text matches one of Redis' glob patterns. Throws OUT_OF_MEMORY. */
  matches(pattern: Uint8Array, text: Uint8Array, ignoreCase = false): boolean {
    const at = this.#input.fill(pattern, text);
    const { exports } = this.#kernel;
    const found = exports.matches(at, pattern.length, at + pattern.length, text.length, ignoreCase ? 1 : 0);
    this.#input.trim();
    return found !== 0;
  }

  /** Returns some live key; undefined when there is none, or hardly any among many that have expired. */
  random(): Buffer | undefined {
    this.#updateTime();
    const at = this.#kernel.exports.randomKey() >>> 0;
    if (at === 0) return undefined;
    return Buffer.from(this.#kernel.bytes.subarray(at, at + this.#kernel.result[layout.RESULT_COUNT]!));
  }

  /**
   * Deletes up to `limit` keys, a primary with a Del for each; returns true when none is left. Throws
   * OUT_OF_MEMORY when keys are left and there is no memory for the Del of any.
   */
  deleteSome(limit: number): boolean {
    this.#updateTime();
    const { exports } = this.#kernel;
    const deleted = exports.deleteSome(Math.max(limit, 1));
    let left = 0;
    for (let shard = 0; shard < this.#shards; shard++) left += exports.keysIn(shard);
    if (deleted === 0 && left > 0) {
      const message = `There is no memory to emit the deletion of even one of the ${left} keys.`;
      throw new FastcacheError('OUT_OF_MEMORY', message);
    }
    return left === 0;
  }

  /** Adds the keys in the first `bytes` of output. */
  #append(keys: KeyList, bytes: number): void {
    const start = this.#output.address;
    keys.count += this.#kernel.result[layout.RESULT_COUNT]!;
    keys.parts.push(Buffer.from(this.#kernel.bytes.subarray(start, start + bytes)));
  }

  #trim(): void {
    this.#input.trim();
    this.#output.trim();
  }
}
