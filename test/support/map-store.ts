/**
 * A `ReplicatedStore` on plain `Map`s: the same contract as the kernel's, without its speed. The tests of
 * replication run on it, and it is the oracle that other stores are compared with.
 */
import { xxh3 } from '@node-rs/xxhash';
import type { Clock } from '../../src/clock.js';
import type {
  ApplyResult,
  OpenBatch,
  RecordPrint,
  ReplicatedStore,
  SnapshotScan,
  SnapshotStep,
} from '../../src/engine/types.js';
import { FastcacheError } from '../../src/errors.js';
import { decodeBatch, type MutationOp, type MutationRecord } from '../../src/frame/batch.js';
import { decodeSnapshotChunk, encodeSnapshotEntries, type SnapshotEntry } from '../../src/frame/snapshot.js';
import { BatchBuilder, type BatchRules } from '../../src/replication/stream/batch-builder.js';

interface Value {
  value: Buffer;
  expireAtMs: bigint | null;
}

export interface MapStoreOptions extends Partial<BatchRules> {
  shards: number;
  clock: Clock;
}

/** A store as the tests drive it: keys and values are text. */
export interface TestStore extends ReplicatedStore {
  set(key: string, value: string, expireAtMs?: bigint | null): void;
  del(key: string): void;
  expire(key: string, expireAtMs: bigint | null): void;
  get(key: string): string | undefined;
  shardOf(key: string): number;
  /** All keys and values with their expiry, sorted: equal exactly when the content is. */
  content(): string[];
  shardContent(shard: number): string[];
  /** Whether it takes writes: a replica's store does not. */
  setReplica(isReplica: boolean): void;
  /** Scans that were begun and not closed. */
  readonly openScans: number;
}

function encodeStep(step: SnapshotEntry[], done: boolean): SnapshotStep {
  return { entries: encodeSnapshotEntries(step), entryCount: step.length, done };
}

export class MapStore implements TestStore {
  readonly shards: number;
  onBatch: (batch: OpenBatch) => void = () => {};
  onDirty: () => void = () => {};
  openScans = 0;
  readonly #clock: Clock;
  readonly #maps: Map<string, Value>[];
  readonly #builders: BatchBuilder[];
  #watermarks: bigint[];
  readonly #last = new Map<number, RecordPrint>();
  #isDirty = false;
  #handsOut = false;

  constructor({ shards, clock, ...rules }: MapStoreOptions) {
    this.shards = shards;
    this.#clock = clock;
    this.#maps = Array.from({ length: shards }, () => new Map());
    this.#watermarks = new Array(shards).fill(0n);
    const defaults: BatchRules = { immediate: false, maxRecords: 512, maxBytes: 1_048_576, maxDelayUs: 750 };
    this.#builders = Array.from({ length: shards }, () => new BatchBuilder({ ...defaults, ...rules }, clock));
  }

  set(key: string, value: string, expireAtMs: bigint | null = null): void {
    this.#mutate('set', key, Buffer.from(value), expireAtMs);
  }

  del(key: string): void {
    this.#mutate('del', key, Buffer.alloc(0), null);
  }

  expire(key: string, expireAtMs: bigint | null): void {
    this.#mutate('expire', key, Buffer.alloc(0), expireAtMs);
  }

  get(key: string): string | undefined {
    return this.#maps[this.shardOf(key)]!.get(key)?.value.toString();
  }

  content(): string[] {
    return this.#maps.flatMap((_, shard) => this.shardContent(shard)).sort();
  }

  shardContent(shard: number): string[] {
    const lines: string[] = [];
    for (const [key, { value, expireAtMs }] of this.#maps[shard]!)
      lines.push(`${key}=${value} @${expireAtMs}`);
    return lines.sort();
  }

  shardOf(key: string): number {
    return this.#shardOfHash(xxh3.xxh64(key));
  }

  flush(): void {
    this.#refuseReentry();
    this.#isDirty = false;
    for (const builder of this.#builders) this.#emit(builder.flush());
  }

  flushDue(): number {
    this.#refuseReentry();
    let next = -1;
    for (const builder of this.#builders) {
      this.#emit(builder.flushDue());
      const dueInUs = builder.nextTimeoutUs();
      if (dueInUs !== undefined && (next < 0 || dueInUs < next)) next = dueInUs;
    }
    return next;
  }

  watermarks(): bigint[] {
    this.#refuseReentry();
    return this.#watermarks.slice();
  }

  watermark(shard: number): bigint {
    return this.#watermarks[shard]!;
  }

  setWatermarks(watermarks: readonly bigint[]): void {
    this.#watermarks = Array.from({ length: this.shards }, (_, shard) => watermarks[shard] ?? 0n);
  }

  apply(payload: Uint8Array): ApplyResult {
    const records = [...decodeBatch(payload).records];
    const watermarks = this.#watermarks.slice();
    let lastTimestampMs = 0;
    const fresh: MutationRecord[] = [];
    for (const record of records) {
      const { shard, sequence, timestampMs } = record;
      const watermark = watermarks[shard];
      if (watermark === undefined) {
        throw new FastcacheError('SHARD_OUT_OF_RANGE', `A record is of shard ${shard} of ${this.shards}.`);
      }
      lastTimestampMs = Math.max(lastTimestampMs, Number(timestampMs));
      if (sequence <= watermark) continue;
      if (sequence !== watermark + 1n) {
        throw new FastcacheError('SEQUENCE_GAP', `Shard ${shard} lacks sequence ${watermark + 1n}.`, {
          expected: watermark + 1n,
          found: sequence,
          shard,
        });
      }
      watermarks[shard] = sequence;
      fresh.push(record);
    }
    for (const { shard, op, key, value, expireAtMs } of fresh) {
      this.#change(shard, op, key.toString(), Buffer.from(value), expireAtMs);
    }
    this.#watermarks = watermarks;
    const last = fresh.at(-1);
    if (last !== undefined) this.#last.set(last.shard, printOf(last));
    return { applied: fresh.length, skipped: records.length - fresh.length, lastTimestampMs };
  }

  loadChunk(payload: Uint8Array): number {
    const { entries, entryCount } = decodeSnapshotChunk(payload);
    for (const { key, value, expireAtMs } of entries) {
      this.#maps[this.shardOf(key.toString())]!.set(key.toString(), {
        value: Buffer.from(value),
        expireAtMs,
      });
    }
    return entryCount;
  }

