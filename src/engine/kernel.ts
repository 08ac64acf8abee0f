/**
 * One instance of the kernel (design.md, "The kernel"): the compiled WebAssembly, its exports with their types, and the
 * one place that hands out views on its memory, for they are detached whenever it grows.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';

/** Addresses and statuses are i32 by WebAssembly's types: read an address with `>>> 0`. Meanings: src/kernel/index.ts. */
export interface KernelExports {
  memory: { readonly buffer: ArrayBuffer };
  initialize(
    shards: number,
    route: number,
    seed: bigint,
    maxMemoryBytes: number,
    maxArgument: number,
    batchRecords: number,
    batchBytes: number,
  ): number;
  resultBlock(): number;
  allocate(bytes: number): number;
  release(buffer: number): void;
  setTime(wallMs: number, monotonicUs: number): void;
  setReplica(replica: number): void;
  setFrozen(frozen: number): void;
  setMode(mode: number): void;
  callsOf(command: number, end: number): number;
  execute(input: number, length: number, output: number, outputLength: number): number;
  apply(payload: number, bytes: number): number;
  pass(payload: number, bytes: number): number;
  loadEntries(entries: number, bytes: number, count: number, governed: number): number;
  checkEntries(entries: number, bytes: number, count: number, governed: number): number;
  verifyStart(): number;
  verifyRouting(shards: number, byPrefix: number): void;
  verifyRouted(): number;
  verifyRaise(shard: number, sequence: bigint): void;
  verifyForget(): void;
  verifyOpen(payload: number, bytes: number): number;
  verifyNext(checks: number): number;
  linesOfBatch(payload: number, bytes: number): number;
  linesOfEntries(payload: number, entries: number, bytes: number, count: number, governed: number): number;
  writeLines(output: number, capacity: number, offset: bigint, fixed: number, values: number): number;
  filterRanges(first: bigint, last: bigint, sinceMs: bigint, untilMs: bigint): void;
  filterLists(
    opBits: number,
    shards: number,
    shardsListed: number,
    globs: number,
    globsListed: number,
    recordsOnly: number,
  ): void;
  statsStart(seed: bigint): number;
  statsReach(shard: number, watermark: bigint): void;
  statsBatch(
    payload: number,
    bytes: number,
    offset: bigint,
    fixed: number,
    shown: number,
    limit: number,
  ): number;
  statsEntries(
    payload: number,
    entries: number,
    bytes: number,
    count: number,
    governed: number,
    offset: bigint,
    fixed: number,
    shown: number,
    limit: number,
  ): number;
  prefixes(): number;
  hotKeys(): number;
  biggestValues(): number;
  rateCounts(): number;
  rateShift(): number;
  rateFirst(): bigint;
  rateSpan(): number;
  scan(shard: number, cursor: bigint, output: number, capacity: number): number;
  listKeys(
    shard: number,
    cursor: bigint,
    output: number,
    capacity: number,
    pattern: number,
    patternBytes: number,
  ): number;
  scanKeys(
    cursor: bigint,
    count: number,
    pattern: number,
    patternBytes: number,
    output: number,
    capacity: number,
  ): number;
  matches(pattern: number, patternBytes: number, text: number, textBytes: number, ignoreCase: number): number;
  randomKey(): number;
  deleteSome(limit: number): number;
  watchKey(key: number, length: number): number;
  unwatchKey(key: number, length: number): void;
  changedSince(key: number, length: number, ticket: number): number;
  flushAll(): void;
  flushDue(maxDelayUs: number): number;
  get(key: number, length: number): number;
  look(key: number, length: number): number;
  expiryOfKey(key: number, length: number): bigint;
  put(key: number, keyBytes: number, value: number, valueBytes: number, expiresAtMs: bigint): number;
  removeKey(key: number, keyBytes: number): number;
  expireKey(key: number, keyBytes: number, expiresAtMs: bigint): number;
  limitMemory(maxBytes: number, policy: number, samples: number): void;
  makeRoom(): number;
  relieve(attempt: number): number;
  evictedCount(): number;
  touchKey(key: number, keyBytes: number): number;
  idleSecondsOf(key: number, keyBytes: number): number;
  recordBytesOf(key: number, keyBytes: number): number;
  copyKey(from: number, fromBytes: number, to: number, toBytes: number): number;
  overwrite(key: number, keyBytes: number, offset: number, part: number, partBytes: number): number;
  hasRoomFor(bytes: number): number;
  countBits(at: number, bytes: number): number;
  sweep(limit: number): number;
  compact(limit: number): number;
  xxh3(at: number, length: number): bigint;
  routeKey(key: number, length: number): number;
  watermark(shard: number): bigint;
  setWatermark(shard: number, sequence: bigint): void;
  keysIn(shard: number): number;
  expiringIn(shard: number): number;
  expiredCount(): number;
  keyspaceHits(): number;
  keyspaceMisses(): number;
  recordsEmitted(): number;
  memoryUsed(): number;
  memoryAllocated(): number;
  memoryAvailable(): number;
  memoryInRecords(): number;
  memoryInFreeBlocks(): number;
  memoryInTables(): number;
  memoryInFrames(): number;
}

