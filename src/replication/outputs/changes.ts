/**
 * What a follower applies, one change at a time and in order (docs/operations.md, "Taps"): records as they
 * came, and the content of a snapshot between its begin and its end.
 */
import type { DecodedRecord } from '../../frame/batch.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';

/** A record that was applied; one that the replica skips makes no change. */
export type RecordChange = { readonly type: 'record' } & Readonly<Omit<DecodedRecord, 'offset'>>;

/**
 * A key of a snapshot. From a primary of ours it may come twice, and records between entries: the last one
 * counts.
 */
export type EntryChange = { readonly type: 'entry' } & Readonly<Omit<DecodedSnapshotEntry, 'offset'>>;

/** New content is to follow. What was there before is whole until `snapshot-end`. */
export interface SnapshotBegin {
  readonly type: 'snapshot-begin';
  /** Each shard's; the records above them follow. */
  readonly watermarks: readonly bigint[];
}

/** All since `snapshot-begin`, records included, makes up the content, and replaces what was there before. */
export interface SnapshotEnd {
  readonly type: 'snapshot-end';
  /** Each shard's, at which the content is of one moment. */
  readonly watermarks: readonly bigint[];
}

/**
 * What came since `snapshot-begin` is void, because the connection ended. Records continue where they were
 * before it, or another snapshot begins.
 */
export interface SnapshotAbandoned {
  readonly type: 'snapshot-abandoned';
}

/** What a consumer is given; `type` says which one it is. */
export type Change = RecordChange | EntryChange | SnapshotBegin | SnapshotEnd | SnapshotAbandoned;

/** Takes changes. What either method throws, or rejects with, stops the follower, with that error. */
export interface ChangeConsumer {
  /**
   * Keys and values are views: copy what is to outlive the call. The next change waits for a promise, and
   * while it does the primary is not read.
   */
  take(change: Change): Promise<void> | undefined;
  /**
   * Resolves when all that was taken is out, so that a state may be saved; absent: that is so as soon as
   * `take` is done.
   */
  flush?(): Promise<void>;
}

/** The change that a record is; it shares the record's views. */
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

/** The change that an entry of a snapshot is; it shares the entry's views. */
export function entryChange({ key, value, governance, expireAtMs }: DecodedSnapshotEntry): EntryChange {
  return { type: 'entry', key, value, governance, expireAtMs };
}
