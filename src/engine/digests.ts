/**
 * The digests of a store (docs/architecture.md, "Digests"): of each shard, kept with every change, and of
 * ranges of key hashes on demand. Kernel and formulas are in kernel/store/digest.ts. No method lets anything
 * of a kernel's memory out but copies.
 */
import assert from 'node:assert';
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import { KernelBuffer } from './kernel-buffer.js';
import { wasThere, written } from './writes.js';

/**
 * The content of a shard, or of a part of it, as two sums modulo 2^64 that do not depend on the order of
 * changes.
 */
export interface Digest {
  sum: bigint;
  second: bigint;
}

/** The digest of the entries whose key hashes lie in one part of a range. */
export interface PartDigest extends Digest {
  /** How many entries there are. */
  entries: bigint;
}

/**
 * Key hashes (XXH3-64) from `first` to `last`, both included, divided into parts of 2^`shift` hashes each.
 */
export interface HashRange {
  first: bigint;
  last: bigint;
  shift: number;
}

/** The content of an entry in short: equal contents of a key have equal prints and expiries. */
export interface EntryPrint {
  /** The print of key and value, whatever the expiry is. */
  print: bigint;
  /** Unix ms, or NO_EXPIRY. */
  expiresAtMs: bigint;
}

/** An entry of a range: its key, own memory, and the XXH3-64 of that. */
export interface ListedEntry extends EntryPrint {
  keyHash: bigint;
  key: Buffer;
}

/** Some of the parts that all key hashes are divided into, each of 2^`shift` hashes. */
export interface WantedParts {
  shift: number;
  /** A bit for each part. */
  wanted: Uint8Array;
}

/** A record whose content is not what was written. */
export interface DamagedRecord {
  shard: number;
  /** The key as it lies there, own memory. */
  key: Buffer;
}

/** One step of a check of the content. */
export interface ContentCheck {
  /** How many records were checked. */
  records: number;
  /** The record with which the step ended, because it is damaged. */
  damaged: DamagedRecord | undefined;
  /** Whether the step came to the end of the store; the next begins at the first record. */
  isDone: boolean;
}

/** The most parts into which a range is divided at once. */
export const DIGEST_PARTS_MAX = 65_536;

const MAX_U64 = (1n << 64n) - 1n;
const LIST_BYTES = 64 * 1024;
const INPUT_BYTES = 1024;

/** The digests of one store. */
export class Digests {
  /** Whether each shard's digest is kept with every change; ranges are digested from content otherwise. */
  readonly areKept: boolean;
  readonly #kernel: Kernel;
  readonly #shards: number;
  readonly #input: KernelBuffer;

  /** Must be made before the store has its first key. */
  constructor(kernel: Kernel, shards: number, areKept: boolean) {
    this.#kernel = kernel;
    this.#shards = shards;
    this.areKept = areKept;
    this.#input = new KernelBuffer(kernel, INPUT_BYTES);
    kernel.exports.keepDigests(areKept ? 1 : 0);
  }

  /** Returns the digest of a shard at its watermark; digests must be kept. */
  of(shard: number): Digest {
    assert(this.areKept, 'The store keeps no digests.');
    this.#checkShard(shard);
    this.#kernel.exports.digestShard(shard);
    return {
      sum: this.#kernel.resultU64(layout.RESULT_DIGEST_U64),
      second: this.#kernel.resultU64(layout.RESULT_SECOND_DIGEST_U64),
    };
  }

  /** Returns how many entries a shard has. */
  keysIn(shard: number): number {
    return this.#kernel.exports.keysIn(shard);
  }

