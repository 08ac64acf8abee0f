/**
 * Verifies what must hold of a dump as a whole, frame by frame: beside each frame's own structure, keys,
 * routing, the order of sequences, the framing of snapshots, and that watermarks never fall within a history
 * (docs/architecture.md, "Histories").
 *
 * A dump knows its shard count from its lists of watermarks, and its histories from the Hellos in it. Where
 * it names none, a snapshot with lower watermarks is another history's and no fault, and a promotion is known
 * by its plausible base.
 */

import type { RouteMode } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { batchHeadOf } from '../../frame/batch.js';
import type { Hello } from '../../frame/hello.js';
import { FrameKind, type FrameKindName, frameKindName } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import type { Stretch } from '../../frame/resync.js';
import { decodeSnapshotChunk } from '../../frame/snapshot.js';
import { firstBelow } from '../../frame/snapshot-framing.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { isShardCount, MAX_SHARDS, SHARD_COUNTS } from '../../limits.js';
import { HistoryCourse } from '../../replication/history-course.js';
import { dumpOffset, openFrame } from '../read/frame-content.js';
import { gapIn, sequenceGap } from '../sequence-gap.js';
import type { BatchCheck, ShardSequences } from './batch-check.js';
import { FrameCheck } from './frame-check.js';

type Watermarks = ArrayLike<bigint>;

/** How a dump is verified. */
export interface VerifierOptions {
  route: RouteMode;
  /** The primary's shard count; undefined: the one that the dump's lists of watermarks have. */
  shards: number | undefined;
  /** Called for each fault, with its byte offset, about in the order of the dump. */
  onFault(fault: FastcacheError, isCutTail: boolean): void;
}

/** The content that was looked at. */
export interface VerifiedContent {
  frames: Partial<Record<FrameKindName, number>>;
  bytes: number;
  /** The number of bytes that belong to no readable frame. */
  damagedBytes: number;
  records: number;
  entries: number;
  /** Snapshots that are whole. */
  snapshots: number;
  /** Snapshots that another snapshot or connection cut short. */
  abandonedSnapshots: number;
  /** The histories in the order of the dump, the first `MAX_HISTORIES` at most. */
  histories: VerifiedHistory[];
  /** The shard count; null when nothing in the dump has it. */
  shards: number | null;
  /** Records whose shard was compared with their key's. */
  routedRecords: number;
  sequences: ShardSequences[];
}

/** A history that begins at some frame of a dump. */
export interface VerifiedHistory {
  /** The byte offset of its Hello, or of the first record behind its base where no Hello names it. */
  offset: number;
  /** The history's id, 32 hex digits; null when no Hello names it. */
  history: string | null;
  base: bigint;
  /** Whether it continues the history before it. */
  continues: boolean;
}

const MAX_HISTORIES = 100;

/** Verifies one dump: `take` for each stretch of it in order, then `end`, then `content`. */
export class DumpVerifier {
  readonly check: FrameCheck;
  readonly #batches: BatchCheck;
  readonly #options: VerifierOptions;
  /** The course of histories; the place of a jump is the gap that it would be. */
  readonly #course: HistoryCourse<FastcacheError>;
  readonly #histories: VerifiedHistory[] = [];
  readonly #frames = new Map<FrameKindName, number>();
  #bytes = 0;
  #damagedBytes = 0;
  #entries = 0;
  #shards = 0;
  /** The watermarks of the last Hello that named the history. */
  #helloWatermarks: Watermarks = [];
  /** The watermarks of the connection's last Ack; empty until one comes. */
  #ackWatermarks: Watermarks = [];

  /** `batches` may have served another dump before. */
  constructor(batches: BatchCheck, options: VerifierOptions) {
    this.#options = options;
    this.#batches = batches;
    batches.reset();
    this.check = new FrameCheck(batches);
    this.#course = new HistoryCourse({ onTakenBack: ({ place }) => options.onFault(place, false) });
    this.#shards = options.shards ?? 0;
    this.#batches.setRouting(this.#shards, options.route);
  }

