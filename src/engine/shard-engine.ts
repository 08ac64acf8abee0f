/**
 * The sharded store (docs/architecture.md, "The kernel"): the TypeScript side of one kernel. All work for
 * each record happens in the kernel; a call passes a key, a payload, a batch or a chunk.
 */
import assert from 'node:assert';
import { FastcacheError } from '../errors.js';
import { NO_EXPIRY } from '../frame/batch.js';
import { decodeSnapshotChunk } from '../frame/snapshot.js';
import * as layout from '../kernel/layout.js';
import { SHARD_COUNTS } from '../limits.js';
import { applyFault, applyResult } from './apply-fault.js';
import { type Bytes, bytesAtMost } from './bytes.js';
import { type Digest, Digests } from './digests.js';
import { type EngineMemory, engineMemory } from './engine-memory.js';
import type { ShardEngineOptions } from './engine-options.js';
import { Kernel, outOfMemory } from './kernel.js';
import { KernelBuffer } from './kernel-buffer.js';
import type { KernelHost } from './kernel-exports.js';
import { KernelTime } from './kernel-time.js';
import { KeyUses } from './key-uses.js';
import { Keyspace } from './keyspace.js';
import { hasRecord, lastRecordOf } from './last-record.js';
import {
  countsUses,
  DEFAULT_EVICTION_SAMPLES,
  DEFAULT_USE_COUNTING,
  type MemoryLimit,
  policyCodes,
} from './memory-limit.js';
import { StoreScan } from './snapshot-scan.js';
import { StoreNotes } from './store-notes.js';
import { TrackedKeys } from './tracked-keys.js';
import type {
  ApplyResult,
  OpenBatch,
  RecordPrint,
  ReplicatedStore,
  RouteMode,
  SnapshotScan,
} from './types.js';
import { Values } from './values.js';
import { WatchedKeys } from './watched-keys.js';
import { checkLength, wasThere, written } from './writes.js';

const SCRATCH_BYTES = 64 * 1024;
const APPLY_BUFFER_BYTES = 1024 * 1024;

/**
 * One store, of a primary or a replica. Everything that reads or changes keys sets the kernel's time first,
 * and a key past its expiry is never seen.
 */
export class ShardEngine implements ReplicatedStore {
  readonly shards: number;
  readonly routing: RouteMode;
  /** The commands' input and output lie in the kernel's memory, where `resp/` reads and writes them. */
  readonly kernel: Kernel;
  onBatch: (batch: OpenBatch) => void = () => {};
  onDirty: () => void = () => {};
  /** The values, or parts of them, where they lie. */
  readonly values: Values;
  readonly #maxValueBytes: number;
  readonly #scratch: KernelBuffer;
  readonly #applyBuffer: KernelBuffer;
  readonly #time: KernelTime;
  #memoryLimit: MemoryLimit = { maxBytes: 0, policy: 'noeviction' };
  /** The value of `usedBytes` when there was no key. */
  readonly emptyBytes: number;
  /** All keys of the store: SCAN, KEYS, RANDOMKEY, FLUSHALL. */
  readonly keyspace: Keyspace;
  /** Notes of what happens to keys, for readers that ask for them. */
  readonly notes: StoreNotes;
  /** When and how often keys are used. */
  readonly uses: KeyUses;
  /** The keys that WATCH watches, and those that CLIENT TRACKING tracks. */
  readonly watches: WatchedKeys;
  readonly tracked: TrackedKeys;
  /** The contents of the shards, in a few bytes. */
  readonly digests: Digests;

