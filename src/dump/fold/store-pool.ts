/**
 * Stores are used again, emptied: that of a snapshot which came to nothing, and that of content which another
 * has replaced.
 */
import type { ShardEngine } from '../../engine/shard-engine.js';

const DELETED_KEYS = 100_000;

/** Makes stores, or has one emptied that is no longer needed. */
export class StorePool {
  readonly #create: (shards: number) => ShardEngine;
  #spare: ShardEngine | undefined;

  constructor(create: (shards: number) => ShardEngine) {
    this.#create = create;
  }

  /** An empty one, whatever its watermarks. Throws `OUT_OF_MEMORY`. */
  take(shards: number): ShardEngine {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.shards === shards ? spare : this.#create(shards);
  }

  /** `store` is not used any more by who gives it back. */
  giveBack(store: ShardEngine | undefined): void {
    if (store === undefined) return;
    // A store that follows emits no deletions.
    while (!store.keyspace.deleteSome(DELETED_KEYS));
    this.#spare = store;
  }
}
