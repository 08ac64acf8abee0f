/** Chooses frames, records and entries of a dump (docs/command-line.md, "frames decode"). */

import { Keyspace } from '../../engine/keyspace.js';
import { toolKernel } from '../../engine/tool-kernel.js';
import { FastcacheError } from '../../errors.js';
import type { DecodedRecord, MutationOp } from '../../frame/batch.js';
import type { FrameKindName } from '../../frame/kinds.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';
import { LARGEST_U64 } from '../../limits.js';

/** An item of a batch or a chunk. */
export type Item = DecodedRecord | DecodedSnapshotEntry;

/** Returns whether an item is a record of a batch, and not an entry of a snapshot. */
export function isRecord(item: Item): item is DecodedRecord {
  return 'sequence' in item;
}

/** The choice of frames and items. An option that is absent does not narrow; ranges include both ends. */
export interface FilterOptions {
  /** The first sequence. */
  start?: bigint | undefined;
  /** The last sequence. */
  end?: bigint | undefined;
  /** The first time, Unix ms. */
  sinceMs?: bigint | undefined;
  /** The last time, Unix ms. */
  untilMs?: bigint | undefined;
  shards?: readonly number[] | undefined;
  kinds?: readonly FrameKindName[] | undefined;
  ops?: readonly MutationOp[] | undefined;
  /** Glob patterns of Redis; a key that one of them matches is chosen. */
  keys?: readonly string[] | undefined;
}

/** Decides what is chosen. */
export class FrameFilter {
  /** Whether anything is chosen, by items or by kinds of frames. */
  readonly isChoice: boolean;
  /** Whether items are chosen one by one; then a frame is shown only for the sake of one of them. */
  readonly choosesItems: boolean;
  /** Whether records are chosen by what entries of snapshots do not have; then no entry is shown. */
  readonly recordsOnly: boolean;
  /** Whether any frame that may be shown holds items. */
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

  /** Throws `BAD_OPTION` for a filter that nothing can pass. */
  constructor(options: FilterOptions = {}) {
    const { start, end, sinceMs, untilMs, shards, kinds, ops, keys } = options;
    this.#start = start ?? 0n;
    this.#end = end ?? LARGEST_U64;
    this.#sinceMs = sinceMs ?? 0n;
    this.#untilMs = untilMs ?? LARGEST_U64;
    if (this.#start > this.#end) throw badOption('`start` is above `end`.');
    if (this.#sinceMs > this.#untilMs) throw badOption('`sinceMs` is later than `untilMs`.');
    this.#shards = shards && new Set(shards);
    this.#kinds = kinds && new Set(kinds);
    this.#ops = ops && new Set(ops);
    this.#keys = keys?.map((glob) => Buffer.from(glob));
    this.#matchesKey = this.#keys && keyMatcher(this.#keys);
    this.recordsOnly = [start, end, sinceMs, untilMs, shards, ops].some((option) => option !== undefined);
    this.choosesItems = this.recordsOnly || keys !== undefined;
    this.isChoice = this.choosesItems || kinds !== undefined;
    this.mayShowItems = this.showsKind('MutationBatch') || this.showsKind('SnapshotChunk');
    if (this.recordsOnly && !this.showsKind('MutationBatch')) {
      throw badOption(
        'Only MutationBatch frames hold records for `start`, `end`, `sinceMs`, `untilMs`, `shards` and ' +
          '`ops` to choose; add MutationBatch to `kinds`.',
      );
    }
    if (this.choosesItems && !this.mayShowItems) {
      throw badOption(
        'Only MutationBatch and SnapshotChunk frames hold keys for `keys` to choose; add one to `kinds`.',
      );
    }
  }

  /** The ranges of the records that are chosen; undefined: any are. */
  get ranges(): RecordRanges | undefined {
    const [start, end, sinceMs, untilMs] = [this.#start, this.#end, this.#sinceMs, this.#untilMs];
    const isRanged = start > 0n || end < LARGEST_U64 || sinceMs > 0n || untilMs < LARGEST_U64;
    return isRanged ? { start, end, sinceMs, untilMs } : undefined;
  }

  /** The choice of records and entries, for the kernel. */
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

  /** The kinds of frames that are chosen; undefined when all are. */
  get kinds(): FrameKindName[] | undefined {
    return this.#kinds && Array.from(this.#kinds);
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

/** Returns a matcher of globs. The kernel matches them, so that they mean here what they mean to KEYS. */
function keyMatcher(patterns: readonly Uint8Array[]): (key: Uint8Array) => boolean {
  const keyspace = new Keyspace(toolKernel(), 1, () => {});
  return (key) => patterns.some((pattern) => keyspace.matches(pattern, key));
}

function badOption(message: string): FastcacheError {
  return new FastcacheError('BAD_OPTION', message);
}

/** Sequences and times, Unix ms, each range with both of its ends. */
export interface RecordRanges {
  start: bigint;
  end: bigint;
  sinceMs: bigint;
  untilMs: bigint;
}

/**
 * The records and entries that are counted. A member that is undefined does not narrow; no list is empty;
 * ranges include both ends.
 */
export interface ItemFilter {
  start: bigint;
  end: bigint;
  /** The first time, Unix ms. */
  sinceMs: bigint;
  /** The last time, Unix ms. */
  untilMs: bigint;
  shards: readonly number[] | undefined;
  ops: readonly MutationOp[] | undefined;
  /** Glob patterns of Redis, as bytes; a key that one of them matches is counted. */
  keys: readonly Uint8Array[] | undefined;
  /** Whether records are chosen by what entries do not have. */
  recordsOnly: boolean;
}