  /** Makes an empty store of a primary. Throws BAD_OPTION when it cannot have so many shards. */
  constructor(options: ShardEngineOptions) {
    const { shards, route, secret, clock } = options;
    this.shards = shards;
    this.routing = route;
    this.#maxValueBytes = options.maxValueBytes;
    this.kernel = new Kernel(this.#host());
    const ready = this.kernel.exports.initialize(
      shards,
      route === 'session-prefix' ? layout.ROUTE_SESSION_PREFIX : layout.ROUTE_FULL_KEY,
      BigInt.asUintN(64, secret),
      BigInt.asUintN(64, secret >> 64n),
      options.maxMemoryBytes ?? 2 ** 32,
      options.maxValueBytes,
      options.batchMaxRecords,
      options.batchMaxBytes,
    );
    if (!ready) {
      throw new FastcacheError('BAD_OPTION', `The shards of a store are ${SHARD_COUNTS}.`, { found: shards });
    }
    this.digests = new Digests(this.kernel, shards, options.digests ?? true);
    this.#time = new KernelTime(this.kernel, clock);
    this.emptyBytes = this.usedBytes();
    this.#scratch = new KernelBuffer(this.kernel, SCRATCH_BYTES);
    this.values = new Values({
      kernel: this.kernel,
      scratch: this.#scratch,
      maxValueBytes: options.maxValueBytes,
      time: this.#time,
    });
    this.#applyBuffer = new KernelBuffer(this.kernel, APPLY_BUFFER_BYTES);
    this.keyspace = new Keyspace(this.kernel, shards, () => this.updateTime());
    this.notes = new StoreNotes(this.kernel, this.#scratch);
    this.uses = new KeyUses(this.kernel, this.#scratch, this.#time);
    this.watches = new WatchedKeys(this.kernel, this.#scratch, this.#time);
    this.tracked = new TrackedKeys(this.kernel, this.#scratch);
  }

  /** Makes this a replica's store, which hides what has expired and emits nothing, or a primary's. */
  setReplica(replica: boolean): void {
    this.kernel.exports.setReplica(replica ? 1 : 0);
    // A replica's content above the limit is evicted in steps once it is a primary.
    this.limitMemory(this.#memoryLimit);
  }

  /**
   * Freezes the store or ends that. While frozen, content changes only by writes: expired entries are hidden
   * and not deleted, nothing is evicted, and `makeRoom` returns true.
   */
  setFrozen(frozen: boolean): void {
    this.kernel.exports.setFrozen(frozen ? 1 : 0);
  }

  /** Sets the kernel's time, as every reader or writer of keys must first. */
  updateTime(): void {
    this.#time.update();
  }

  /** Returns the value of a live key, own memory; undefined when there is no such key. */
  get(key: Bytes): Buffer | undefined {
    return this.values.get(key);
  }

  /**
   * Returns whether there is surely room for `bytes` of keys and values, for commands that set all keys or
   * none.
   */
  hasRoomFor(bytes: number): boolean {
    const { exports } = this.kernel;
    const hasRoom = () => (exports.hasRoomFor(bytes) === 0 ? layout.WRITE_MEMORY : layout.WRITE_DONE);
    return written(this.kernel, hasRoom) === layout.WRITE_DONE;
  }

  /**
   * Sets a key; an `expireAtMs` (Unix ms) that is past deletes it. Throws OUT_OF_MEMORY, VALUE_OVER_LIMIT.
   */
  set(key: Bytes, value: Bytes, expireAtMs: bigint = NO_EXPIRY): void {
    // A text has as many bytes as units, or more: one that is too long is refused before it is copied.
    checkLength(Math.max(key.length, value.length), this.#maxValueBytes);
    const address = this.#scratch.reserve(bytesAtMost(key) + bytesAtMost(value));
    const keyLength = this.#scratch.put(key);
    const valueLength = this.#scratch.put(value, keyLength);
    const longest = Math.max(keyLength, valueLength);
    if (longest > this.#maxValueBytes) this.#scratch.trim();
    checkLength(longest, this.#maxValueBytes);
    this.updateTime();
    const status = written(this.kernel, () =>
      this.kernel.exports.put(address, keyLength, address + keyLength, valueLength, expireAtMs),
    );
    this.#scratch.trim();
    if (status === layout.WRITE_MEMORY) throw outOfMemory(keyLength + valueLength);
  }

  /**
   * Deletes a key; returns whether it was there. Throws OUT_OF_MEMORY when there is none to emit the
   * deletion.
   */
  del(key: Bytes): boolean {
    const length = this.#scratch.put(key);
    this.updateTime();
    return wasThere(this.kernel.exports.removeKey(this.#scratch.address, length), length);
  }

  /** Sets a key's expiry, Unix ms or NO_EXPIRY; returns whether the key was there. Throws OUT_OF_MEMORY. */
  expire(key: Bytes, expireAtMs: bigint): boolean {
    const length = this.#scratch.put(key);
    const { address } = this.#scratch;
    this.updateTime();
    const status = written(this.kernel, () => this.kernel.exports.expireKey(address, length, expireAtMs));
    return wasThere(status, length);
  }

  /** Returns when a live key expires, Unix ms or NO_EXPIRY; undefined when there is no such key. */
  expiryOf(key: Uint8Array): bigint | undefined {
    const address = this.#scratch.fill(key);
    this.updateTime();
    const expiry = BigInt.asUintN(64, this.kernel.exports.expiryOfKey(address, key.length));
    return expiry === 0n ? undefined : expiry;
  }

  /** Whether the policy counts uses, so that keys have a frequency and no idle time. */
  get countsUses(): boolean {
    return countsUses(this.#memoryLimit.policy);
  }

  /** Counts a read among the hits or the misses, and notes that it has missed `key`; returns `isFound`. */
  countRead(isFound: boolean, key?: Uint8Array): boolean {
    this.kernel.exports.countRead(isFound ? 1 : 0);
    if (!isFound && key !== undefined) this.notes.missed(key);
    return isFound;
  }

  /**
   * Returns the bytes of a live key's block and expiry, without its share of the table; undefined without the
   * key.
   */
  recordBytes(key: Uint8Array): number | undefined {
    const address = this.#scratch.fill(key);
    this.updateTime();
    const bytes = this.kernel.exports.recordBytesOf(address, key.length) >>> 0;
    return bytes === 0 ? undefined : bytes;
  }

  /** Returns the key's XXH3-64 and the shard that it routes to (docs/protocol.md, "Routing"). */
  route(key: Uint8Array): { hash: bigint; shard: number } {
    const address = this.#scratch.fill(key);
    const { exports } = this.kernel;
    const hash = BigInt.asUintN(64, exports.xxh3(address, key.length));
    return { hash, shard: exports.routeKey(address, key.length) };
  }

  flush(): void {
    this.kernel.exports.flushAll();
  }

  flushDue(maxDelayUs: number): number {
    this.updateTime();
    return this.kernel.exports.flushDue(maxDelayUs);
  }

  watermarks(): bigint[] {
    return this.kernel.watermarks(this.shards);
  }

  watermark(shard: number): bigint {
    assert(shard < this.shards, `There is no shard ${shard} of ${this.shards}.`);
    return this.kernel.watermark(shard);
  }

  digestOf(shard: number): Digest | undefined {
    return this.digests.areKept ? this.digests.of(shard) : undefined;
  }

  setWatermarks(watermarks: readonly bigint[]): void {
    this.kernel.setWatermarks(this.shards, watermarks);
  }

  apply(payload: Uint8Array): ApplyResult {
    const address = this.#applyBuffer.fill(payload);
    this.updateTime();
    const status = this.kernel.exports.apply(address, payload.length);
    this.#applyBuffer.trim();
    return applyResult(this.kernel, status);
  }

  lastRecord(): RecordPrint | undefined {
    return lastRecordOf(this.kernel);
  }

  hasRecord(payload: Uint8Array, record: RecordPrint): boolean {
    return hasRecord(this.kernel, this.#applyBuffer, payload, record);
  }

  loadChunk(payload: Uint8Array): number {
    const { entriesOffset, entryCount, governed } = decodeSnapshotChunk(payload);
    const entries = payload.subarray(entriesOffset);
    const address = this.#applyBuffer.fill(entries);
    this.updateTime();
    const status = this.kernel.exports.loadEntries(address, entries.length, entryCount, governed ? 1 : 0);
    this.#applyBuffer.trim();
    if (status !== layout.APPLY_OK) throw applyFault(this.kernel, status).at(entriesOffset);
    return entryCount;
  }

  expectContent(keys: number, bytes: number): void {
    this.kernel.exports.expectContent(keys, bytes);
  }

  scan(): SnapshotScan {
    return new StoreScan(this.kernel, this.shards);
  }

  keyCount(): number {
    let keys = 0;
    for (let shard = 0; shard < this.shards; shard++) keys += this.kernel.exports.keysIn(shard);
    return keys;
  }

  /** Returns how many keys have an expiry. */
  expiringKeyCount(): number {
    let keys = 0;
    for (let shard = 0; shard < this.shards; shard++) keys += this.kernel.exports.expiringIn(shard);
    return keys;
  }

  /** Returns the ms that keys with an expiry have left on the average, an estimate; 0 without such keys. */
  averageTtlMs(): number {
    this.updateTime();
    return Math.round(this.kernel.exports.averageTtlMs());
  }

  /** Returns the share of the keys with an expiry, 0 to 1, that are past it and still there, an estimate. */
  staleShare(): number {
    this.updateTime();
    return this.kernel.exports.staleKeys();
  }

  /** Deletes up to `limit` keys past their expiry, none while frozen; returns how many. */
  sweep(limit: number): number {
    this.updateTime();
    return this.kernel.exports.sweep(limit);
  }

  /**
   * Moves about `limit` records at most out of sparse slabs, so that these can serve any size; returns how
   * many.
   */
  compact(limit: number): number {
    return this.kernel.exports.compact(limit);
  }

  /**
   * Returns the bytes that a memory limit is compared with: records, tables and expiries, not what is free
   * between.
   */
  usedBytes(): number {
    return this.kernel.exports.memoryUsed();
  }

  /**
   * Sets the memory limit, at any time. Entries above it are then evicted in steps, as `makeRoom` is called.
   */
  limitMemory(limit: MemoryLimit): void {
    this.#memoryLimit = limit;
    const {
      maxBytes,
      policy,
      samples = DEFAULT_EVICTION_SAMPLES,
      useCounting = DEFAULT_USE_COUNTING,
    } = limit;
    const { logFactor, decayMinutes } = useCounting;
    this.kernel.exports.limitMemory(maxBytes, policyCodes[policy], samples, logFactor, decayMinutes);
  }

  /**
   * Evicts as the policy says when content is above the limit, which must come before anything that may make
   * content grow. Returns false when content is still above the limit and nothing more can be evicted: then
   * nothing may grow. A replica evicts nothing, nor does a store that is frozen.
   */
  makeRoom(): boolean {
    this.updateTime();
    return this.kernel.exports.makeRoom() !== 0;
  }

  /** Returns how many keys have been evicted since the start. */
  evictedCount(): number {
    return this.kernel.exports.evictedCount();
  }

  /** Returns what the memory is used for. */
  memory(): EngineMemory {
    return engineMemory(this.kernel);
  }

  #host(): KernelHost {
    return {
      seal: (shard, payload, bytes, records, min, max) => {
        const start = payload >>> 0;
        this.onBatch({
          shard,
          payload: this.kernel.bytes.subarray(start, start + bytes),
          records,
          minSequence: BigInt.asUintN(64, min),
          maxSequence: BigInt.asUintN(64, max),
        });
      },
      dirty: () => this.onDirty(),
      note: (what, command, key, bytes) => this.notes.noted(what, command, key >>> 0, bytes),
      changed: () => this.tracked.onChange(),
    };
  }
}
