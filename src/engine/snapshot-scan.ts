/**
 * A scan of all shards, one after the other and round after round, in the SnapshotChunk entry format (kernel/scan.ts has the
 * cursor's rules).
 */
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import { KernelBuffer } from './kernel-buffer.js';
import type { SnapshotScan, SnapshotStep } from './types.js';

export class StoreScan implements SnapshotScan {
  readonly #kernel: Kernel;
  readonly #shards: number;
  readonly #buffer: KernelBuffer;
  #shard = 0;
  #cursor = 0n;

  constructor(kernel: Kernel, shards: number) {
    this.#kernel = kernel;
    this.#shards = shards;
    this.#buffer = new KernelBuffer(kernel, 0);
  }

  /** The shard, and in it the cursor's prefix: where in a segment the scan stands tells nothing once that has split. */
  get place(): number {
    return (this.#shard % this.#shards) * 2 ** 32 + Number(this.#cursor >> 32n);
  }

  next(maxBytes: number): SnapshotStep {
    const { exports } = this.#kernel;
    if (this.#shard === this.#shards) this.#shard = 0;
    let capacity = Math.max(maxBytes, this.#buffer.capacity);
    let written = 0;
    let entryCount = 0;
    while (this.#shard < this.#shards) {
      const start = this.#buffer.reserve(capacity, written);
      written += exports.scan(this.#shard, this.#cursor, start + written, capacity - written) >>> 0;
      entryCount += this.#kernel.result[layout.RESULT_COUNT]!;
      this.#cursor = this.#kernel.resultU64(layout.RESULT_CURSOR_U64);
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
    this.#buffer.free();
  }
}