  /**
   * Makes the digest of a shard from its content, in one call that takes as long as the shard is large: about
   * 0.1 us a key, and the hashing of all values.
   */
  fromContent(shard: number): PartDigest {
    const whole = { first: 0n, last: MAX_U64, shift: 63 };
    const parts = new RangeDigests(this.#kernel, shard, whole, true);
    while (!parts.step(Number.MAX_SAFE_INTEGER));
    const [low, high] = parts.take();
    return {
      sum: BigInt.asUintN(64, low!.sum + high!.sum),
      second: BigInt.asUintN(64, low!.second + high!.second),
      entries: low!.entries + high!.entries,
    };
  }

  /** Begins to digest a range of a shard; the caller steps on until it is done, and then takes the parts. */
  range(shard: number, range: HashRange): RangeDigests {
    this.#checkShard(shard);
    return new RangeDigests(this.#kernel, shard, range, false);
  }

  /**
   * Lists entries of a shard whose key hashes lie in the parts: about `limit` entries are looked at from
   * `cursor` on, which is 0 at first. Returns those that lie in the parts, in no order, and the next cursor,
   * 0 at the end. Entries that change between two steps are listed as they were at their step, and those of
   * keys of more than 32 KiB are not. Throws OUT_OF_MEMORY.
   */
  list(
    shard: number,
    { shift, wanted }: WantedParts,
    cursor: bigint,
    limit: number,
  ): { entries: ListedEntry[]; cursor: bigint } {
    this.#checkShard(shard);
    assert(shift >= 0 && shift < 64 && BigInt(wanted.length) << 3n >= 1n << BigInt(64 - shift));
    const buffer = new KernelBuffer(this.#kernel, LIST_BYTES);
    try {
      for (let capacity = LIST_BYTES; ; capacity = this.#kernel.result[layout.RESULT_NEED]!) {
        const parts = buffer.reserve(wanted.length + capacity);
        buffer.fill(wanted);
        const { exports } = this.#kernel;
        const at = parts + wanted.length;
        const bytes = exports.listParts(shard, cursor, shift, parts, at, capacity, limit) >>> 0;
        if (this.#kernel.result[layout.RESULT_NEED] !== 0) continue;
        const next = this.#kernel.resultU64(layout.RESULT_CURSOR_U64);
        return { entries: entriesIn(this.#kernel.bytes.subarray(at, at + bytes)), cursor: next };
      }
    } finally {
      buffer.free();
    }
  }

  /**
   * Returns what the store has of a key, past its expiry or not, in that shard, or in the one that the key
   * routes to; `entry` is undefined where there is none.
   */
  entry(
    key: Uint8Array,
    shard: number = layout.ROUTED_SHARD,
  ): { shard: number; entry: EntryPrint | undefined } {
    const at = this.#input.fill(key);
    const isThere = this.#kernel.exports.entryOf(shard, at, key.length) !== 0;
    this.#input.trim();
    const entry = isThere
      ? {
          print: this.#kernel.resultU64(layout.RESULT_DIGEST_U64),
          expiresAtMs: this.#kernel.resultU64(layout.RESULT_CURSOR_U64),
        }
      : undefined;
    return { shard: this.#kernel.result[layout.RESULT_SHARD]!, entry };
  }

  /**
   * Emits what a primary's shard has of a key once more, or its deletion where it has nothing. Throws
   * OUT_OF_MEMORY.
   */
  emitAgain(key: Uint8Array, shard: number): void {
    this.#checkShard(shard);
    const at = this.#input.fill(key);
    const emit = () => this.#kernel.exports.emitAgain(shard, at, key.length);
    const status = written(this.#kernel, emit);
    this.#input.trim();
    wasThere(status, key.length);
  }

  /**
   * Checks that about `records` records on are what was written, fewer when their values have about `bytes`
   * bytes; the checks go round the store. Finds nothing where digests are not kept.
   */
  check(records: number, bytes: number): ContentCheck {
    const at = this.#kernel.exports.checkContent(records, bytes) >>> 0;
    const { result } = this.#kernel;
    const checked = {
      records: result[layout.RESULT_COUNT]!,
      isDone: result[layout.RESULT_DONE] !== 0,
      damaged: undefined,
    };
    if (at === 0) return checked;
    const key = Buffer.from(this.#kernel.bytes.subarray(at, at + result[layout.RESULT_NEED]!));
    return { ...checked, damaged: { shard: result[layout.RESULT_SHARD]!, key } };
  }

  #checkShard(shard: number): void {
    assert(shard >= 0 && shard < this.#shards, `There is no shard ${shard} of ${this.#shards}.`);
  }
}

/** The digests of the parts of a range, made in steps between which writes go on. */
export class RangeDigests {
  readonly #kernel: Kernel;
  readonly #shard: number;
  readonly #range: HashRange;
  readonly #isFromContent: boolean;
  readonly #buffer: KernelBuffer;
  readonly #parts: number;
  #cursor = 0n;

  /** Takes memory for the parts until they are taken; see `Digests.range`. */
  constructor(kernel: Kernel, shard: number, range: HashRange, isFromContent: boolean) {
    const { first, last, shift } = range;
    assert(
      first >= 0n && first <= last && last <= MAX_U64 && shift >= 0 && shift < 64,
      'No range of hashes.',
    );
    const parts = ((last - first) >> BigInt(shift)) + 1n;
    assert(parts <= DIGEST_PARTS_MAX, `The range has ${parts} parts, which are too many.`);
    this.#kernel = kernel;
    this.#shard = shard;
    this.#range = range;
    this.#isFromContent = isFromContent;
    this.#parts = Number(parts);
    this.#buffer = new KernelBuffer(kernel, 0);
    const bytes = this.#parts * layout.DIGEST_PART_BYTES;
    const at = this.#buffer.reserve(bytes);
    kernel.bytes.fill(0, at, at + bytes);
  }

  /**
   * Looks at about `limit` entries more; returns whether the whole shard is done. Every key that is there
   * throughout is counted exactly once, as it was at its step.
   */
  step(limit: number): boolean {
    const { first, last, shift } = this.#range;
    this.#kernel.exports.digestRanges(
      this.#shard,
      this.#cursor,
      first,
      last,
      shift,
      this.#buffer.address,
      Math.min(limit, 0xffff_ffff),
      this.#isFromContent ? 1 : 0,
    );
    this.#cursor = this.#kernel.resultU64(layout.RESULT_CURSOR_U64);
    return this.#cursor === 0n;
  }

  /** Returns the digests of the parts, and frees the memory. */
  take(): PartDigest[] {
    const at = this.#buffer.address;
    const bytes = this.#kernel.bytes.subarray(at, at + this.#parts * layout.DIGEST_PART_BYTES);
    const parts = Array.from({ length: this.#parts }, (_, part) => ({
      sum: bytes.readBigUInt64LE(part * layout.DIGEST_PART_BYTES),
      second: bytes.readBigUInt64LE(part * layout.DIGEST_PART_BYTES + 8),
      entries: bytes.readBigUInt64LE(part * layout.DIGEST_PART_BYTES + 16),
    }));
    this.close();
    return parts;
  }

  /** Frees the memory of a range that is given up. */
  close(): void {
    this.#buffer.free();
  }
}

function entriesIn(bytes: Buffer): ListedEntry[] {
  const entries: ListedEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + layout.LISTED_HEADER_BYTES;
    const end = start + bytes.readUInt32LE(at + 24);
    entries.push({
      keyHash: bytes.readBigUInt64LE(at),
      print: bytes.readBigUInt64LE(at + 8),
      expiresAtMs: bytes.readBigUInt64LE(at + 16),
      key: Buffer.from(bytes.subarray(start, end)),
    });
    at = end;
  }
  return entries;
}
