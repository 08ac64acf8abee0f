/** The stream that replicas are served from (docs/architecture.md, "The corridor"). */
import type { ReplicatedStore } from '../../engine/types.js';
import type { History } from '../history.js';
import type { Backlog } from './backlog.js';

/** Frames of one history, in order: those that a primary publishes, or that a relay receives. */
export interface FrameStream {
  /** The store that snapshots are scanned from. */
  readonly store: ReplicatedStore;
  readonly history: History;
  /**
   * The nodes that it comes through (path.ts): the one that serves it, then the one that that follows, up to
   * the primary.
   */
  readonly path: readonly string[];
  /** The log of its frames, in which each reader of the stream has a cursor. */
  readonly backlog: Backlog;
  /** The highest sequence of each shard that the backlog has; not what still waits in a batch. */
  watermarks(): bigint[];
  /** Seals all that waits, whatever its age. */
  flush(): void;
}

/** Whether nothing was ever written to what the stream has. */
export function isAtBeginning({ store, history, backlog }: FrameStream): boolean {
  const { base, previous } = history;
  const isUnwritten = backlog.watermarks().every((watermark) => watermark === base);
  return store.keyCount() === 0 && previous === undefined && isUnwritten;
}