  take(stretch: Stretch): void {
    if (stretch.type === 'damage') {
      this.#bytes = stretch.end;
      this.#damagedBytes += stretch.end - stretch.start;
      this.#options.onFault(stretch.fault, stretch.isCutTail);
      return;
    }
    const { frame } = stretch;
    const name = frameKindName(frame.header.kind);
    this.#bytes = frame.offset + frame.bytes.length;
    this.#frames.set(name, (this.#frames.get(name) ?? 0) + 1);
    if (frame.header.kind === FrameKind.MutationBatch) this.#takeBatch(frame);
    else if (frame.header.kind === FrameKind.SnapshotChunk) this.#takeChunk(frame);
    else this.#takeSmall(frame);
  }

  /** Ends the dump: reports what can only be known now. */
  end(): void {
    this.#course.end(this.#batches);
    const { snapshot } = this.#course;
    if (!snapshot.isOpen) return;
    const fault = new FastcacheError(
      'SNAPSHOT_OUT_OF_ORDER',
      'The dump ends inside the snapshot that begins here.',
      { expected: 'SnapshotEnd', found: 'the end of the dump' },
    );
    this.#options.onFault(fault.placedAt(snapshot.beginOffset), false);
  }

  content(): VerifiedContent {
    const sequences = this.#batches.sequences();
    return {
      frames: Object.fromEntries(this.#frames),
      bytes: this.#bytes,
      damagedBytes: this.#damagedBytes,
      records: sequences.reduce((sum, { records }) => sum + Number(records), 0),
      entries: this.#entries,
      snapshots: this.#course.snapshot.wholeCount,
      abandonedSnapshots: this.#course.snapshot.abandonedCount,
      histories: this.#allHistories(),
      shards: this.#shards === 0 ? null : this.#shards,
      routedRecords: this.#batches.routedRecords,
      sequences,
    };
  }

  #takeSmall(frame: SplitFrame): void {
    const { content } = openFrame(frame);
    if (content.type === 'hello') this.#takeHello(frame, content.hello, content.margin);
    if (content.type !== 'watermarks') return;
    const { watermarks } = content;
    switch (frame.header.kind) {
      case FrameKind.SnapshotBegin:
        this.#beginSnapshot(frame, watermarks);
        return;
      case FrameKind.SnapshotEnd:
        this.#endSnapshot(frame, watermarks);
        return;
      case FrameKind.Ack:
        if (!this.#checkShards(frame, watermarks, false)) return;
        this.#checkFall(frame, 'An Ack', watermarks, this.#ackWatermarks);
        this.#ackWatermarks = watermarks;
        return;
    }
  }

  #takeHello(frame: SplitFrame, { watermarks = [] }: Hello, margin: Margin | undefined): void {
    this.#ackWatermarks = [];
    const isSame = margin?.has('base') === true && margin.get('history') === this.#course.history?.id;
    this.#checkShards(frame, watermarks, !isSame);
    const outcome = this.#course.hello(margin, watermarks, this.#batches);
    if (outcome === 'claims' || outcome === 'unnamed') return;
    if (isSame) {
      this.#checkFall(frame, "The primary's Hello", watermarks, this.#helloWatermarks);
      this.#checkFall(frame, "The primary's Hello", watermarks, this.#positions());
    } else {
      this.#noteHistory(frame, outcome !== 'begins');
      if (outcome === 'begins') this.#begin(watermarks);
    }
    this.#helloWatermarks = watermarks;
  }

