/** The stream that replicas are served from (docs/architecture.md, "The corridor"). */
import type { ReplicatedStore } from '../../engine/types.js';
import type { History } from '../history.js';
import type { Backlog } from './backlog.js';

/** Frames of one history, in order: what a primary publishes, or what a relay receives. */
export interface FrameStream {
  /** The store that snapshots are scanned from. */
  readonly store: ReplicatedStore;
  readonly history: History;
  /**
   * The nodes that it comes through (path.ts): the one that serves it, then the one that that follows, up to
   * the primary.
   */
  readonly path: readonly string[];
  readonly backlog: Backlog;
  /**
   * The highest sequence of each shard that backlog and subscribers have; not what still waits in a batch.
   */
  watermarks(): bigint[];
  /** Seals all that waits, whatever its age. */
  flush(): void;
  /** Hands every frame from now on to `subscriber`. Returns what ends that. */
  subscribe(subscriber: FrameSubscriber): () => void;
}

/** What a stream hands each of its frames to. */
export interface FrameSubscriber {
  /**
   * `bytes` is a whole MutationBatch frame that never changes again; its records are of `shard`, up to
   * `lastSequence`. Never throws, never blocks.
   */
  offer(bytes: Buffer, shard: number, lastSequence: bigint): void;
  /** Called before clients are answered: what was offered must leave now, as far as the network takes it. */
  send?(): void;
  /** What follows no longer continues what was offered; `reason` says in words why. */
  interrupt(reason: string): void;
}
