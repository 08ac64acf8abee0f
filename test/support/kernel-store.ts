/**
 * The real store with the face that the tests of replication drive, so that each rule is held by the kernel
 * too.
 */

import { ShardEngine } from '../../src/engine/shard-engine.js';
import type { ApplyResult, OpenBatch, RecordPrint, SnapshotScan } from '../../src/engine/types.js';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { decodeSnapshotChunk, encodeSnapshotChunk } from '../../src/frame/snapshot.js';
import { MapStore, type MapStoreOptions, type TestStore } from './map-store.js';

export type TestStoreKind = 'map' | 'kernel';

export function makeTestStore(kind: TestStoreKind, options: MapStoreOptions, isReplica = false): TestStore {
  return kind === 'map' ? new MapStore(options) : new KernelStore(options, isReplica);
}

const MEMORY_BYTES = 64 * 1024 * 1024;
const VALUE_BYTES = 1024 * 1024;
const SCAN_BYTES = 1024 * 1024;

class KernelStore implements TestStore {
  readonly shards: number;
  openScans = 0;
  readonly #engine: ShardEngine;

  constructor(
    { shards, clock, immediate = false, maxRecords = 512, maxBytes = 1_048_576 }: MapStoreOptions,
    isReplica: boolean,
  ) {
    this.shards = shards;
    this.#engine = new ShardEngine({
      shards,
      clock,
      route: 'full-key',
      secret: 1n,
      batchMaxRecords: immediate ? 1 : maxRecords,
      batchMaxBytes: maxBytes,
      maxValueBytes: VALUE_BYTES,
      maxMemoryBytes: MEMORY_BYTES,
    });
    this.#engine.setReplica(isReplica);
  }

  get onBatch(): (batch: OpenBatch) => void {
    return this.#engine.onBatch;
  }
  set onBatch(onBatch: (batch: OpenBatch) => void) {
    this.#engine.onBatch = onBatch;
  }
  get onDirty(): () => void {
    return this.#engine.onDirty;
  }
  set onDirty(onDirty: () => void) {
    this.#engine.onDirty = onDirty;
  }

  set(key: string, value: string, expireAtMs: bigint | null = null): void {
    this.#engine.set(Buffer.from(key), Buffer.from(value), expireAtMs ?? NO_EXPIRY);
  }
  del(key: string): void {
    this.#engine.del(Buffer.from(key));
  }
  expire(key: string, expireAtMs: bigint | null): void {
    this.#engine.expire(Buffer.from(key), expireAtMs ?? NO_EXPIRY);
  }
  get(key: string): string | undefined {
    return this.#engine.get(Buffer.from(key))?.toString();
  }
  shardOf(key: string): number {
    return this.#engine.route(Buffer.from(key)).shard;
  }

  content(): string[] {
    return this.#lines().sort();
  }
  shardContent(shard: number): string[] {
    return this.#lines(shard).sort();
  }

  flush(): void {
    this.#engine.flush();
  }
  flushDue(maxDelayUs: number): number {
    return this.#engine.flushDue(maxDelayUs);
  }
  watermarks(): bigint[] {
    return this.#engine.watermarks();
  }
  watermark(shard: number): bigint {
    return this.#engine.watermark(shard);
  }
  setWatermarks(watermarks: readonly bigint[]): void {
    this.#engine.setWatermarks(watermarks);
  }
  apply(payload: Uint8Array): ApplyResult {
    return this.#engine.apply(payload);
  }
  loadChunk(payload: Uint8Array): number {
    return this.#engine.loadChunk(payload);
  }
  setReplica(isReplica: boolean): void {
    this.#engine.setReplica(isReplica);
  }
  lastRecord(): RecordPrint | undefined {
    return this.#engine.lastRecord();
  }
  hasRecord(payload: Uint8Array, record: RecordPrint): boolean {
    return this.#engine.hasRecord(payload, record);
  }
  keyCount(): number {
    return this.#engine.keyCount();
  }
  scan(): SnapshotScan {
    this.openScans += 1;
    const scan = this.#engine.scan();
    return {
      get place() {
        return scan.place;
      },
      get share() {
        return scan.share;
      },
      next: (maxBytes) => scan.next(maxBytes),
      close: () => {
        this.openScans -= 1;
        scan.close();
      },
    };
  }

  #lines(ofShard?: number): string[] {
    const lines: string[] = [];
    const scan = this.#engine.scan();
    for (let isDone = false; !isDone; ) {
      const { entries, entryCount, done } = scan.next(SCAN_BYTES);
      isDone = done;
      const chunk = encodeSnapshotChunk({ chunkIndex: 0n, last: done, watermarks: [], entryCount, entries });
      for (const { key, value, expireAtMs } of decodeSnapshotChunk(chunk).entries) {
        if (ofShard === undefined || this.#engine.route(key).shard === ofShard) {
          lines.push(`${key}=${value} @${expireAtMs}`);
        }
      }
    }
    scan.close();
    return lines;
  }
}