  /** Begins a history: a shard at its base must continue with its first sequence, any other anywhere. */
  #begin(watermarks: Watermarks): void {
    const base = this.#course.history?.base;
    this.#batches.forgetPositions();
    this.#batches.move(Array.from(watermarks, (at) => (at === base ? at : undefined)));
  }

  #noteHistory({ offset }: SplitFrame, continues: boolean): void {
    const { id, base } = this.#course.history!;
    if (this.#histories.length === MAX_HISTORIES) return;
    this.#histories.push({ offset, history: id, base, continues });
  }

  #allHistories(): VerifiedHistory[] {
    const unsaid = this.#course.jumps.map(({ base, place }) => ({
      offset: place.offset ?? 0,
      history: null,
      base,
      continues: true,
    }));
    return [...this.#histories, ...unsaid].sort((one, other) => one.offset - other.offset);
  }

  #takeBatch(frame: SplitFrame): void {
    const head = batchHeadOf(this.check.payloadOf(frame));
    if (head !== undefined && this.#course.batch(head, this.#batches)) {
      this.#batches.forgetPositions();
      this.#batches.move(new Array<bigint>(MAX_SHARDS).fill(0n));
    }
    for (const fault of this.check.batchFaultsOf(frame)) {
      const gap = gapIn(fault);
      if (gap === undefined) this.#options.onFault(fault, false);
      else if (!this.#course.goesOn(gap, fault, this.#batches)) {
        this.#options.onFault(sequenceGap(gap, this.#course.history), false);
      }
    }
  }

  #beginSnapshot(frame: SplitFrame, watermarks: Watermarks): void {
    this.#course.begin(watermarks, frame.offset, this.#batches);
    const isSame = this.#course.history !== undefined;
    if (isSame) this.#checkFall(frame, 'A snapshot', watermarks, this.#positions());
    this.#checkShards(frame, watermarks, !isSame);
    this.#batches.forgetPositions();
    this.#batches.move(watermarks);
  }

  #takeChunk(frame: SplitFrame): void {
    const chunk = decodeSnapshotChunk(this.check.payloadOf(frame));
    this.#entries += chunk.entryCount;
    this.#place(frame, this.#course.snapshot.chunk(chunk));
  }

  #endSnapshot(frame: SplitFrame, watermarks: Watermarks): void {
    const fault = this.#course.snapshot.end(watermarks);
    this.#place(frame, fault);
    if (fault !== undefined) return;
    this.#batches.move(watermarks);
    this.#course.settle(this.#batches);
  }

  #positions(): (bigint | undefined)[] {
    return this.#batches.list().slice(0, this.#shards);
  }

  /**
   * Takes the shard count from a list; an empty one has none. `isNew`: the list may be another store's.
   * Returns false after it has reported a fault.
   */
  #checkShards(frame: SplitFrame, { length }: Watermarks, isNew: boolean): boolean {
    if (length === 0 || length === this.#shards) return true;
    const isFixed = this.#shards !== 0 && (this.#options.shards !== undefined || !isNew);
    if (!isShardCount(length) || isFixed) {
      const expected = isFixed ? this.#shards : SHARD_COUNTS;
      const message = `A list of watermarks is of ${length} shards: expected ${expected}.`;
      this.#place(frame, new FastcacheError('SHARD_COUNT_DIFFERS', message, { expected, found: length }));
      return false;
    }
    this.#shards = length;
    this.#batches.setRouting(length, this.#options.route);
    return true;
  }

  #checkFall(
    frame: SplitFrame,
    what: string,
    watermarks: Watermarks,
    floor: ArrayLike<bigint | undefined>,
  ): void {
    const shard = firstBelow(watermarks, floor);
    if (shard === -1) return;
    const expected = floor[shard]!;
    const found = watermarks[shard]!;
    const message = `${what} has shard ${shard} at ${found}, and it had reached ${expected}.`;
    this.#place(frame, new FastcacheError('WATERMARK_FELL', message, { expected, found }));
  }

  /** Reports a fault at the frame's payload, for it is the frame that does not fit its neighbours. */
  #place(frame: SplitFrame, fault: FastcacheError | undefined): void {
    if (fault === undefined) return;
    this.#options.onFault(fault.placedAt(dumpOffset(frame)), false);
  }
}
