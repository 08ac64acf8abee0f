/**
 * The changes that a follower applies, one at a time and in order (docs/operations.md, "Taps"): records as
 * they came, and the content of a snapshot between its begin and its end.
 */
import type { DecodedRecord } from '../../frame/batch.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';

/** A record that was applied; a record that the replica skips makes no change. */
export type RecordChange = { readonly type: 'record' } & Readonly<Omit<DecodedRecord, 'offset'>>;

/**
 * A key of a snapshot. From a fastcache primary it may come twice, and records may come between entries: the
 * last one counts.
 */
export type EntryChange = { readonly type: 'entry' } & Readonly<Omit<DecodedSnapshotEntry, 'offset'>>;

/** New content follows. The content before it remains whole until `snapshot-end`. */
export interface SnapshotBegin {
  readonly type: 'snapshot-begin';
  /** Each shard's watermark; the records above it follow. */
  readonly watermarks: readonly bigint[];
}

/**
 * The content is whole: all changes since `snapshot-begin`, records included, replace what was there before.
 */
export interface SnapshotEnd {
  readonly type: 'snapshot-end';
  /** Each shard's watermark, at which the content is that of one moment. */
  readonly watermarks: readonly bigint[];
}

/**
 * The changes since `snapshot-begin` are void, because the connection ended. Records continue where they were
 * before it, or another snapshot begins.
 */
export interface SnapshotAbandoned {
  readonly type: 'snapshot-abandoned';
}

/** A change for a consumer; `type` says which one it is. */
export type Change = RecordChange | EntryChange | SnapshotBegin | SnapshotEnd | SnapshotAbandoned;

/**
 * Takes changes. An error that either method throws, or rejects with, stops the follower, with that error.
 */
export interface ChangeConsumer {
  /**
   * Takes a change. Keys and values are views: copy what is to outlive the call. The next change waits for a
   * promise, and while it does the primary is not read.
   */
  take(change: Change): Promise<void> | undefined;
  /**
   * Resolves when all that was taken is out, so that a state may be saved; absent: that is so as soon as
   * `take` is done.
   */
  flush?(): Promise<void>;
}

/** The change of a record; it shares the record's views. */
export function recordChange(record: DecodedRecord): RecordChange {
  const { shard, sequence, timestampMs, op, key, value, governance, expireAtMs, keyHash, keyTag } = record;
  return {
    type: 'record',
    shard,
    sequence,
    timestampMs,
    op,
    key,
    value,
    governance,
    expireAtMs,
    keyHash,
    keyTag,
  };
}

/** The change of an entry of a snapshot; it shares the entry's views. */
export function entryChange({ key, value, governance, expireAtMs }: DecodedSnapshotEntry): EntryChange {
  return { type: 'entry', key, value, governance, expireAtMs };
}
