/** The stores of a node: those that it follows with, and the one that it starts with. */
import type { ShardEngine } from '../engine/shard-engine.js';
import type { NodeConfig } from './config.js';
import { type Loaded, loadEngine, NOTHING_LOADED } from './load.js';
import type { NodeSeams } from './seams.js';

/** What every store of a node is made from. */
export interface EngineOrigin {
  readonly config: NodeConfig;
  readonly seams: NodeSeams;
  /** The secret of all its stores; it is the same, so that clients' SCAN cursors outlive a snapshot. */
  readonly secret: bigint;
}

/** Makes an empty store of so many shards, for a follower. Throws OUT_OF_MEMORY. */
export function createEngine({ config, seams, secret }: EngineOrigin, shards: number): ShardEngine {
  const engine = seams.createEngine({
    clock: seams.clock,
    secret,
    shards,
    route: config.route,
    batchMaxRecords: config.sendPolicy === 'immediate' ? 1 : config.batchMaxRecords,
    batchMaxBytes: config.batchMaxBytes,
    maxValueBytes: config.maxValueBytes,
  });
  engine.setReplica(true);
  return engine;
}

/**
 * Makes the store that a node starts with: the content of `load`, or an empty one. A follower knows the shard
 * count only from its primary, and has one shard until then. Throws what `loadEngine` throws.
 */
export async function startingEngine(origin: EngineOrigin): Promise<Loaded> {
  const { config, seams } = origin;
  const { load, shards, primary } = config;
  if (primary !== undefined) return { engine: createEngine(origin, 1), ...NOTHING_LOADED };
  const create = (count: number) => createEngine(origin, count);
  if (load === undefined) return { engine: create(shards), ...NOTHING_LOADED };
  return loadEngine({ config, files: seams.files, load, nowMs: seams.clock.nowMs(), create });
}
