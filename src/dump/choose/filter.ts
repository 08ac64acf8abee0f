/** Which frames, records and entries of a dump are shown: the filter flags of `frames decode` (cli.md). */

import { LARGEST_U64, UsageError } from '../../cli/command/values.js';
import { systemClock } from '../../clock.js';
import { ShardEngine } from '../../engine/shard-engine.js';
import type { DecodedRecord, MutationOp } from '../../frame/batch.js';
import type { FrameKindName } from '../../frame/kinds.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';
import { DEFAULT_BATCH_MAX_BYTES, DEFAULT_BATCH_MAX_RECORDS, DEFAULT_MAX_VALUE_BYTES } from '../../limits.js';

/** What a batch or a chunk holds. */
export type Item = DecodedRecord | DecodedSnapshotEntry;

export function isRecord(item: Item): item is DecodedRecord {
  return 'sequence' in item;
}

/** What is absent does not narrow. Ranges include both ends. */
export interface FilterOptions {
  start?: bigint | undefined;
  end?: bigint | undefined;
  /** Unix ms. */
  sinceMs?: bigint | undefined;
  untilMs?: bigint | undefined;
  shards?: readonly number[] | undefined;
  kinds?: readonly FrameKindName[] | undefined;
  ops?: readonly MutationOp[] | undefined;
  /** Redis' glob patterns; a key that one of them matches is shown. */
  keys?: readonly string[] | undefined;
}

export class FrameFilter {
  /** True: items are chosen one by one, and a frame is shown only for the sake of one of them. */
  readonly choosesItems: boolean;
  /** True: records are chosen by what snapshot entries do not have, and no entry is shown. */
  readonly recordsOnly: boolean;
  /** False: no frame that may be shown holds items. */
  readonly mayShowItems: boolean;
  readonly #start: bigint;
  readonly #end: bigint;
  readonly #sinceMs: bigint;
  readonly #untilMs: bigint;
  readonly #shards: ReadonlySet<number> | undefined;
  readonly #kinds: ReadonlySet<FrameKindName> | undefined;
  readonly #ops: ReadonlySet<MutationOp> | undefined;
  readonly #keys: readonly Uint8Array[] | undefined;
  readonly #matchesKey: ((key: Uint8Array) => boolean) | undefined;

  /** Throws a `UsageError` for what nothing can pass. */
  constructor(options: FilterOptions = {}) {
    const { start, end, sinceMs, untilMs, shards, kinds, ops, keys } = options;
    this.#start = start ?? 0n;
    this.#end = end ?? LARGEST_U64;
    this.#sinceMs = sinceMs ?? 0n;
    this.#untilMs = untilMs ?? LARGEST_U64;
    if (this.#start > this.#end) throw new UsageError('--start is above --end');
    if (this.#sinceMs > this.#untilMs) throw new UsageError('--since is later than --until');
    this.#shards = shards && new Set(shards);
    this.#kinds = kinds && new Set(kinds);
    this.#ops = ops && new Set(ops);
    this.#keys = keys?.map((glob) => Buffer.from(glob));
    this.#matchesKey = this.#keys && keyMatcher(this.#keys);
    this.recordsOnly = [start, end, sinceMs, untilMs, shards, ops].some((option) => option !== undefined);
    this.choosesItems = this.recordsOnly || keys !== undefined;
    this.mayShowItems = this.showsKind('MutationBatch') || this.showsKind('SnapshotChunk');
    if (this.recordsOnly && !this.showsKind('MutationBatch')) {
      throw new UsageError(
        'only MutationBatch frames hold records for --start, --end, --since, --until, --shard and --op to choose; add --kind MutationBatch',
      );
    }
    if (this.choosesItems && !this.mayShowItems) {
      throw new UsageError(
        'only MutationBatch and SnapshotChunk frames hold keys for --key to choose; add one to --kind',
      );
    }
  }

  /** What it says of records and entries, for the kernel. */
  get items(): ItemFilter {
    return {
      start: this.#start,
      end: this.#end,
      sinceMs: this.#sinceMs,
      untilMs: this.#untilMs,
      shards: this.#shards && Array.from(this.#shards),
      ops: this.#ops && Array.from(this.#ops),
      keys: this.#keys,
      recordsOnly: this.recordsOnly,
    };
  }

  showsKind(kind: FrameKindName): boolean {
    return this.#kinds === undefined || this.#kinds.has(kind);
  }

  showsItem(item: Item): boolean {
    if (!this.choosesItems) return true;
    if (isRecord(item) ? !this.#showsRecord(item) : this.recordsOnly) return false;
    return this.#matchesKey === undefined || this.#matchesKey(item.key);
  }

  #showsRecord({ shard, sequence, timestampMs, op }: DecodedRecord): boolean {
    return (
      (this.#shards === undefined || this.#shards.has(shard)) &&
      (this.#ops === undefined || this.#ops.has(op)) &&
      sequence >= this.#start &&
      sequence <= this.#end &&
      timestampMs >= this.#sinceMs &&
      timestampMs <= this.#untilMs
    );
  }
}

/** The kernel's globs, so that KEYS and `--key` mean the same. */
function keyMatcher(patterns: readonly Uint8Array[]): (key: Uint8Array) => boolean {
  const { keyspace } = new ShardEngine({
    shards: 1,
    route: 'full-key',
    seed: 0n,
    clock: systemClock,
    maxValueBytes: DEFAULT_MAX_VALUE_BYTES,
    batchMaxRecords: DEFAULT_BATCH_MAX_RECORDS,
    batchMaxBytes: DEFAULT_BATCH_MAX_BYTES,
  });
  return (key) => patterns.some((pattern) => keyspace.matches(pattern, key));
}

/** Which records and entries are counted. What is absent does not narrow, no list is empty; ranges include both ends. */
export interface ItemFilter {
  start: bigint;
  end: bigint;
  /** Unix ms. */
  sinceMs: bigint;
  untilMs: bigint;
  shards: readonly number[] | undefined;
  ops: readonly MutationOp[] | undefined;
  /** Redis' glob patterns, as bytes; a key that one of them matches is counted. */
  keys: readonly Uint8Array[] | undefined;
  /** Whether what entries do not have is chosen by. */
  recordsOnly: boolean;
}