/** What the kernel calls. Neither may call back into it. */
export interface KernelHost {
  seal(shard: number, payload: number, bytes: number, records: number, min: bigint, max: bigint): void;
  dirty(): void;
}

/** As much of the global `WebAssembly` as is used here; Node's types leave it out. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { host: KernelHost }) => { exports: unknown };
}
const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

let compiled: object | undefined;

function compileOnce(): object {
  // By the package's own name, so that the sources and the compiled files find the same kernel.
  const path = createRequire(import.meta.url).resolve('fastcache/kernel.wasm');
  compiled ??= new Module(readFileSync(path));
  return compiled;
}

export class Kernel {
  readonly exports: KernelExports;
  readonly #memory: KernelExports['memory'];
  readonly #resultAddress: number;
  #bytes: Buffer;
  #result: Uint32Array;

  constructor(host: KernelHost) {
    this.exports = new Instance(compileOnce(), { host }).exports as KernelExports;
    this.#memory = this.exports.memory;
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#resultAddress = this.exports.resultBlock() >>> 0;
    this.#result = new Uint32Array(this.#memory.buffer, this.#resultAddress, layout.RESULT_WORDS);
  }

  /** All of memory, valid until the next call into the kernel. */
  get bytes(): Buffer {
    if (this.#bytes.length === 0) this.#renewViews();
    return this.#bytes;
  }

  /** The result block's words (layout.ts), valid until the next call into the kernel. */
  get result(): Uint32Array {
    if (this.#result.length === 0) this.#renewViews();
    return this.#result;
  }

  /** Highest sequence of a shard. */
  watermark(shard: number): bigint {
    return BigInt.asUintN(64, this.exports.watermark(shard));
  }

  watermarks(shards: number): bigint[] {
    return Array.from({ length: shards }, (_, shard) => this.watermark(shard));
  }

  /** Of so many shards; those that the list does not reach are at 0. */
  setWatermarks(shards: number, watermarks: readonly bigint[]): void {
    for (let shard = 0; shard < shards; shard++) this.exports.setWatermark(shard, watermarks[shard] ?? 0n);
  }

  /** A u64 of the result block. */
  resultU64(word: number): bigint {
    const { result } = this;
    return (BigInt(result[word + 1]!) << 32n) | BigInt(result[word]!);
  }

  resultF64(word: number): number {
    return this.bytes.readDoubleLE(this.#resultAddress + word * 4);
  }

  /** A buffer in kernel memory. Throws OUT_OF_MEMORY. */
  allocate(bytes: number): number {
    const address = this.exports.allocate(bytes) >>> 0;
    if (address === 0) throw outOfMemory(bytes);
    return address;
  }

  #renewViews(): void {
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#result = new Uint32Array(this.#memory.buffer, this.#resultAddress, layout.RESULT_WORDS);
  }
}

export function outOfMemory(bytes: number): FastcacheError {
  return new FastcacheError('OUT_OF_MEMORY', `The store is full: ${bytes} bytes more can't be had.`);
}
