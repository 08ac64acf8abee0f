/**
 * Reads a dump's watermarks: those of a replica that has applied it. A batch raises its shards, unless it
 * belongs to a snapshot; a SnapshotEnd replaces all of them; a Hello moves them where it names a history that
 * continues another (replication/history-course.ts). Claims of peers about themselves, in Hello and Ack, do
 * not count. Neither do gaps.
 */
import { FastcacheError } from '../../errors.js';
import { batchHeadOf } from '../../frame/batch.js';
import { FrameKind } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { MAX_SHARDS } from '../../limits.js';
import type { EndpointHistory } from '../../replication/history.js';
import { HistoryCourse } from '../../replication/history-course.js';
import { BatchCheck } from '../check/batch-check.js';
import { FrameCheck } from '../check/frame-check.js';
import { inDump, readDump } from '../read/dump-reader.js';
import { openFrame } from '../read/frame-content.js';
import { gapIn } from '../sequence-gap.js';

/** The history and watermarks of a replica that has applied a dump. */
export interface DumpWatermarks extends EndpointHistory {
  /** The highest sequence of each shard; index = shard. */
  watermarks: bigint[];
}

/**
 * Reads a dump (`-` is stdin) to its end. Throws as `readDump`, with file and byte offset, and `FCRP_*` and
 * `SHARD_OUT_OF_RANGE` for a frame that no replica takes.
 */
export async function dumpWatermarks(file: string): Promise<DumpWatermarks> {
  const reading = new WatermarkReading();
  try {
    for await (const frame of readDump(file)) reading.take(frame);
  } catch (error) {
    throw inDump(error, file, 0);
  }
  const { history, watermarks } = reading.end();
  return { history: history?.id ?? null, base: history?.base ?? null, watermarks };
}

class WatermarkReading {
  readonly #batches = new BatchCheck();
  readonly #check = new FrameCheck(this.#batches);
  readonly #course = new HistoryCourse();
  /** The shard count of the last list of watermarks that counts; 0 when there was none. */
  #shards = 0;

  take(frame: SplitFrame): void {
    switch (frame.header.kind) {
      case FrameKind.MutationBatch:
        this.#takeBatch(frame);
        return;
      case FrameKind.SnapshotChunk:
        // Entries have no sequences; they need not be decompressed.
        return;
      default:
        this.#takeSmall(frame);
    }
  }

  end() {
    this.#course.end(this.#batches);
    const held = this.#batches.list();
    const length = Math.max(this.#shards, held.findLastIndex((own) => own !== undefined) + 1);
    return {
      history: this.#course.history,
      watermarks: Array.from({ length }, (_, shard) => held[shard] ?? 0n),
    };
  }

  #takeBatch(frame: SplitFrame): void {
    const fault = this.#check.faultOf(frame);
    if (fault !== undefined) throw fault;
    const head = batchHeadOf(this.#check.payloadOf(frame));
    if (head !== undefined && this.#course.batch(head, this.#batches)) this.#batches.forgetPositions();
    // A snapshot is built beside the content that it will replace, until its end.
    if (this.#course.snapshot.isOpen) return;
    for (const found of this.#check.batchFaultsOf(frame)) {
      if (found.code === 'SHARD_OUT_OF_RANGE') throw found;
      const gap = gapIn(found);
      if (gap !== undefined) this.#course.goesOn(gap, undefined, this.#batches);
    }
  }

  #takeSmall(frame: SplitFrame): void {
    const { content } = openFrame(frame);
    if (content.type === 'hello') {
      const { watermarks = [] } = content.hello;
      const outcome = this.#course.hello(content.margin, watermarks, this.#batches);
      if (outcome === 'claims' || outcome === 'unnamed') return;
      if (outcome === 'begins') this.#begin(watermarks);
      if (watermarks.length <= MAX_SHARDS) this.#shards = watermarks.length;
    } else if (content.type === 'watermarks') this.#takeSnapshot(frame, content.watermarks);
  }

  /** Begins a history. The dump has nothing of it, which is no lack where every shard is at its base. */
  #begin(watermarks: ArrayLike<bigint>): void {
    const base = this.#course.history?.base;
    if (!Array.from(watermarks).every((at) => at === base)) return;
    this.#batches.forgetPositions();
    this.#batches.move(watermarks);
  }

  #takeSnapshot(frame: SplitFrame, watermarks: ArrayLike<bigint>): void {
    const { kind } = frame.header;
    if (kind === FrameKind.SnapshotBegin) this.#course.begin(watermarks, frame.offset, this.#batches);
    if (kind !== FrameKind.SnapshotEnd) return;
    if (watermarks.length > MAX_SHARDS) throw outOfRange(watermarks.length - 1, frame.offset);
    this.#course.snapshot.abandon();
    this.#batches.forgetPositions();
    this.#batches.move(watermarks);
    this.#shards = watermarks.length;
    this.#course.settle(this.#batches);
  }
}

function outOfRange(shard: number, offset: number): FastcacheError {
  return new FastcacheError(
    'SHARD_OUT_OF_RANGE',
    `There is no shard ${shard}; a store has ${MAX_SHARDS} at most.`,
    { offset, expected: `0 to ${MAX_SHARDS - 1}`, found: shard },
  );
}
