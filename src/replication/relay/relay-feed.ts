/**
 * The stream that a relay serves: frames that it has applied, handed on as they came (docs/architecture.md,
 * "The corridor").
 */
import type { ReplicatedStore } from '../../engine/types.js';
import type { History } from '../history.js';
import type { Backlog } from '../stream/backlog.js';
import type { FrameStream, FrameSubscriber } from '../stream/stream.js';
import { Subscribers } from '../stream/subscribers.js';

/** What a `RelayFeed` is made of. */
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
  readonly #subscribers = new Subscribers();

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

  subscribe(subscriber: FrameSubscriber): () => void {
    return this.#subscribers.add(subscriber);
  }

  /** Hands on a frame that the store has applied. */
  offer(frame: Buffer, shard: number, minSequence: bigint, maxSequence: bigint, timeMs: number): void {
    this.backlog.push(shard, frame, minSequence, maxSequence, timeMs);
    this.#subscribers.offer(frame, shard, maxSequence);
  }

  /** Drops all subscribers, because what follows does not continue what was handed on. */
  interrupt(reason: string): void {
    this.#subscribers.interrupt(reason);
  }
}
