/** The shapes that the engine and its users exchange. */

import type { Digest } from './digests.js';

/**
 * The part of a key that routes it: all of it, or of a session's chunk what is before `:c:`
 * (docs/protocol.md, "Routing").
 */
export type RouteMode = 'full-key' | 'session-prefix';

/** A batch at the moment it is sealed: the records of one shard's open frame. */
export interface OpenBatch {
  shard: number;
  /**
   * A MutationBatch payload (docs/protocol.md, "MutationBatch"), which may be a view of kernel memory: it is
   * valid only during the call of `onBatch`.
   */
  payload: Uint8Array;
  /** How many records it has, one at least. */
  records: number;
  minSequence: bigint;
  maxSequence: bigint;
}

/** The outcome of applying one payload. */
export interface ApplyResult {
  /** How many records changed the store or raised its watermarks. */
  applied: number;
  /** How many records had a sequence that was not above their shard's watermark. */
  skipped: number;
  /** The time of the newest record in the payload, Unix ms. */
  lastTimestampMs: number;
}

/** One record as it is known again. */
export interface RecordPrint {
  shard: number;
  sequence: bigint;
  /** The XXH3-64 of the record's first 4,096 bytes: its time, key hash, expiry and lengths are among them. */
  print: bigint;
}

/** One step of a snapshot scan. */
export interface SnapshotStep {
  /** `entryCount` entries in the SnapshotChunk entry format, own memory. */
  entries: Buffer;
  entryCount: number;
  /** True when every shard has been scanned to its end; the next step begins again at the first. */
  done: boolean;
}

/** A scan of the whole store by cursor, round after round; writes may continue between steps. */
export interface SnapshotScan {
  /**
   * How far this round has come, 0 at its beginning: it has given all keys whose places are below, perhaps
   * some of this very place, and none above. A key's place never changes, and is a safe integer.
   */
  readonly place: number;
  /** How much of this round has been given, 0 to 1. */
  readonly share: number;
  /**
   * Scans on until there are about `maxBytes` of entries, or to the store's end; returns an entry when any is
   * left.
   */
  next(maxBytes: number): SnapshotStep;
  /** Ends the scan and frees its memory. */
  close(): void;
}

/** A store of numbered shards, each with the sequence up to which it has come. */
export interface SequencedStore {
  /** How many shards there are. */
  readonly shards: number;
  /** The part of a key that picks its shard; absent: the store keeps no content. */
  readonly routing?: RouteMode;
  /** Returns for each shard the highest sequence that it has given out (a primary) or applied (a replica). */
  watermarks(): bigint[];
  /** Returns the watermark of one shard, which must exist. */
  watermark(shard: number): bigint;
  /**
   * Returns the digest of what a shard holds at its watermark; undefined, or absent: the store keeps none.
   */
  digestOf?(shard: number): Digest | undefined;
  /** Sets the watermarks; those of shards that the list does not reach become 0. */
  setWatermarks(watermarks: readonly bigint[]): void;
}

/** A store whose content can be sent as a snapshot. */
export interface ScannedStore extends SequencedStore {
  /** Begins a scan, which its owner closes. */
  scan(): SnapshotScan;
}

/** A store that writes go to, as a publisher needs it: its changes are handed to `onBatch`. */
export interface PublishedStore extends ScannedStore {
  /**
   * Called for each batch that is full, or that `flush` and `flushDue` seal. Must not call back into the
   * store.
   */
  onBatch: (batch: OpenBatch) => void;
  /** Called when a record has been put into an open frame since the last `flush`; at most once per flush. */
  onDirty: () => void;
  /** Seals every open frame that has records. */
  flush(): void;
  /**
   * Seals the open frames whose first record is `maxDelayUs` old; returns the microseconds until the next is
   * due, or -1 when none waits.
   */
  flushDue(maxDelayUs: number): number;
}

/** A store that follows a primary: payloads go in by `apply` and `loadChunk`. */
export interface FollowedStore extends SequencedStore {
  /**
   * Applies a MutationBatch payload whole or, when it is malformed, of an unknown shard or leaves a gap, not
   * at all. Throws FastcacheError (`FCRP_*`, `SEQUENCE_GAP`, `SHARD_OUT_OF_RANGE`, `OUT_OF_MEMORY`).
   */
  apply(payload: Uint8Array): ApplyResult;
  /**
   * Loads the entries of a SnapshotChunk payload (all of it, header included); returns how many. Throws like
   * `apply`.
   */
  loadChunk(payload: Uint8Array): number;
  /** Makes room for so many keys in all, and their bytes; absent in a store that keeps no content. */
  expectContent?(keys: number, bytes: number): void;
  /** Returns how many keys there are, past their expiry or not; 0 in a store that keeps no content. */
  keyCount(): number;
  /**
   * Returns the last record of the first shard of which it is known, as of those that have applied a batch;
   * undefined: of none.
   */
  lastRecord(): RecordPrint | undefined;
  /** Returns whether a MutationBatch payload, sound up to there, has this very record. */
  hasRecord(payload: Uint8Array, record: RecordPrint): boolean;
}

/** A store that both sides of replication use; `ShardEngine` is the real one. */
export type ReplicatedStore = FollowedStore & PublishedStore;
