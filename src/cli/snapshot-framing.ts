/**
 * The frames of a snapshot in a dump: a Begin, chunks numbered from 0 of which one, at the end, is the last, and an End
 * that is not below the Begin. Batches may stand between them (design.md, "Bootstrap without a buffer").
 */
import type { FastcacheError } from '../errors.js';
import { snapshotOutOfOrder } from '../frame/snapshot.js';

type Watermarks = ArrayLike<bigint>;

export class SnapshotFraming {
  #watermarks: Watermarks | undefined;
  #nextChunk = 0n;
  #lastSeen = false;
  /** Offset of the open snapshot's Begin. */
  beginOffset = 0;

  get isOpen(): boolean {
    return this.#watermarks !== undefined;
  }

  begin(watermarks: Watermarks, offset: number): void {
    this.#watermarks = watermarks;
    this.#nextChunk = 0n;
    this.#lastSeen = false;
    this.beginOffset = offset;
  }

  /** What is open will not be ended. */
  abandon(): void {
    this.#watermarks = undefined;
  }

  /** The fault of a chunk where it stands; the next one is awaited all the same. */
  chunk(chunk: { chunkIndex: bigint; last: boolean; watermarks: Watermarks }): FastcacheError | undefined {
    const { chunkIndex, last, watermarks } = chunk;
    const begun = this.#watermarks;
    if (begun === undefined)
      return snapshotOutOfOrder('A chunk stands outside any snapshot', 'SnapshotBegin', chunkIndex);
    const expected = this.#nextChunk;
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
    if (watermarks.length <= begun.length) return undefined;
    return snapshotOutOfOrder(
      'A chunk is of another shard count than its snapshot',
      begun.length,
      watermarks.length,
    );
  }

  /** Ends the snapshot; the fault of its End where it stands. */
  end(watermarks: Watermarks): FastcacheError | undefined {
    const begun = this.#watermarks;
    this.#watermarks = undefined;
    if (begun === undefined) {
      return snapshotOutOfOrder('A snapshot ends that never began', 'SnapshotBegin', 'SnapshotEnd');
    }
    if (!this.#lastSeen) {
      return snapshotOutOfOrder(
        'A snapshot ends before its last chunk',
        `chunk ${this.#nextChunk}`,
        'SnapshotEnd',
      );
    }
    if (watermarks.length !== begun.length) {
      return snapshotOutOfOrder('A snapshot ends with another shard count', begun.length, watermarks.length);
    }
    const shard = firstBelow(watermarks, begun);
    if (shard === -1) return undefined;
    return snapshotOutOfOrder(
      `A snapshot ends below where it began, in shard ${shard}`,
      begun[shard]!,
      watermarks[shard]!,
    );
  }
}

/** The first shard in which `watermarks` are below `floor`; -1: none. Where one list is shorter, the other is not looked at. */
export function firstBelow(watermarks: Watermarks, floor: ArrayLike<bigint | undefined>): number {
  for (let shard = 0; shard < Math.min(watermarks.length, floor.length); shard++) {
    const least = floor[shard];
    if (least !== undefined && watermarks[shard]! < least) return shard;
  }
  return -1;
}
