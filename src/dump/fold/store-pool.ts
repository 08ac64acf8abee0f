/** Stores that served a snapshot which came to nothing, or what another has replaced: emptied, they serve the next. */
import type { ShardEngine } from '../../engine/shard-engine.js';

const DELETED_KEYS = 100_000;

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

  giveBack(store: ShardEngine | undefined): void {
    if (store === undefined) return;
    // One that follows tells nobody of its deletions.
    while (!store.keyspace.deleteSome(DELETED_KEYS));
    this.#spare = store;
  }
}
