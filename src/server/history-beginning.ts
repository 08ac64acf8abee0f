/** How the history begins of a node that leads. */
import type { ShardEngine } from '../engine/shard-engine.js';
import { type History, newHistory } from '../replication/history.js';
import { type Beginning, beginHistory } from '../replication/relay/promotion.js';
import type { Relay } from '../replication/relay/relay.js';
import type { Holding } from '../replication/replica/holding.js';
import type { NodeConfig } from './config.js';
import { withContent } from './load.js';
import type { NodeSeams } from './seams.js';

/** The node that begins to lead. */
export interface BeginningNode {
  readonly seams: NodeSeams;
  readonly config: NodeConfig;
  readonly relay: Relay | undefined;
  readonly engine: ShardEngine;
  /** Makes an empty store of so many shards. Throws OUT_OF_MEMORY. */
  createEngine(shards: number): ShardEngine;
  /** Replaces the store. */
  swap(engine: ShardEngine): void;
}

/**
 * Begins a history that continues that of `holding`, if that was followed or recovered; `loaded` is the
 * history that a loaded dump led to. The node's store is then at its beginning.
 */
export function beginsHistory(
  node: BeginningNode,
  holding: Holding | undefined,
  loaded?: History,
): Beginning {
  const { seams, config, relay } = node;
  if (holding !== undefined) {
    return beginHistory(seams, node.engine, holding, relay);
  }
  if (node.engine.shards !== config.shards) node.swap(node.createEngine(config.shards));
  const fresh = newHistory(seams, config.sequenceBase);
  const isEmpty = config.load === undefined && config.until === undefined;
  const history = isEmpty ? fresh : withContent(fresh, loaded);
  node.engine.setWatermarks(new Array(config.shards).fill(history.base));
  return { history, backlog: relay?.promoted(history.base) };
}