  scan(): SnapshotScan {
    this.#refuseReentry();
    this.openScans += 1;
    const store = this;
    let shard = 0;
    /** The hash of the last entry of that shard that was shown. */
    let cursor = -1n;
    return {
      get place() {
        return shard * 2 ** 32 + (cursor < 0n ? 0 : Number(cursor >> 32n));
      },
      get share() {
        return this.place / (store.shards * 2 ** 32);
      },
      next(maxBytes) {
        store.#refuseReentry();
        const step: SnapshotEntry[] = [];
        let bytes = 0;
        for (;;) {
          for (const { hash, entry } of store.#entriesBehind(shard, cursor)) {
            if (step.length > 0 && bytes >= maxBytes) return encodeStep(step, false);
            step.push(entry);
            bytes += 16 + entry.key.length + entry.value.length;
            cursor = hash;
          }
          cursor = -1n;
          shard = (shard + 1) % store.shards;
          if (shard === 0) return encodeStep(step, true);
        }
      },
      close: () => {
        this.#refuseReentry();
        this.openScans -= 1;
      },
    };
  }

  setReplica(): void {}

  lastRecord(): RecordPrint | undefined {
    const isLast = (_: bigint, shard: number) => this.#last.get(shard)?.sequence === this.#watermarks[shard];
    return this.#last.get(this.#watermarks.findIndex(isLast));
  }

  hasRecord(payload: Uint8Array, { shard, sequence, print }: RecordPrint): boolean {
    return Array.from(decodeBatch(payload).records, printOf).some(
      (own) => own.shard === shard && own.sequence === sequence && own.print === print,
    );
  }

  keyCount(): number {
    return this.#maps.reduce((sum, map) => sum + map.size, 0);
  }

  /** By hash: the place of a key that is there throughout never changes. */
  #entriesBehind(shard: number, cursor: bigint): { hash: bigint; entry: SnapshotEntry }[] {
    return [...this.#maps[shard]!]
      .map(([key, { value, expireAtMs }]) => ({
        hash: xxh3.xxh64(key),
        entry: { key: Buffer.from(key), value, expireAtMs },
      }))
      .filter(({ hash }) => hash > cursor)
      .sort((left, right) => (left.hash < right.hash ? -1 : 1));
  }

  #mutate(op: MutationOp, key: string, value: Buffer, expireAtMs: bigint | null): void {
    const keyHash = xxh3.xxh64(key);
    const shard = this.#shardOfHash(keyHash);
    const sequence = this.#watermarks[shard]! + 1n;
    this.#watermarks[shard] = sequence;
    this.#change(shard, op, key, value, expireAtMs);
    const timestampMs = BigInt(Math.trunc(this.#clock.nowMs()));
    const record = { shard, sequence, timestampMs, op, keyHash, expireAtMs, key: Buffer.from(key), value };
    const full = this.#builders[shard]!.push(record);
    if (full !== undefined) {
      this.#emit(full);
    } else if (!this.#isDirty) {
      this.#isDirty = true;
      this.onDirty();
    }
  }

  #change(shard: number, op: MutationOp, key: string, value: Buffer, expireAtMs: bigint | null): void {
    const map = this.#maps[shard]!;
    const isPast = expireAtMs !== null && expireAtMs <= BigInt(Math.trunc(this.#clock.nowMs()));
    if (op === 'del' || isPast) map.delete(key);
    else if (op === 'set') map.set(key, { value, expireAtMs });
    else {
      const held = map.get(key);
      if (held !== undefined) map.set(key, { value: held.value, expireAtMs });
    }
  }

  #emit(batch: OpenBatch | undefined): void {
    if (batch === undefined) return;
    this.#handsOut = true;
    this.onBatch(batch);
    this.#handsOut = false;
  }

  /** The kernel cannot be entered while it hands out a batch. */
  #refuseReentry(): void {
    if (this.#handsOut) throw new Error('the store was called back from onBatch');
  }

  #shardOfHash(keyHash: bigint): number {
    if (this.shards === 1) return 0;
    return Number(BigInt.asUintN(64, keyHash << 7n) >> BigInt(64 - Math.log2(this.shards)));
  }
}

function printOf({ shard, sequence, timestampMs, op, key, value }: MutationRecord): RecordPrint {
  return { shard, sequence, print: xxh3.xxh64(`${timestampMs} ${op} ${key} ${value}`) };
}
