/** What a node has in either role, and what its roles are made from. */
import type { ShardEngine } from '../engine/shard-engine.js';
import type { ReplicationMetrics } from '../replication/metrics.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import type { Relay } from '../replication/relay/relay.js';
import type { Settings } from '../resp/settings.js';
import type { NodeConfig } from './config.js';
import type { Events, NodeEvents } from './events.js';
import type { Outputs } from './outputs.js';
import type { NodeSeams } from './seams.js';

/** The parts that outlive every change of role. */
export interface NodeParts {
  readonly config: NodeConfig;
  readonly seams: NodeSeams;
  readonly events: Events<NodeEvents>;
  readonly metrics: ReplicationMetrics;
  readonly settings: Settings;
  readonly outputs: Outputs;
  /** 16 hex digits, by which a node notices that it would follow itself (replication/link/path.ts). */
  readonly nodeId: string;
  /** What replicas are served from while it follows; undefined without `bind`. */
  readonly relay: Relay | undefined;
  /** Where replicas connect; undefined without `bind`, and until it listens. */
  readonly listener: ReplicaListener | undefined;
  /** The store that is read, and written to while it leads. */
  readonly engine: ShardEngine;
  /** Makes an empty store of so many shards, which follows. Throws OUT_OF_MEMORY. */
  createEngine(shards: number): ShardEngine;
  /** New content that is whole takes the place of the store. */
  swap(engine: ShardEngine): void;
}
