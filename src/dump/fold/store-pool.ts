/**
 * Reuses stores, emptied: that of a snapshot which was abandoned, and that of content which another has
 * replaced.
 */
import type { FollowedStore } from '../../engine/types.js';

const DELETED_KEYS = 100_000;

/** A store that dumps are folded into. */
export interface FoldStore extends FollowedStore {
  /** The keys; absent in a store that keeps no content. */
  readonly keyspace?: {
    /** Deletes so many keys at most; returns whether none is left. */
    deleteSome(limit: number): boolean;
  };
}

/** Creates stores, or reuses one that is no longer needed. */
export class StorePool<Store extends FoldStore> {
  readonly #create: (shards: number) => Store;
  /** Emptied stores by their shard counts: one of each that keeps no content, or a single one that does. */
  readonly #spares = new Map<number, Store>();

  constructor(create: (shards: number) => Store) {
    this.#create = create;
  }

  /** Returns an empty store, whatever its watermarks. Throws `OUT_OF_MEMORY`. */
  take(shards: number): Store {
    const spare = this.#spares.get(shards);
    this.#spares.delete(shards);
    if (spare === undefined) this.#dropLarge();
    return spare ?? this.#create(shards);
  }

  /** Empties a store for reuse; the caller no longer uses it. */
  giveBack(store: Store | undefined): void {
    if (store === undefined) return;
    // A store that follows emits no deletions.
    while (store.keyspace?.deleteSome(DELETED_KEYS) === false);
    this.#dropLarge();
    this.#spares.set(store.shards, store);
  }

  /** Drops a store that had content: its memory is not kept beside that of another one. */
  #dropLarge(): void {
    for (const [shards, { keyspace }] of this.#spares)
      if (keyspace !== undefined) this.#spares.delete(shards);
  }
}
