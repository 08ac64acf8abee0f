/**
 * A follower's store that keeps no content, for taps (replication/outputs/tap.ts): it checks what comes as
 * strictly as `ShardEngine` does, with a kernel of its own, and keeps how far each shard has come.
 */
import assert from 'node:assert';
import { decodeSnapshotChunk } from '../frame/snapshot.js';
import * as layout from '../kernel/layout.js';
import { applyFault, applyResult } from './apply-fault.js';
import { Kernel } from './kernel.js';
import { KernelBuffer } from './kernel-buffer.js';
import { hasRecord, lastRecordOf } from './last-record.js';
import type { ApplyResult, RecordPrint, ReplicatedStore, SnapshotScan } from './types.js';

const BUFFER_BYTES = 1_048_576;

/** A store of shards without keys. `keyCount` is 0. */
export class WatermarkStore implements ReplicatedStore {
  readonly shards: number;
  /** The handler is never called: nothing is written here. */
  onBatch = () => {};
  onDirty = () => {};
  readonly #kernel = new Kernel({ seal() {}, dirty() {}, note() {}, changed() {} });
  readonly #buffer: KernelBuffer;

  /** Makes `shards` shards, a power of two up to 1024, with watermarks of 0. */
  constructor(shards: number) {
    this.shards = shards;
    this.#kernel.exports.initialize(shards, layout.ROUTE_FULL_KEY, 0n, 0n, 2 ** 32, 1, 1, 1);
    this.#buffer = new KernelBuffer(this.#kernel, BUFFER_BYTES);
  }

  watermarks(): bigint[] {
    return this.#kernel.watermarks(this.shards);
  }

  watermark(shard: number): bigint {
    assert(shard < this.shards, `There is no shard ${shard} of ${this.shards}.`);
    return this.#kernel.watermark(shard);
  }

  setWatermarks(watermarks: readonly bigint[]): void {
    this.#kernel.setWatermarks(this.shards, watermarks);
  }

  apply(payload: Uint8Array): ApplyResult {
    const address = this.#buffer.fill(payload);
    const status = this.#kernel.exports.pass(address, payload.length);
    this.#buffer.trim();
    return applyResult(this.#kernel, status);
  }

  loadChunk(payload: Uint8Array): number {
    const { entriesOffset, entryCount, governed } = decodeSnapshotChunk(payload);
    const entries = payload.subarray(entriesOffset);
    const address = this.#buffer.fill(entries);
    const status = this.#kernel.exports.checkEntries(address, entries.length, entryCount, governed ? 1 : 0);
    this.#buffer.trim();
    if (status !== layout.APPLY_OK) throw applyFault(this.#kernel, status).at(entriesOffset);
    return entryCount;
  }

  /** Remembers the last record of a shard, as another store knew it. */
  remember({ shard, sequence, print }: RecordPrint): void {
    assert(shard < this.shards, `There is no shard ${shard} of ${this.shards}.`);
    this.#kernel.exports.rememberPrint(shard, sequence, print);
  }

  lastRecord(): RecordPrint | undefined {
    return lastRecordOf(this.#kernel);
  }

  hasRecord(payload: Uint8Array, record: RecordPrint): boolean {
    return hasRecord(this.#kernel, this.#buffer, payload, record);
  }

  keyCount(): number {
    return 0;
  }

  flush(): void {}

  flushDue(): number {
    return -1;
  }

  scan(): SnapshotScan {
    return {
      place: 0,
      share: 0,
      next: () => ({ entries: Buffer.alloc(0), entryCount: 0, done: true }),
      close() {},
    };
  }
}
