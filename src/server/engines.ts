/** The stores of a node: those that it follows with, and the one that it starts with. */
import type { ShardEngine } from '../engine/shard-engine.js';
import type { NodeConfig } from './config.js';
import { type Loaded, loadEngine, NOTHING_LOADED, type OnRead } from './load.js';
import { momentMs } from './moment.js';
import type { NodeSeams } from './seams.js';

/** The origin of every store of a node. */
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
    digests: config.digests,
  });
  engine.setReplica(true);
  return engine;
}

/**
 * Makes the store that a node has before its content is loaded. A follower knows the shard count only from
 * its primary, and has one shard until then.
 */
export function emptyEngine(origin: EngineOrigin): ShardEngine {
  const { shards, primary } = origin.config;
  return createEngine(origin, primary === undefined ? shards : 1);
}

/**
 * Makes the store that a node starts with: the content of `load`, or of a moment of `data`, or `empty`.
 * Throws as `loadEngine`.
 */
export async function startingEngine(
  origin: EngineOrigin,
  empty: ShardEngine,
  onRead: OnRead,
): Promise<Loaded> {
  const { config, seams } = origin;
  const { load, data, until } = config;
  const untilMs = until === undefined ? undefined : momentMs(until);
  const path = untilMs === undefined ? load : data;
  if (path === undefined) return { engine: empty, ...NOTHING_LOADED };
  // Of the past nothing expires any more than it had then.
  const clock =
    untilMs === undefined
      ? seams.clock
      : { nowMs: () => untilMs, monotonicUs: () => seams.clock.monotonicUs() };
  const create = (count: number) => createEngine({ ...origin, seams: { ...seams, clock } }, count);
  return loadEngine({ config, seams, source: { path, untilMs }, create, onRead });
}
