/**
 * Counts what the batches and chunks of a dump hold, with a kernel of its own (src/kernel/dump/stats.ts): all
 * per-record work happens inside, in memory of one size whatever the dump holds.
 */

import { outOfMemory } from '../../engine/kernel.js';
import { KernelBuffer } from '../../engine/kernel-buffer.js';
import { toolKernel } from '../../engine/tool-kernel.js';
import type { MutationOp } from '../../frame/batch.js';
import * as layout from '../../kernel/layout.js';
import { MAX_SHARDS } from '../../limits.js';
import type { ItemFilter } from '../choose/filter.js';
import type { PayloadPlace } from '../json-lines.js';

const PAYLOAD_BYTES = 1_048_576;
const ops = ['set', 'del', 'expire'] as const;

/** The records with one operation, and their bytes, encoded and not compressed. */
export interface OpCounts {
  op: MutationOp;
  records: number;
  bytes: number;
}

/** The times of the earliest and the latest record, Unix ms. */
export interface TimeRange {
  firstMs: bigint;
  lastMs: bigint;
}

/** A number of records and entries, and their bytes, encoded and not compressed. */
export interface Totals {
  items: number;
  bytes: number;
}

/** A key, or the beginning of one, that comes often. */
export interface FrequentKey {
  /** At most 80 bytes of it. */
  key: Buffer;
  keyBytes: number;
  count: number;
  /** The most by which the count is too high; when it is not 0, some bytes may be missing too. */
  countError: number;
  bytes: number;
}

/** A key whose value is among the biggest. */
export interface BigValue {
  /** At most 80 bytes of it. */
  key: Buffer;
  keyBytes: number;
  valueBytes: number;
  /** The byte offset in the dump; the frame's own where the frame is compressed. */
  offset: number;
}

/** The counts of one shard. */
export interface ShardCounts {
  shard: number;
  records: number;
  bytes: number;
  /** The lowest sequence; `lastSequence` is the highest. */
  firstSequence: bigint;
  lastSequence: bigint;
  gaps: number;
  /**
   * The sequences missing in all gaps together. A dump with false snapshots may come to more than a u64
   * holds, and is counted as the greatest u64.
   */
  missingSequences: bigint;
  /** The number of times that a sequence came that was not above the one before. */
  stepsBack: number;
}

/** How many of what was counted are how big, or last how long: the buckets that are not empty, rising. */
export type Distribution = DistributionBucket[];

/** One bucket: the first is of 0 alone, each other from a power of two to below the next one. */
export interface DistributionBucket {
  /** The least that is in it; bytes, or ms. */
  from: bigint;
  count: number;
}

/** The sizes of keys and values, and the lives of keys. */
export interface Distributions {
  /** Bytes of the keys of all records and entries. */
  keyBytes: Distribution;
  /** Bytes of the values of Set records and entries. */
  valueBytes: Distribution;
  /** Milliseconds from the time of a Set or Expire record to the expiry that it sets; entries have none. */
  lifeMs: Distribution;
  /** Set and Expire records without an expiry. */
  withoutExpiry: number;
}

/** Records over time: `counts[0]` from `startMs` on, each over `bucketMs`, a power of two. */
export interface RateOverTime {
  startMs: bigint;
  bucketMs: bigint;
  counts: number[];
}

/** The result of counting a payload. */
export interface Counted {
  items: number;
  /** Whether the payload is sound; false when what follows the counted items is malformed. */
  isSound: boolean;
}

/** Counts one dump at a time. */
export class DumpCounter {
  readonly #kernel = toolKernel();
  readonly #payload = new KernelBuffer(this.#kernel, PAYLOAD_BYTES);
  readonly #secret: bigint;
  #block = 0;

  /** Hashes keys under `secret`, of 128 bits, as `drawSecret` makes one. Throws OUT_OF_MEMORY. */
  constructor(secret: bigint, filter: ItemFilter) {
    this.#secret = secret;
    this.#setFilter(filter);
    this.reset();
  }

