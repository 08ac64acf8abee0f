/**
 * The stream that a relay serves: frames that it has applied, handed on as they came (docs/architecture.md,
 * "The corridor").
 */
import type { ReplicatedStore } from '../../engine/types.js';
import type { History } from '../history.js';
import type { Backlog } from '../stream/backlog.js';
import type { FrameStream } from '../stream/stream.js';

/** The options of a `RelayFeed`. */
export interface RelayFeedOptions {
  /** A store with whole content; the caller of `offer` has applied the frame to it. */
  store: ReplicatedStore;
  history: History;
  path: readonly string[];
  /** The backlog, which is at the store's watermarks. */
  backlog: Backlog;
}

/** The stream of one content on one path; another content or path needs another feed. */
export class RelayFeed implements FrameStream {
  readonly store: ReplicatedStore;
  readonly history: History;
  readonly path: readonly string[];
  readonly backlog: Backlog;

  constructor({ store, history, path, backlog }: RelayFeedOptions) {
    this.store = store;
    this.history = history;
    this.path = path;
    this.backlog = backlog;
  }

  watermarks(): bigint[] {
    return this.backlog.watermarks();
  }

  /** Does nothing: frames come sealed, and none waits. */
  flush(): void {}

  /** Hands on a frame that the store has applied. */
  offer(frame: Uint8Array, shard: number, minSequence: bigint, maxSequence: bigint, timeMs: number): void {
    this.backlog.push(shard, frame, minSequence, maxSequence, timeMs);
    this.backlog.deliver();
  }

  /** Drops all readers, because the next frames do not continue those that were handed on. */
  interrupt(reason: string): void {
    this.backlog.interrupt(reason);
  }
}
