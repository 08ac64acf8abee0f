/**
 * New content that is being built beside what a replica holds, and replaces it only when it is whole
 * (fcrp-v1.md, "Conversation" 5): from a snapshot, or from a backlog that goes back to the first sequence.
 *
 * A snapshot of ours (carousel.ts) has live batches between its chunks and is whole at its end, at the
 * watermarks that this tells. The crate's has none, and stays at the watermarks of its begin.
 */
import type { FollowedStore } from '../../engine/types.js';
import { decodeSnapshotChunk, snapshotOutOfOrder } from '../../frame/snapshot.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import { hasReached } from '../watermarks.js';

export class Staging {
  readonly store: FollowedStore;
  /** Live batches may come while it loads, and the first chunk may have any number. */
  readonly isInterleaved: boolean;
  /** Between SnapshotBegin and SnapshotEnd. */
  #isLoading: boolean;
  /** At which the content is of one moment. */
  readonly #target: ArrayLike<bigint>;
  #nextChunk: bigint | undefined;
  #lastSeen = false;
  #entries = 0;

  /**
   * From the payload of a SnapshotBegin, of a primary of ours or of the crate's. Throws
   * `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`.
   */
  static fromSnapshot(payload: Uint8Array, store: FollowedStore, isOurs: boolean): Staging {
    const watermarks = decodeWatermarks(payload);
    if (watermarks.length !== store.shards) {
      throw snapshotOutOfOrder('A snapshot is of another shard count', store.shards, watermarks.length);
    }
    store.setWatermarks(Array.from(watermarks));
    return new Staging(store, true, watermarks, isOurs);
  }

  /** From frames that begin with each shard's first sequence; whole at `target`. */
  static fromFrames(target: readonly bigint[], store: FollowedStore): Staging {
    return new Staging(store, false, target, false);
  }

  private constructor(
    store: FollowedStore,
    isLoading: boolean,
    target: ArrayLike<bigint>,
    isInterleaved: boolean,
  ) {
    this.store = store;
    this.isInterleaved = isInterleaved;
    this.#isLoading = isLoading;
    this.#target = target;
    this.#nextChunk = isInterleaved ? undefined : 0n;
  }

  get isLoading(): boolean {
    return this.#isLoading;
  }

  /** Entries loaded from chunks. */
  get entries(): number {
    return this.#entries;
  }

  get isWhole(): boolean {
    return !this.#isLoading && hasReached(this.store.watermarks(), this.#target);
  }

  /** The payload of a SnapshotChunk. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`, `OUT_OF_MEMORY`. */
  load(payload: Uint8Array): void {
    const { chunkIndex, last, watermarks } = decodeSnapshotChunk(payload);
    if (!this.#isLoading || this.#lastSeen)
      throw snapshotOutOfOrder('A chunk came behind the last one', 'none', chunkIndex);
    const expected = this.#nextChunk ?? chunkIndex;
    if (chunkIndex !== expected) {
      throw snapshotOutOfOrder('A chunk is missing or came twice', expected, chunkIndex);
    }
    if (last && watermarks.length > this.store.shards) {
      throw snapshotOutOfOrder('A chunk is of another shard count', this.store.shards, watermarks.length);
    }
    this.#entries += this.store.loadChunk(payload);
    this.#nextChunk = chunkIndex + 1n;
    this.#lastSeen = last;
  }

  /** The payload of a SnapshotEnd. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`. */
  finish(payload: Uint8Array): void {
    const watermarks = decodeWatermarks(payload);
    if (!this.#isLoading || !this.#lastSeen) {
      throw snapshotOutOfOrder('A snapshot ended before its last chunk', 'the last chunk', 'SnapshotEnd');
    }
    const own = this.store.watermarks();
    const ended = Array.from(watermarks).join();
    if (watermarks.length !== own.length || !hasReached(watermarks, own)) {
      throw snapshotOutOfOrder('A snapshot ended below where it stood', own.join(), ended);
    }
    if (this.isInterleaved && !hasReached(own, watermarks)) {
      throw snapshotOutOfOrder('A snapshot ended before all its batches had come', ended, own.join());
    }
    this.#isLoading = false;
  }
}
