/**
 * New content that is being built beside what a replica holds, and replaces it only when it is whole (fcrp-v1.md,
 * "Conversation" 5): from a snapshot, or from a backlog that goes back to the first sequence.
 */
import type { ReplicatedStore } from '../engine/types.js';
import { decodeSnapshotChunk, snapshotOutOfOrder } from '../frame/snapshot.js';
import { decodeWatermarks } from '../frame/watermarks.js';
import { hasReached } from './watermarks.js';

/** Between SnapshotBegin and SnapshotEnd `loading`; afterwards frames bring it to one moment. */
type Phase = 'loading' | 'applying';

export class Staging {
  readonly store: ReplicatedStore;
  #phase: Phase;
  /** Where the store stands at SnapshotEnd. */
  readonly #watermarks: ArrayLike<bigint>;
  /** What must be applied before the content is of one moment. */
  #target: ArrayLike<bigint>;
  #nextChunk = 0n;
  #lastSeen = false;
  #entries = 0;

  /** From the payload of a SnapshotBegin. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`. */
  static fromSnapshot(payload: Uint8Array, store: ReplicatedStore): Staging {
    const watermarks = decodeWatermarks(payload);
    if (watermarks.length !== store.shards) {
      throw snapshotOutOfOrder('A snapshot is of another shard count', store.shards, watermarks.length);
    }
    return new Staging(store, 'loading', watermarks, watermarks);
  }

  /** From frames that begin with each shard's first sequence; whole at `target`. */
  static fromFrames(target: readonly bigint[], store: ReplicatedStore): Staging {
    return new Staging(store, 'applying', store.watermarks(), target);
  }

  private constructor(
    store: ReplicatedStore,
    phase: Phase,
    watermarks: ArrayLike<bigint>,
    target: ArrayLike<bigint>,
  ) {
    this.store = store;
    this.#phase = phase;
    this.#watermarks = watermarks;
    this.#target = target;
  }

  get isLoading(): boolean {
    return this.#phase === 'loading';
  }

  /** Entries loaded from chunks. */
  get entries(): number {
    return this.#entries;
  }

  get isWhole(): boolean {
    return this.#phase === 'applying' && hasReached(this.store.watermarks(), this.#target);
  }

  /** The payload of a SnapshotChunk. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`, `OUT_OF_MEMORY`. */
  load(payload: Uint8Array): void {
    const { chunkIndex, last, watermarks } = decodeSnapshotChunk(payload);
    if (!this.isLoading || this.#lastSeen)
      throw snapshotOutOfOrder('A chunk came behind the last one', 'none', chunkIndex);
    if (chunkIndex !== this.#nextChunk) {
      throw snapshotOutOfOrder('A chunk is missing or came twice', this.#nextChunk, chunkIndex);
    }
    if (last && watermarks.length > this.store.shards) {
      throw snapshotOutOfOrder('A chunk is of another shard count', this.store.shards, watermarks.length);
    }
    this.#entries += this.store.loadChunk(payload);
    this.#nextChunk += 1n;
    this.#lastSeen = last;
    // Where the scan ended: until then entries may show what is only about to be applied (snapshot-sender.ts).
    if (last && hasReached(watermarks, this.#watermarks)) this.#target = watermarks;
  }

  /** The payload of a SnapshotEnd. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`. */
  finish(payload: Uint8Array): void {
    const watermarks = decodeWatermarks(payload);
    if (!this.isLoading || !this.#lastSeen) {
      throw snapshotOutOfOrder('A snapshot ended before its last chunk', 'the last chunk', 'SnapshotEnd');
    }
    if (watermarks.length !== this.#watermarks.length || !hasReached(watermarks, this.#watermarks)) {
      const began = Array.from(this.#watermarks).join();
      throw snapshotOutOfOrder('A snapshot ended below where it began', began, Array.from(watermarks).join());
    }
    this.store.setWatermarks(Array.from(this.#watermarks));
    this.#phase = 'applying';
  }
}
