/** A key space for tools: the result of dumps, or the content of a primary, as of a moment. */
import type { ShardEngine } from '../../engine/shard-engine.js';
import type { EncodeOptions } from '../../frame/frame.js';
import { entriesOf, snapshotFrames, storeSteps } from './store-entries.js';
import type { ToolStores } from './tool-stores.js';

/** A key with its value and expiry. */
export interface KeyEntry {
  key: Buffer;
  value: Buffer;
  /** Unix ms; null when the key does not expire. */
  expireAtMs: bigint | null;
}

/** A history of a dump that continues the one before without a Hello that names it, as in old dumps. */
export interface UnsaidHistory {
  /** The name of the dump. */
  file: string;
  /** Byte of the dump at which it begins. */
  offset: number;
  /** The sequence before its first. */
  base: bigint;
}

/** The parts that a `FoldedKeySpace` is built from. */
export interface FoldedParts {
  /** The stores that made `store`. */
  stores: ToolStores;
  store: ShardEngine;
  watermarks: readonly bigint[];
  atMs: number | undefined;
  unsaidHistories: readonly UnsaidHistory[];
}

/** A key space that is held in memory. */
export class FoldedKeySpace {
  /** The highest sequence of each shard; index = shard. */
  readonly watermarks: readonly bigint[];
  /** Unix ms of the moment that the key space shows; undefined where the dumps have no time. */
  readonly atMs: number | undefined;
  /** Histories of the dumps that continue others without a Hello that names them. */
  readonly unsaidHistories: readonly UnsaidHistory[];
  readonly store: ShardEngine;
  readonly #stores: ToolStores;
  #expiredKeys = 0;

  constructor({ stores, store, watermarks, atMs, unsaidHistories }: FoldedParts) {
    this.#stores = stores;
    this.store = store;
    this.watermarks = watermarks;
    this.atMs = atMs;
    this.unsaidHistories = unsaidHistories;
  }

  /** How many keys there are. */
  get keys(): number {
    return this.store.keyCount();
  }

  /** How many keys had expired and are gone. */
  get expiredKeys(): number {
    return this.#expiredKeys;
  }

  /** Removes the keys that have expired by `atMs`, Unix ms; returns how many were removed. */
  expire(atMs: number): number {
    const expired = this.#stores.expire(this.store, atMs);
    this.#expiredKeys += expired;
    return expired;
  }

  /** Yields all entries, in no particular order. */
  *entries(): Generator<KeyEntry, void, void> {
    for (const step of storeSteps(this.store)) yield* entriesOf(step);
  }

  /** Yields the frames of a dump of the key space: one snapshot, and nothing else. */
  frames(encoding: EncodeOptions = {}): Generator<Buffer> {
    return snapshotFrames(this.store, this.watermarks, encoding);
  }
}
