/**
 * Follows the sequences of each shard through a dump and tells where they do not go on one by one: what is missing, and
 * what comes once more (fcrp-v1.md: frames may arrive twice). Holds two numbers a shard, for as many as a store may have.
 */

import type { DecodedRecord } from '../../frame/batch.js';
import { MAX_SHARDS } from '../../limits.js';
import type { OpenedFrame } from '../read/frame-content.js';

export type SequenceStep =
  /** `from` to `to` were never there. */
  | { type: 'gap'; from: bigint; to: bigint }
  /** The one before had the sequence `after`, not below this one's. */
  | { type: 'back'; after: bigint };

interface Place {
  last: bigint;
  highest: bigint;
}

export class SequenceSteps {
  readonly #places: (Place | undefined)[] = [];

  /**
   * SnapshotBegin and SnapshotEnd say where each shard stands; 0 may be a shard that nothing was written to. Behind an
   * interleaved snapshot's Begin go its batches on.
   */
  frame({ kind, content }: OpenedFrame): void {
    const isOfSnapshot = kind === 'SnapshotBegin' || kind === 'SnapshotEnd';
    if (!isOfSnapshot || content.type !== 'watermarks') return;
    const watermarks = content.watermarks.subarray(0, MAX_SHARDS);
    this.#places.length = 0;
    for (const [shard, watermark] of watermarks.entries()) {
      if (watermark > 0n) this.#places[shard] = { last: watermark, highest: watermark };
    }
  }

  /** Undefined where the sequence goes on, and where nothing is known of the shard. */
  record({ shard, sequence }: DecodedRecord): SequenceStep | undefined {
    if (shard >= MAX_SHARDS) return undefined;
    const place = this.#places[shard];
    if (place === undefined) {
      this.#places[shard] = { last: sequence, highest: sequence };
      return undefined;
    }
    const { last, highest } = place;
    place.last = sequence;
    if (sequence <= last) return { type: 'back', after: last };
    if (sequence > highest) place.highest = sequence;
    return sequence > highest + 1n ? { type: 'gap', from: highest + 1n, to: sequence - 1n } : undefined;
  }
}
