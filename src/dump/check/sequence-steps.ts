/**
 * Follows the sequences of each shard through a dump and reports where they do not rise one by one: sequences
 * that are missing, and those that come once more (docs/protocol.md, "Conversation": frames may arrive
 * twice). Where a history continues another, its base comes next, and nothing is missing
 * (replication/history-course.ts). It holds two numbers a shard, for as many as a store may have.
 */
import { batchHeadOf, type DecodedRecord } from '../../frame/batch.js';
import type { IndexedRecords } from '../../frame/index-entry.js';
import { MAX_SHARDS } from '../../limits.js';
import { HistoryCourse, type KnownSequences, type Positions } from '../../replication/history-course.js';
import type { OpenedFrame } from '../read/frame-content.js';

/** How a record fails to follow the one before it in its shard. */
export type SequenceStep =
  /** The sequences `from` to `to` are missing. */
  | { type: 'gap'; from: bigint; to: bigint }
  /** The record before had the sequence `after`, which is not below this one's. */
  | { type: 'back'; after: bigint };

/** The records of a batch, of one shard. */
export type BatchRecords = Omit<IndexedRecords, 'shard' | 'latestMs'> & { shard: number };

interface Place {
  last: bigint;
  highest: bigint;
}

/** The steps of one dump: `frame` for each of its frames, and behind that `record` for each record of it. */
export class SequenceSteps implements Positions {
  readonly #places: (Place | undefined)[] = [];
  readonly #course = new HistoryCourse();

  frame({ kind, content, frame }: OpenedFrame): void {
    switch (content.type) {
      case 'hello': {
        const { watermarks = [] } = content.hello;
        if (this.#course.hello(content.margin, watermarks, this) === 'begins') this.#places.length = 0;
        return;
      }
      case 'batch': {
        const head = batchHeadOf(content.payload);
        if (head !== undefined && this.#course.batch(head, this)) this.#places.length = 0;
        return;
      }
      case 'watermarks':
        if (kind === 'SnapshotBegin') this.#course.begin(content.watermarks, frame.offset, this);
        else if (kind === 'SnapshotEnd') this.#course.snapshot.abandon();
        else return;
        this.#stand(content.watermarks);
    }
  }

  /**
   * Takes a record; returns undefined where its sequence follows, and where nothing is known of its shard.
   */
  record({ shard, sequence }: Pick<DecodedRecord, 'shard' | 'sequence'>): SequenceStep | undefined {
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
    if (sequence <= highest + 1n) return undefined;
    const step = { shard, expected: highest + 1n, found: sequence };
    return this.#course.goesOn(step, undefined, this)
      ? undefined
      : { type: 'gap', from: highest + 1n, to: sequence - 1n };
  }

  /** Takes a batch, in place of its frame and records, whose sequences follow one another. */
  batch({ shard, count, firstSequence, lastSequence, earliestMs }: BatchRecords): void {
    const head = { records: count, shard, sequence: firstSequence, timestampMs: Number(earliestMs) };
    if (this.#course.batch(head, this)) this.#places.length = 0;
    this.record({ shard, sequence: firstSequence });
    const place = this.#places[shard]!;
    place.last = lastSequence;
    if (lastSequence > place.highest) place.highest = lastSequence;
  }

  list(): (bigint | undefined)[] {
    return Array.from(this.#places, (place) => place?.highest);
  }

  move(to: KnownSequences): void {
    for (let shard = 0; shard < Math.min(to.length, MAX_SHARDS); shard += 1) {
      const sequence = to[shard];
      if (sequence !== undefined && sequence > (this.#places[shard]?.highest ?? -1n)) {
        this.#places[shard] = { last: sequence, highest: sequence };
      }
    }
  }

  /** Takes a snapshot's positions; a 0 may be a shard that nothing was written to, and stays unknown. */
  #stand(watermarks: ArrayLike<bigint>): void {
    this.#places.length = 0;
    this.move(Array.from(watermarks, (watermark) => (watermark === 0n ? undefined : watermark)));
    this.#course.settle(this);
  }
}
