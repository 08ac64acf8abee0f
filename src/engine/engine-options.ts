/** How a store is made. */
import type { Clock } from '../clock.js';
import type { RouteMode } from './types.js';

/** The options with which a store is made; none of them changes later. */
export interface ShardEngineOptions {
  /** The number of shards, a power of two, 1 to 1024. */
  shards: number;
  route: RouteMode;
  clock: Clock;
  /**
   * The secret of 128 bits under which tables hash keys (docs/architecture.md, "Placement"), so that clients
   * cannot choose keys that collide; `drawSecret` makes one.
   */
  secret: bigint;
  /** The records, and the bytes of them, that seal a shard's open frame at once. */
  batchMaxRecords: number;
  batchMaxBytes: number;
  /** Bytes of the longest argument, key or value that is taken. */
  maxValueBytes: number;
  /** Bytes for keys, values and tables; as much as WebAssembly has when undefined. */
  maxMemoryBytes?: number;
  /** Whether each shard's digest is kept with every change; true when undefined. */
  digests?: boolean;
}
