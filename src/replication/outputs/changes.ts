/**
 * What a follower applies, one change at a time and in order (cli.md, `--changes`): records as they came, and the content
 * of a snapshot between its begin and its end.
 */
import type { DecodedRecord } from '../../frame/batch.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';

/** A record that was applied; those that a replica skips are none. */
export type RecordChange = { readonly type: 'record' } & Readonly<Omit<DecodedRecord, 'offset'>>;

/** A key of a snapshot. Between ours it may come twice, and records between entries: the last one counts. */
export type EntryChange = { readonly type: 'entry' } & Readonly<Omit<DecodedSnapshotEntry, 'offset'>>;

/** New content is to follow. What was there before is whole until `snapshot-end`. */
export interface SnapshotBegin {
  readonly type: 'snapshot-begin';
  /** Where each shard stands; records from there on come behind. */
  readonly watermarks: readonly bigint[];
}

/** All since `snapshot-begin`, records included, makes up the content, and replaces what was there before. */
export interface SnapshotEnd {
  readonly type: 'snapshot-end';
  readonly watermarks: readonly bigint[];
}

/** What came since `snapshot-begin` is void: the connection ended. Records go on where they stood, or all comes anew. */
export interface SnapshotAbandoned {
  readonly type: 'snapshot-abandoned';
}

export type Change = RecordChange | EntryChange | SnapshotBegin | SnapshotEnd | SnapshotAbandoned;

/** Whom changes are given to. What either method throws, or rejects with, ends the following, with that error. */
export interface ChangeConsumer {
  /**
   * Keys and values are views: copy what is to outlive the call. The next change waits for a promise, and while it does the
   * primary is not read.
   */
  take(change: Change): Promise<void> | undefined;
  /** Resolves when all that was taken is out, for who keeps a state of it; when absent, it is when `take` is through. */
  flush?(): Promise<void>;
}

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

export function entryChange({ key, value, governance, expireAtMs }: DecodedSnapshotEntry): EntryChange {
  return { type: 'entry', key, value, governance, expireAtMs };
}
