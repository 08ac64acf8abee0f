/** All who are handed a stream's frames: replicas that are being fed, a recorder. */
import type { FrameSubscriber } from './stream.js';

export class Subscribers {
  readonly #subscribers = new Set<FrameSubscriber>();

  /** Returns how to leave. */
  add(subscriber: FrameSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
    };
  }

  offer(frame: Buffer, shard: number, maxSequence: bigint): void {
    for (const subscriber of this.#subscribers) subscriber.offer(frame, shard, maxSequence);
  }

  interrupt(reason: string): void {
    for (const subscriber of this.#subscribers) subscriber.interrupt(reason);
  }

  clear(): void {
    this.#subscribers.clear();
  }
}
