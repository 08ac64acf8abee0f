/**
 * Reuses stores, emptied: that of a snapshot which was abandoned, and that of content which another has
 * replaced.
 */
import type { ShardEngine } from '../../engine/shard-engine.js';

const DELETED_KEYS = 100_000;

/** Creates stores, or reuses one that is no longer needed. */
export class StorePool {
  readonly #create: (shards: number) => ShardEngine;
  #spare: ShardEngine | undefined;

  constructor(create: (shards: number) => ShardEngine) {
    this.#create = create;
  }

  /** Returns an empty store, whatever its watermarks. Throws `OUT_OF_MEMORY`. */
  take(shards: number): ShardEngine {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.shards === shards ? spare : this.#create(shards);
  }

  /** Empties a store for reuse; the caller no longer uses it. */
  giveBack(store: ShardEngine | undefined): void {
    if (store === undefined) return;
    // A store that follows emits no deletions.
    while (!store.keyspace.deleteSome(DELETED_KEYS));
    this.#spare = store;
  }
}
