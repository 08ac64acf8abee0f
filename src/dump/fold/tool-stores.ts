/** The stores that the frames tools fold dumps into. */
import { systemRandom } from '../../clock.js';
import { drawSecret } from '../../engine/secret.js';
import { ShardEngine } from '../../engine/shard-engine.js';
import type { RouteMode } from '../../engine/types.js';
import { DEFAULT_BATCH_MAX_BYTES, DEFAULT_BATCH_MAX_RECORDS, MAX_FRAME_PAYLOAD_BYTES } from '../../limits.js';
import { dropExpired } from './load.js';

/** Creates stores that follow and share a clock, which `expire` sets; at first it is before all expiries. */
export class ToolStores {
  readonly #clock = { ms: 0, nowMs: () => this.#clock.ms, monotonicUs: () => 0 };

  /** Creates an empty store, at watermarks of 0. Throws `OUT_OF_MEMORY`. */
  create(shards: number, route: RouteMode = 'full-key'): ShardEngine {
    const engine = new ShardEngine({
      shards,
      route,
      clock: this.#clock,
      secret: drawSecret(systemRandom),
      batchMaxRecords: DEFAULT_BATCH_MAX_RECORDS,
      batchMaxBytes: DEFAULT_BATCH_MAX_BYTES,
      maxValueBytes: MAX_FRAME_PAYLOAD_BYTES,
    });
    engine.setReplica(true);
    return engine;
  }

  /**
   * Sets the clock to `atMs`, Unix ms, and deletes from `store` what has expired by then; returns how many
   * keys.
   */
  expire(store: ShardEngine, atMs: number): number {
    // A hostile dump may name a later time than the kernel's clock takes.
    this.#clock.ms = Math.min(atMs, Number.MAX_SAFE_INTEGER);
    return dropExpired(store);
  }
}
