/** All that take a stream's frames: replicas that are being fed, a recorder. */
import type { FrameSubscriber } from './stream.js';

/** A list that frames are handed to, each in turn. */
export class Subscribers {
  readonly #subscribers = new Set<FrameSubscriber>();

  /** Adds a subscriber. Returns what takes it out. */
  add(subscriber: FrameSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
    };
  }

  /** Calls `offer` of each one. */
  offer(bytes: Buffer, shard: number, lastSequence: bigint): void {
    for (const subscriber of this.#subscribers) subscriber.offer(bytes, shard, lastSequence);
  }

  /** Calls `send` of each one that has it. */
  send(): void {
    for (const subscriber of this.#subscribers) subscriber.send?.();
  }

  /** Calls `interrupt` of each one. */
  interrupt(reason: string): void {
    for (const subscriber of this.#subscribers) subscriber.interrupt(reason);
  }

  /** Drops all; none is interrupted. */
  clear(): void {
    this.#subscribers.clear();
  }
}
