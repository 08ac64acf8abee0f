/**
 * Lets a counter of sequences follow histories: where one continues another, nothing is missing between the
 * two. The counter looks at records in the kernel; this class looks at the head of each batch, and moves a
 * shard before the batch is counted.
 */
import { type BatchHead, batchHeadOf } from '../../frame/batch.js';
import { MAX_SHARDS } from '../../limits.js';
import { HistoryCourse, type KnownSequences, type Positions } from '../../replication/history-course.js';
import type { OpenedFrame } from '../read/frame-content.js';
import type { DumpCounter } from './dump-counter.js';

/** The history of one dump; call `frame` before each of its frames is counted. */
export class CountedHistory implements Positions {
  readonly #counter: Pick<DumpCounter, 'reach' | 'reachShard'>;
  readonly #course = new HistoryCourse();
  #highest: (bigint | undefined)[] = [];

  constructor(counter: Pick<DumpCounter, 'reach' | 'reachShard'>) {
    this.#counter = counter;
  }

  frame({ kind, content, frame }: OpenedFrame): void {
    switch (content.type) {
      case 'hello': {
        const { watermarks = [] } = content.hello;
        if (this.#course.hello(content.margin, watermarks, this) === 'begins') this.#stand([]);
        return;
      }
      case 'batch': {
        const head = batchHeadOf(content.payload);
        if (head !== undefined && head.shard < MAX_SHARDS) this.#takeHead(head);
        return;
      }
      case 'watermarks':
        if (kind === 'SnapshotBegin') this.#course.begin(content.watermarks, frame.offset, this);
        else if (kind === 'SnapshotEnd') this.#course.snapshot.abandon();
        else return;
        this.#stand(content.watermarks);
        this.#course.settle(this);
    }
  }

  list(): KnownSequences {
    return this.#highest;
  }

  move(to: KnownSequences): void {
    for (let shard = 0; shard < Math.min(to.length, MAX_SHARDS); shard += 1) {
      const sequence = to[shard];
      if (sequence === undefined || sequence <= (this.#highest[shard] ?? -1n)) continue;
      this.#highest[shard] = sequence;
      this.#counter.reachShard(shard, sequence);
    }
  }

  /** Sets the position of each shard; one at 0, or not listed, may be a shard that nothing was written to. */
  #stand(watermarks: ArrayLike<bigint>): void {
    this.#highest = Array.from(watermarks, (watermark) => (watermark === 0n ? undefined : watermark));
    this.#counter.reach(watermarks);
  }

  #takeHead(head: BatchHead): void {
    if (this.#course.batch(head, this)) this.#stand([]);
    const { shard, sequence, records } = head;
    const highest = this.#highest[shard];
    if (highest !== undefined && sequence > highest + 1n) {
      this.#course.goesOn({ shard, expected: highest + 1n, found: sequence }, undefined, this);
    }
    // The records of a batch are one run of its shard, if a known implementation has written it.
    const last = sequence + BigInt(records) - 1n;
    if (last > (this.#highest[shard] ?? -1n)) this.#highest[shard] = last;
  }
}