  /** Begins another dump: nothing is counted yet. */
  reset(): void {
    const low = BigInt.asUintN(64, this.#secret);
    const high = BigInt.asUintN(64, this.#secret >> 64n);
    this.#block = this.#kernel.exports.statsStart(low, high) >>> 0;
    if (this.#block === 0) throw outOfMemory(layout.STATS_BYTES + 2 * layout.SKETCH_BYTES);
  }

  /**
   * Sets the position of each shard from a snapshot's watermarks; 0 may be a shard that nothing was written
   * to.
   */
  reach(watermarks: ArrayLike<bigint>): void {
    for (let shard = 0; shard < MAX_SHARDS; shard++) this.reachShard(shard, watermarks[shard] ?? 0n);
  }

  /** Sets the position of one shard, as `reach` does. */
  reachShard(shard: number, sequence: bigint): void {
    this.#kernel.exports.statsReach(shard, sequence);
  }

  /** Takes a MutationBatch payload, and counts its records, `limit` at most, when they are `shown`. */
  batch(payload: Uint8Array, { offset, fixed }: PayloadPlace, shown: boolean, limit: number): Counted {
    const isSound = this.#kernel.exports.statsBatch(
      this.#fill(payload),
      payload.length,
      BigInt(offset),
      fixed ? 1 : 0,
      shown ? 1 : 0,
      Math.min(limit, 0xffff_ffff),
    );
    return { items: this.#kernel.result[layout.RESULT_COUNT]!, isSound: isSound !== 0 };
  }

  /** Takes a SnapshotChunk payload, and counts its entries, `limit` at most, when they are `shown`. */
  chunk(
    payload: Uint8Array,
    entries: { entriesOffset: number; entryCount: number; governed: boolean },
    { offset, fixed }: PayloadPlace,
    shown: boolean,
    limit: number,
  ): Counted {
    const address = this.#fill(payload);
    const isSound = this.#kernel.exports.statsEntries(
      address,
      address + entries.entriesOffset,
      payload.length - entries.entriesOffset,
      entries.entryCount,
      entries.governed ? 1 : 0,
      BigInt(offset),
      fixed ? 1 : 0,
      shown ? 1 : 0,
      Math.min(limit, 0xffff_ffff),
    );
    return { items: this.#kernel.result[layout.RESULT_COUNT]!, isSound: isSound !== 0 };
  }

  get records(): number {
    return this.#count(this.#block + layout.STATS_RECORDS);
  }

  /** Records of shards from `MAX_SHARDS` on. */
  get recordsOutOfRange(): number {
    return this.#count(this.#block + layout.STATS_OUT_OF_RANGE);
  }

  /** Unix ms of the earliest and the latest record; undefined while there is none. */
  get times(): TimeRange | undefined {
    if (this.records === 0) return undefined;
    const firstMs = this.#u64(this.#block + layout.STATS_FIRST_TIME);
    return { firstMs, lastMs: this.#u64(this.#block + layout.STATS_LAST_TIME) };
  }

  /** Returns the operations that occurred, with their records and bytes. */
  ops(): OpCounts[] {
    return ops.flatMap((op, index) => {
      const { items, bytes } = this.#totals(this.#block + layout.STATS_OPS + index * 16);
      return items === 0 ? [] : [{ op, records: items, bytes }];
    });
  }

  /** Returns the counts of the shards that had records, by rising number. */
  shards(): ShardCounts[] {
    const counts: ShardCounts[] = [];
    for (let shard = 0; shard < MAX_SHARDS; shard++) {
      const at = this.#block + layout.STATS_SHARDS + shard * layout.STATS_SHARD_BYTES;
      const records = this.#count(at + layout.STATS_SHARD_RECORDS);
      if (records === 0) continue;
      counts.push({
        shard,
        records,
        bytes: this.#count(at + layout.STATS_SHARD_TOTAL),
        firstSequence: this.#u64(at + layout.STATS_SHARD_FIRST),
        lastSequence: this.#u64(at + layout.STATS_SHARD_LAST),
        gaps: this.#count(at + layout.STATS_SHARD_GAPS),
        missingSequences: this.#u64(at + layout.STATS_SHARD_MISSING),
        stepsBack: this.#count(at + layout.STATS_SHARD_BACK),
      });
    }
    return counts;
  }

  /** Returns the prefixes of keys, up to and with their first colon, the most frequent first. */
  prefixes(): FrequentKey[] {
    return this.#frequent(this.#kernel.exports.prefixes() >>> 0);
  }

  /** Records and entries whose key has no colon, or none among its first 80 bytes. */
  get withoutPrefix(): Totals {
    return this.#totals(this.#block + layout.STATS_NO_PREFIX);
  }

  /** Returns how big keys and values are, and how long keys live. */
  distributions(): Distributions {
    return {
      keyBytes: this.#distribution(layout.STATS_KEY_SIZES),
      valueBytes: this.#distribution(layout.STATS_VALUE_SIZES),
      lifeMs: this.#distribution(layout.STATS_LIVES),
      withoutExpiry: this.#count(this.#block + layout.STATS_ENDLESS),
    };
  }

  /** Returns the keys of records, the most frequent first. */
  hotKeys(): FrequentKey[] {
    return this.#frequent(this.#kernel.exports.hotKeys() >>> 0);
  }

  /** Returns the keys with the ten biggest values, the biggest first. */
  biggestValues(): BigValue[] {
    const start = this.#kernel.exports.biggestValues() >>> 0;
    const { bytes } = this.#kernel;
    const values: BigValue[] = [];
    for (let index = 0; index < layout.BIGGEST_VALUES; index++) {
      const at = start + index * layout.BIGGEST_ENTRY_BYTES;
      const valueBytes = bytes.readUInt32LE(at + layout.BIGGEST_VALUE_BYTES);
      if (valueBytes === 0) continue;
      const keyBytes = bytes.readUInt32LE(at + layout.BIGGEST_KEY_BYTES);
      const key = this.#key(at + layout.BIGGEST_KEY, keyBytes);
      values.push({ key, keyBytes, valueBytes, offset: this.#count(at + layout.BIGGEST_OFFSET) });
    }
    return values.sort((a, b) => b.valueBytes - a.valueBytes || a.offset - b.offset);
  }

  /** Returns the records over time; undefined while there is no record. */
  rate(): RateOverTime | undefined {
    const { exports } = this.#kernel;
    const span = exports.rateSpan();
    if (span === 0) return undefined;
    const shift = BigInt(exports.rateShift());
    const first = BigInt.asUintN(64, exports.rateFirst());
    const ring = exports.rateCounts() >>> 0;
    const slot = (bucket: number) => Number((first + BigInt(bucket)) % BigInt(layout.RATE_BUCKETS));
    const counts = Array.from({ length: span }, (_, bucket) => this.#count(ring + slot(bucket) * 8));
    return { startMs: first << shift, bucketMs: 1n << shift, counts };
  }

  #frequent(sketch: number): FrequentKey[] {
    const { bytes } = this.#kernel;
    const count = bytes.readUInt32LE(sketch);
    const keys = Array.from({ length: count }, (_, index) => {
      const at = sketch + layout.SKETCH_ITEMS_AT + (index + 1) * layout.SKETCH_ITEM_BYTES;
      const group = bytes.readUInt32LE(at + layout.SKETCH_GROUP);
      const keyBytes = bytes.readUInt32LE(at + layout.SKETCH_KEY_BYTES);
      return {
        key: this.#key(at + layout.SKETCH_KEY, keyBytes),
        keyBytes,
        count: this.#count(sketch + layout.SKETCH_GROUPS_AT + group * layout.SKETCH_GROUP_BYTES),
        countError: this.#count(at + layout.SKETCH_KEY_ERROR),
        bytes: this.#count(at + layout.SKETCH_KEY_TOTAL),
      };
    });
    return keys.sort((a, b) => b.count - a.count || b.bytes - a.bytes || Buffer.compare(a.key, b.key));
  }

  #distribution(at: number): Distribution {
    return Array.from({ length: layout.STATS_BUCKETS }, (_, bucket) => ({
      from: bucket === 0 ? 0n : 1n << BigInt(bucket - 1),
      count: this.#count(this.#block + at + bucket * 8),
    })).filter(({ count }) => count > 0);
  }

  #totals(at: number): Totals {
    return { items: this.#count(at), bytes: this.#count(at + 8) };
  }

  /** Returns a copy of the key at `at`, cut to the bytes that the kernel keeps. */
  #key(at: number, keyBytes: number): Buffer {
    const kept = Math.min(keyBytes, layout.SKETCH_KEY_BYTES_MAX);
    return Buffer.from(this.#kernel.bytes.subarray(at, at + kept));
  }

  #count(at: number): number {
    return Number(this.#u64(at));
  }

  #u64(at: number): bigint {
    return this.#kernel.bytes.readBigUInt64LE(at);
  }

  #setFilter({ start, end, sinceMs, untilMs, shards, ops: chosen, keys, recordsOnly }: ItemFilter): void {
    const { exports } = this.#kernel;
    exports.filterRanges(start, end, sinceMs, untilMs);
    const opBits = (chosen ?? ops).reduce((bits, op) => bits | (1 << (ops.indexOf(op) + 1)), 0);
    const shardList = this.#keep(Buffer.from(Uint32Array.from(shards ?? []).buffer));
    const globs = (keys ?? []).flatMap((glob) => [u32(glob.length), glob]);
    exports.filterLists(
      opBits,
      shardList,
      shards?.length ?? 0,
      this.#keep(Buffer.concat(globs)),
      keys?.length ?? 0,
      recordsOnly ? 1 : 0,
    );
  }

  /** Copies bytes into kernel memory for good; returns their address, 0 for no bytes. */
  #keep(bytes: Buffer): number {
    if (bytes.length === 0) return 0;
    const address = this.#kernel.allocate(bytes.length + layout.INPUT_SLACK_BYTES);
    this.#kernel.bytes.set(bytes, address);
    return address;
  }

  #fill(payload: Uint8Array): number {
    this.#payload.trim();
    return this.#payload.fill(payload);
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
