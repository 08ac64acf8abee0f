/**
 * The frames of a snapshot: a Begin, chunks of which one, at the end, is the last, and an End that is not
 * below the Begin (docs/protocol.md, "SnapshotChunk"). They have two forms:
 *
 * - classic, as the Rust crate sends it: chunks are numbered from 0, and no batch is between them;
 * - interleaved (docs/architecture.md, "Bootstrap"): chunks run on from any number, the last one is empty,
 *   and batches are between them.
 *
 * The first chunk shows which of the two a snapshot of a dump has; a replica knows it by the primary's
 * margin.
 */
import type { FastcacheError } from '../errors.js';
import { snapshotOutOfOrder } from './snapshot.js';

type Watermarks = ArrayLike<bigint>;

/**
 * Follows the snapshots of a stream, one at a time; faults are returned, and what comes next is expected all
 * the same.
 */
export class SnapshotFraming {
  #watermarks: Watermarks | undefined;
  /** The index that the next chunk must have; undefined: any. */
  #nextChunk: bigint | undefined;
  /** True when the number of the first chunk was another than 0. */
  #isInterleaved = false;
  #lastSeen = false;
  /** Offset of the open snapshot's Begin. */
  beginOffset = 0;
  /**
   * How many snapshots were ended without a fault; the one below counts those cut short by another or a new
   * connection.
   */
  wholeCount = 0;
  abandonedCount = 0;

  /** Whether a snapshot has begun that is neither ended nor abandoned. */
  get isOpen(): boolean {
    return this.#watermarks !== undefined;
  }

  /**
   * Begins a snapshot at `offset` of the stream; one that is open is abandoned. `isClassic`: it must be of
   * that form.
   */
  begin(watermarks: Watermarks, offset: number, isClassic = false): void {
    this.abandon();
    this.#watermarks = watermarks;
    this.#nextChunk = isClassic ? 0n : undefined;
    this.#isInterleaved = false;
    this.#lastSeen = false;
    this.beginOffset = offset;
  }

  /** Gives up the snapshot that is open, if one is: it will not be ended. */
  abandon(): void {
    if (this.isOpen) this.abandonedCount += 1;
    this.#watermarks = undefined;
  }

  /** Returns the fault of a chunk where it is: `SNAPSHOT_OUT_OF_ORDER`. */
  chunk(chunk: {
    chunkIndex: bigint;
    last: boolean;
    watermarks: Watermarks;
    entryCount: number;
  }): FastcacheError | undefined {
    const { chunkIndex, last, watermarks, entryCount } = chunk;
    const begun = this.#watermarks;
    if (begun === undefined)
      return snapshotOutOfOrder('A chunk stands outside any snapshot', 'SnapshotBegin', chunkIndex);
    const expected = this.#nextChunk ?? chunkIndex;
    if (this.#nextChunk === undefined) this.#isInterleaved = chunkIndex !== 0n;
    const lastSeen = this.#lastSeen;
    this.#nextChunk = chunkIndex + 1n;
    this.#lastSeen = last;
    if (lastSeen)
      return snapshotOutOfOrder(
        'A chunk stands behind the last one of its snapshot',
        'SnapshotEnd',
        chunkIndex,
      );
    if (chunkIndex !== expected) {
      return snapshotOutOfOrder('A chunk of the snapshot is missing or came twice', expected, chunkIndex);
    }
    if (this.#isInterleaved && last && entryCount > 0) {
      return snapshotOutOfOrder('The chunks before the first of a snapshot are missing', 0, 'a later one');
    }
    if (watermarks.length <= begun.length) return undefined;
    return snapshotOutOfOrder(
      'A chunk is of another shard count than its snapshot',
      begun.length,
      watermarks.length,
    );
  }

  /** Ends the snapshot; returns the fault of its End where it is: `SNAPSHOT_OUT_OF_ORDER`. */
  end(watermarks: Watermarks): FastcacheError | undefined {
    const begun = this.#watermarks;
    this.#watermarks = undefined;
    if (begun === undefined) {
      return snapshotOutOfOrder('A snapshot ends that never began', 'SnapshotBegin', 'SnapshotEnd');
    }
    if (!this.#lastSeen) {
      return snapshotOutOfOrder(
        'A snapshot ends before its last chunk',
        `chunk ${this.#nextChunk ?? 0}`,
        'SnapshotEnd',
      );
    }
    if (watermarks.length !== begun.length) {
      return snapshotOutOfOrder('A snapshot ends with another shard count', begun.length, watermarks.length);
    }
    const shard = firstBelow(watermarks, begun);
    if (shard === -1) {
      this.wholeCount += 1;
      return undefined;
    }
    return snapshotOutOfOrder(
      `A snapshot ends below where it began, in shard ${shard}`,
      begun[shard]!,
      watermarks[shard]!,
    );
  }
}

/**
 * Returns the first shard in which `watermarks` are below `floor`; -1: none. Where one list is shorter, the
 * rest of the other is not looked at.
 */
export function firstBelow(watermarks: Watermarks, floor: ArrayLike<bigint | undefined>): number {
  for (let shard = 0; shard < Math.min(watermarks.length, floor.length); shard++) {
    const least = floor[shard];
    if (least !== undefined && watermarks[shard]! < least) return shard;
  }
  return -1;
}
