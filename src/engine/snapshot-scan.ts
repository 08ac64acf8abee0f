/**
 * A scan of all shards, one after the other and round after round, in the SnapshotChunk entry format. The
 * rules of its cursor are in kernel/table/scan.ts.
 */
import assert from 'node:assert';
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import { KernelBuffer } from './kernel-buffer.js';
import type { SnapshotScan, SnapshotStep } from './types.js';

/** One scan, with a buffer of its own in kernel memory until it is closed. */
export class StoreScan implements SnapshotScan {
  readonly #kernel: Kernel;
  readonly #shards: number;
  readonly #buffer: KernelBuffer;
  #shard = 0;
  #isClosed = false;
  #cursor = 0n;
  /**
   * The generation of the segment in which the cursor is, by which the kernel knows whether it has split
   * since.
   */
  #generation = 0n;
  /** Scans the `shards` shards of a kernel, which must be all of them. */
  constructor(kernel: Kernel, shards: number) {
    this.#kernel = kernel;
    this.#shards = shards;
    this.#buffer = new KernelBuffer(kernel, 0);
  }

  /**
   * The shard, and in it the cursor's prefix: a position within a segment means nothing once the segment has
   * split.
   */
  get place(): number {
    return (this.#shard % this.#shards) * 2 ** 32 + Number(this.#cursor >> 32n);
  }

  get share(): number {
    return this.place / (this.#shards * 2 ** 32);
  }

  next(maxBytes: number): SnapshotStep {
    assert(!this.#isClosed, 'A scan that is closed goes on.');
    const { exports } = this.#kernel;
    if (this.#shard === this.#shards) this.#shard = 0;
    let capacity = Math.max(maxBytes, this.#buffer.capacity);
    let written = 0;
    let entryCount = 0;
    while (this.#shard < this.#shards) {
      // The buffer grows for a single entry alone, and then nothing has been written yet.
      const start = this.#buffer.reserve(capacity) + written;
      written += exports.scan(this.#shard, this.#cursor, this.#generation, start, capacity - written) >>> 0;
      entryCount += this.#kernel.result[layout.RESULT_COUNT]!;
      this.#cursor = this.#kernel.resultU64(layout.RESULT_CURSOR_U64);
      this.#generation = this.#kernel.resultU64(layout.RESULT_GENERATION_U64);
      if (this.#kernel.result[layout.RESULT_DONE] !== 0) {
        this.#shard += 1;
        this.#cursor = 0n;
      } else if (entryCount > 0) break;
      // A single entry that is larger than a chunk has a chunk of its own.
      else capacity = this.#kernel.result[layout.RESULT_NEED]!;
    }
    const from = this.#buffer.address;
    const entries = Buffer.from(this.#kernel.bytes.subarray(from, from + written));
    if (this.#buffer.capacity > maxBytes) this.#buffer.free();
    return { entries, entryCount, done: this.#shard === this.#shards };
  }

  close(): void {
    this.#isClosed = true;
    this.#buffer.free();
  }
}
