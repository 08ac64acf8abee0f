/** The parts that a node has in either role, and from which its roles are made. */
import type { ShardEngine } from '../engine/shard-engine.js';
import type { SplitFrame } from '../frame/splitter.js';
import type { ReplicationMetrics } from '../replication/metrics.js';
import type { FailoverEars } from '../replication/primary/failover-peer.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import type { Relay } from '../replication/relay/relay.js';
import type { SyncedDisk } from '../replication/replica/session-options.js';
import type { FailoverHost } from '../resp/command-host.js';
import type { Settings } from '../resp/settings.js';
import type { NodeConfig } from './config.js';
import type { Events, NodeEvents } from './events.js';
import type { SecuredSeams } from './node-tls.js';
import type { Outputs } from './outputs.js';

/** The parts that outlive every change of role. */
export interface NodeParts {
  readonly config: NodeConfig;
  readonly seams: SecuredSeams;
  readonly events: Events<NodeEvents>;
  readonly metrics: ReplicationMetrics;
  readonly settings: Settings;
  readonly outputs: Outputs;
  /** 16 hex digits, by which a node notices that it would follow itself (replication/link/path.ts). */
  readonly nodeId: string;
  /** The port on which clients are listened to; 0: none is open. */
  readonly clientPort: number;
  /** The source from which replicas are served while the node follows; undefined without a port. */
  readonly relay: Relay | undefined;
  /** It was primary before, has come back without its data, and nothing has settled that. */
  readonly lacksData: boolean;
  /** The listener for replicas; undefined without a port, and until it listens. */
  readonly listener: ReplicaListener | undefined;
  /** The files that it keeps on a disk. */
  readonly keeping: {
    /** Whether all that was published is on the disk, and counts there. */
    readonly isSynced: boolean;
    /** Whether a crash now would leave the history that the node has begun on the disk. */
    readonly isBegun: boolean;
    /** Calls `run` each time when there is more on the disk; returns a function that ends that. */
    onSynced(run: () => void): () => void;
    /** Has the end of a turn wait for a write to the disk; returns false when it is to end now. */
    putsOff(endTurn: () => void): boolean;
    /** For the primary that is followed; undefined: nothing is kept. */
    readonly disk: SyncedDisk | undefined;
    /** Calls `run` when all that is published now is on the disk, or with false when that has failed. */
    whenSynced(run: (isSynced: boolean) => void): void;
  };
  /** The store that is read, and written to while the node leads. */
  readonly engine: ShardEngine;
  readonly failover: FailoverHost & FailoverEars;
  /** Becomes a primary whose history continues what is held. */
  promote(): void;
  /** Makes an empty store of so many shards, for a follower. Throws OUT_OF_MEMORY. */
  createEngine(shards: number): ShardEngine;
  /** Hands messages of the primary that is followed to the subscribers and replicas of this node. */
  takeMessages(payload: Uint8Array, frame: SplitFrame): void;
  /** Replaces the store by one whose new content is whole. */
  swap(engine: ShardEngine): void;
}
