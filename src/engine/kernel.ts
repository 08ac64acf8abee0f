/**
 * One instance of the kernel (docs/architecture.md, "The kernel"): the compiled WebAssembly, its exports, and
 * the one place that hands out views on its memory, for they are detached whenever it grows.
 */
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';
import type { KernelExports, KernelHost } from './kernel-exports.js';

/** The imports of a module of the kernel, the debug build's `abort` included. */
interface KernelImports {
  host: KernelHost;
  env: { abort(message: number, file: number, line: number, column: number): void };
}

/** The part of the global `WebAssembly` that is used here; Node's types leave it out. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: KernelImports) => { exports: unknown };
}
const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

let compiled: object | undefined;

/**
 * Makes every kernel from now on an instance of the WebAssembly in `file`, in place of the package's own:
 * test suites choose the debug build (dist/kernel-debug.wasm), which asserts what it is given and what it
 * keeps.
 */
export function useKernelFile(file: string): void {
  compiled = new Module(readFileSync(file));
}

function compileOnce(): object {
  // The module is resolved by the package's own name, so that the sources and the compiled files find the
  // same kernel.
  compiled ??= new Module(readFileSync(createRequire(import.meta.url).resolve('fastcache/kernel.wasm')));
  return compiled;
}

/** A kernel instance with a memory of its own, of 8 MiB at first. */
export class Kernel {
  readonly exports: KernelExports;
  readonly #memory: KernelExports['memory'];
  readonly #resultAddress: number;
  #bytes: Buffer;
  #result: Uint32Array;

  /** Makes an instance that calls `host`. */
  constructor(host: KernelHost) {
    const env = { abort: this.#abort.bind(this) };
    this.exports = new Instance(compileOnce(), { host, env }).exports as KernelExports;
    this.#memory = this.exports.memory;
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#resultAddress = this.exports.resultBlock() >>> 0;
    this.#result = new Uint32Array(this.#memory.buffer, this.#resultAddress, layout.RESULT_WORDS);
  }

  /** All of the memory; the view is valid until the next call into the kernel. */
  get bytes(): Buffer {
    if (this.#bytes.length === 0) this.#renewViews();
    return this.#bytes;
  }

  /** The words of the result block (RESULT_*); the view is valid until the next call into the kernel. */
  get result(): Uint32Array {
    if (this.#result.length === 0) this.#renewViews();
    return this.#result;
  }

  /** Returns the highest sequence of a shard. */
  watermark(shard: number): bigint {
    // The kernel would read whatever lies behind its shards.
    assert(shard >= 0 && shard < layout.SHARDS_MAX, `There is no shard ${shard}.`);
    return BigInt.asUintN(64, this.exports.watermark(shard));
  }

  /** Returns the highest sequences of the first `shards` shards. */
  watermarks(shards: number): bigint[] {
    return Array.from({ length: shards }, (_, shard) => this.watermark(shard));
  }

  /** Sets the highest sequences of so many shards; those that the list does not reach are set to 0. */
  setWatermarks(shards: number, watermarks: readonly bigint[]): void {
    for (let shard = 0; shard < shards; shard++) this.exports.setWatermark(shard, watermarks[shard] ?? 0n);
  }

  /** Returns the u64 in two words of the result block. */
  resultU64(word: number): bigint {
    const { result } = this;
    return (BigInt(result[word + 1]!) << 32n) | BigInt(result[word]!);
  }

  /** Returns the f64 in two words of the result block. */
  resultF64(word: number): number {
    return this.bytes.readDoubleLE(this.#resultAddress + word * 4);
  }

  /**
   * Returns the address of a new buffer in kernel memory, which `exports.release` frees. Throws
   * OUT_OF_MEMORY.
   */
  allocate(bytes: number): number {
    const address = this.exports.allocate(bytes) >>> 0;
    if (address === 0) throw outOfMemory(bytes);
    return address;
  }

  /**
   * Asserts the invariants of all that the kernel keeps, in proportion to it; does nothing in a release
   * build.
   */
  invariants(): void {
    this.exports.invariants?.();
  }

  /**
   * Throws for an assertion of the debug build that has failed, of which the kernel names the place in its
   * sources.
   */
  #abort(message: number, file: number, line: number, column: number): never {
    const place = `${this.#text(file)}:${line}:${column}`;
    assert.fail(`The kernel's assertion at ${place} has failed: ${this.#text(message)}.`);
  }

  /** Returns a string of AssemblyScript: UTF-16, with its length in bytes before it. */
  #text(address: number): string {
    const start = address >>> 0;
    if (start === 0) return 'no message';
    return this.bytes.toString('utf16le', start, start + this.bytes.readUInt32LE(start - 4));
  }

  #renewViews(): void {
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#result = new Uint32Array(this.#memory.buffer, this.#resultAddress, layout.RESULT_WORDS);
  }
}

/** Makes the error of a store that has no memory for `bytes` more. */
export function outOfMemory(bytes: number): FastcacheError {
  return new FastcacheError('OUT_OF_MEMORY', `The store is full: ${bytes} bytes more cannot be had.`);
}
