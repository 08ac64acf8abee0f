/** A stream as a relay serves it: what is received and applied, handed on as it came (design.md, "The corridor"). */
import type { ReplicatedStore } from '../../engine/types.js';
import type { History } from '../history.js';
import type { Backlog } from '../stream/backlog.js';
import type { FrameStream, FrameSubscriber } from '../stream/stream.js';
import { Subscribers } from '../stream/subscribers.js';

export interface RelayFeedOptions {
  /** Whole content, kept up to date by whoever calls `offer`. */
  store: ReplicatedStore;
  history: History;
  path: readonly string[];
  /** Stands where the store stands. */
  backlog: Backlog;
}

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

  /** Nothing waits: frames come sealed. */
  flush(): void {}

  subscribe(subscriber: FrameSubscriber): () => void {
    return this.#subscribers.add(subscriber);
  }

  /** A frame that the store has applied. */
  offer(frame: Buffer, shard: number, minSequence: bigint, maxSequence: bigint, timeMs: number): void {
    this.backlog.push(shard, frame, minSequence, maxSequence, timeMs);
    this.#subscribers.offer(frame, shard, maxSequence);
  }

  /** What follows does not continue what was handed on: all who are fed must come back. */
  interrupt(reason: string): void {
    this.#subscribers.interrupt(reason);
  }
}
