/**
 * New content that is being built beside what a replica holds, and replaces it only when it is whole
 * (docs/protocol.md, "Conversation"): from a snapshot, or from a backlog that goes back to the first
 * sequence.
 *
 * A snapshot of a fastcache primary (carousel.ts) is interleaved, and whole at its end, at the watermarks
 * that this says. A Rust primary's is classic, and stays at the watermarks of its begin.
 */
import type { FollowedStore } from '../../engine/types.js';
import { decodeSnapshotChunk, snapshotOutOfOrder } from '../../frame/snapshot.js';
import { SnapshotFraming } from '../../frame/snapshot-framing.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import { hasReached } from '../watermarks.js';

/** New content while it is being built in a store of its own. */
export class Staging {
  readonly store: FollowedStore;
  /** Whether batches may come while it loads. */
  readonly isInterleaved: boolean;
  /** The watermarks at which the content is whole, all of one moment. */
  readonly #target: ArrayLike<bigint>;
  readonly #framing = new SnapshotFraming();
  #entries = 0;

  /**
   * Stages content from the payload of a SnapshotBegin, of a fastcache primary or of a Rust one. Throws
   * `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`.
   */
  static fromSnapshot(payload: Uint8Array, store: FollowedStore, isOurs: boolean): Staging {
    const watermarks = decodeWatermarks(payload);
    if (watermarks.length !== store.shards) {
      throw snapshotOutOfOrder('A snapshot is of another shard count', store.shards, watermarks.length);
    }
    store.setWatermarks(Array.from(watermarks));
    const staging = new Staging(store, watermarks, isOurs);
    staging.#framing.begin(watermarks, 0, !isOurs);
    return staging;
  }

  /** Stages content from frames that begin with each shard's first sequence; it is whole at `target`. */
  static fromFrames(target: readonly bigint[], store: FollowedStore): Staging {
    return new Staging(store, target, false);
  }

  private constructor(store: FollowedStore, target: ArrayLike<bigint>, isInterleaved: boolean) {
    this.store = store;
    this.isInterleaved = isInterleaved;
    this.#target = target;
  }

  /** Whether it is between SnapshotBegin and SnapshotEnd. */
  get isLoading(): boolean {
    return this.#framing.isOpen;
  }

  /** Entries loaded from chunks. */
  get entries(): number {
    return this.#entries;
  }

  get isWhole(): boolean {
    return !this.isLoading && hasReached(this.store.watermarks(), this.#target);
  }

  /** Loads the payload of a SnapshotChunk. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`, `OUT_OF_MEMORY`. */
  load(payload: Uint8Array): void {
    const fault = this.#framing.chunk(decodeSnapshotChunk(payload));
    if (fault !== undefined) throw fault;
    this.#entries += this.store.loadChunk(payload);
  }

  /** Ends the snapshot with the payload of a SnapshotEnd. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`. */
  finish(payload: Uint8Array): void {
    const watermarks = decodeWatermarks(payload);
    const fault = this.#framing.end(watermarks);
    if (fault !== undefined) throw fault;
    const own = this.store.watermarks();
    const ended = Array.from(watermarks).join();
    if (!hasReached(watermarks, own)) {
      throw snapshotOutOfOrder('A snapshot ended below where it stood', own.join(), ended);
    }
    if (this.isInterleaved && !hasReached(own, watermarks)) {
      throw snapshotOutOfOrder('A snapshot ended before all its batches had come', ended, own.join());
    }
  }
}
