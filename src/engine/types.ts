/** The shapes in which the engine and the rooms around it talk to each other. */

export type RouteMode = 'full-key' | 'session-prefix';

/** A sealed-to-be batch: the records that gathered in one shard's open frame. */
export interface OpenBatch {
  shard: number;
  /** MutationBatch payload (fcrp-v1.md, Payloads), a view of kernel memory: valid only during the call that hands it out. */
  payload: Uint8Array;
  records: number;
  minSequence: bigint;
  maxSequence: bigint;
}

/** What applying one payload did. */
export interface ApplyResult {
  applied: number;
  /** Records whose sequence was not above the shard's watermark. */
  skipped: number;
  /** Unix ms of the newest record in the payload. */
  lastTimestampMs: number;
}

/** One step of a snapshot scan. */
export interface SnapshotStep {
  /** `entryCount` entries in the SnapshotChunk entry format, own memory. */
  entries: Buffer;
  entryCount: number;
  /** True when every shard has been scanned to its end: the next step begins anew at the first. */
  done: boolean;
}

/** A scan of the whole store by cursor, round after round; writes may go on between steps. */
export interface SnapshotScan {
  /**
   * How far this round has come, 0 at its beginning: it has shown all keys whose places are below, perhaps some of this very
   * place, and none above. A key's place never changes, and is a safe integer.
   */
  readonly place: number;
  /** Scans on until about `maxBytes` of entries are there or the store's end; at least one entry when any is left. */
  next(maxBytes: number): SnapshotStep;
  close(): void;
}

/**
 * What replication needs of a store; `ShardEngine` is the real one. A primary's writes come out of `onBatch`;
 * a follower's payloads go in by `apply` and `loadChunk`.
 */
export interface ReplicatedStore {
  readonly shards: number;
  /** Called for each batch that is full, or that `flush` and `flushDue` seal. Must not call back into the store. */
  onBatch: (batch: OpenBatch) => void;
  /** Called when a record has been put into an open frame since the last `flush`; at most once per flush. */
  onDirty: () => void;
  /** Seals every open frame that has records. */
  flush(): void;
  /** Seals the open frames whose first record is `maxDelayUs` old; returns the µs until the next is due, or -1 when none waits. */
  flushDue(maxDelayUs: number): number;
  /** Highest sequence given out (primary) or applied (replica), per shard. */
  watermarks(): bigint[];
  /** One shard's; it must exist. */
  watermark(shard: number): bigint;
  setWatermarks(watermarks: readonly bigint[]): void;
  /**
   * Applies a MutationBatch payload whole or, when it is malformed, of an unknown shard or leaves a gap, not at all.
   * Throws FastcacheError (`FCRP_*`, `SEQUENCE_GAP`, `SHARD_OUT_OF_RANGE`, `OUT_OF_MEMORY`).
   */
  apply(payload: Uint8Array): ApplyResult;
  /** Loads the entries of a SnapshotChunk payload (all of it, header included); returns how many. Throws like `apply`. */
  loadChunk(payload: Uint8Array): number;
  scan(): SnapshotScan;
  keyCount(): number;
}
