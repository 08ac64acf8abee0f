/**
 * What is true of a dump as a whole, frame by frame: beside each frame's own structure, keys, routing, the order of
 * sequences, the framing of snapshots, and that watermarks never fall within a history (design.md, "Histories").
 *
 * A dump knows its shard count from its lists of watermarks, and its history from the Hellos of a primary of ours. A
 * recorded stream has no Hello: there a snapshot with lower watermarks is another history's, and no fault.
 */

import type { RouteMode } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import type { Hello } from '../../frame/hello.js';
import { FrameKind, type FrameKindName, frameKindName } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import type { Stretch } from '../../frame/resync.js';
import { decodeSnapshotChunk } from '../../frame/snapshot.js';
import { firstBelow, SnapshotFraming } from '../../frame/snapshot-framing.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { FRAME_HEADER_BYTES, MAX_SHARDS } from '../../limits.js';
import { historyInMargin } from '../../replication/history.js';
import { openFrame } from '../read/frame-content.js';
import type { BatchCheck, ShardSequences } from './batch-check.js';
import { FrameCheck } from './frame-check.js';

type Watermarks = ArrayLike<bigint>;

export interface VerifierOptions {
  route: RouteMode;
  /** Undefined: what the dump's lists of watermarks say. */
  shards: number | undefined;
  /** Told of each fault, with its byte offset, about in the order of the dump. */
  onFault(fault: FastcacheError, isCutTail: boolean): void;
}

/** What was looked at. */
export interface VerifiedContent {
  frames: Partial<Record<FrameKindName, number>>;
  bytes: number;
  /** Of these, bytes that belong to no readable frame. */
  damagedBytes: number;
  records: number;
  entries: number;
  /** That are whole, and that another snapshot or connection cut short. */
  snapshots: number;
  abandonedSnapshots: number;
  /** Null: nothing says how many. */
  shards: number | null;
  /** Records whose shard was compared with their key's. */
  routedRecords: number;
  sequences: ShardSequences[];
}

export class DumpVerifier {
  readonly check: FrameCheck;
  readonly #batches: BatchCheck;
  readonly #options: VerifierOptions;
  readonly #snapshot = new SnapshotFraming();
  readonly #frames = new Map<FrameKindName, number>();
  #bytes = 0;
  #damagedBytes = 0;
  #entries = 0;
  #snapshots = 0;
  #abandonedSnapshots = 0;
  #shards = 0;
  /** Of the primary that was last heard. */
  #history: string | null = null;
  #helloWatermarks: Watermarks = [];
  /** Of this connection. */
  #ackWatermarks: Watermarks = [];

  /** `batches` may have served another dump before. */
  constructor(batches: BatchCheck, options: VerifierOptions) {
    this.#options = options;
    this.#batches = batches;
    batches.reset();
    this.check = new FrameCheck(batches);
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
    if (frame.header.kind === FrameKind.MutationBatch) {
      for (const fault of this.check.batchFaultsOf(frame)) this.#options.onFault(fault, false);
    } else if (frame.header.kind === FrameKind.SnapshotChunk) this.#takeChunk(frame);
    else this.#takeSmall(frame);
  }

  /** The dump is over. */
  end(): void {
    if (!this.#snapshot.isOpen) return;
    const fault = new FastcacheError(
      'SNAPSHOT_OUT_OF_ORDER',
      'The dump ends inside the snapshot that begins here.',
      { expected: 'SnapshotEnd', found: 'the end of the dump' },
    );
    this.#options.onFault(fault.placedAt(this.#snapshot.beginOffset), false);
  }

  content(): VerifiedContent {
    const sequences = this.#batches.sequences();
    return {
      frames: Object.fromEntries(this.#frames),
      bytes: this.#bytes,
      damagedBytes: this.#damagedBytes,
      records: sequences.reduce((sum, { records }) => sum + Number(records), 0),
      entries: this.#entries,
      snapshots: this.#snapshots,
      abandonedSnapshots: this.#abandonedSnapshots,
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

  /** A connection begins. */
  #takeHello(frame: SplitFrame, { watermarks = [] }: Hello, margin: Margin | undefined): void {
    this.#abandonSnapshot();
    this.#ackWatermarks = [];
    const { history, base } = historyInMargin(margin);
    const isPrimary = history !== null && base !== null;
    const isSame = isPrimary && history === this.#history;
    this.#checkShards(frame, watermarks, !isSame);
    if (!isPrimary) return;
    if (isSame) {
      this.#checkFall(frame, "The primary's Hello", watermarks, this.#helloWatermarks);
      this.#checkFall(frame, "The primary's Hello", watermarks, this.#positions());
    } else if (this.#history !== null) this.#batches.forgetPositions();
    this.#history = history;
    this.#helloWatermarks = watermarks;
  }

  #beginSnapshot(frame: SplitFrame, watermarks: Watermarks): void {
    this.#abandonSnapshot();
    const isSame = this.#history !== null;
    if (isSame) this.#checkFall(frame, 'A snapshot', watermarks, this.#positions());
    this.#checkShards(frame, watermarks, !isSame);
    this.#snapshot.begin(watermarks, frame.offset);
    this.#batches.forgetPositions();
    this.#raisePositions(watermarks);
  }

  #takeChunk(frame: SplitFrame): void {
    const chunk = decodeSnapshotChunk(this.check.payloadOf(frame));
    this.#entries += chunk.entryCount;
    this.#tell(frame, this.#snapshot.chunk(chunk));
  }

  #endSnapshot(frame: SplitFrame, watermarks: Watermarks): void {
    const fault = this.#snapshot.end(watermarks);
    if (fault !== undefined) {
      this.#tell(frame, fault);
      return;
    }
    this.#snapshots += 1;
    this.#raisePositions(watermarks);
  }

  #abandonSnapshot(): void {
    if (!this.#snapshot.isOpen) return;
    this.#snapshot.abandon();
    this.#abandonedSnapshots += 1;
  }

  #raisePositions(watermarks: Watermarks): void {
    for (let shard = 0; shard < Math.min(watermarks.length, MAX_SHARDS); shard++) {
      this.#batches.raisePosition(shard, watermarks[shard]!);
    }
  }

  #positions(): (bigint | undefined)[] {
    return Array.from({ length: this.#shards }, (_, shard) => this.#batches.positionOf(shard));
  }

  /** Takes the shard count from a list; an empty one says nothing. `isNew`: it may be another store's. False: told. */
  #checkShards(frame: SplitFrame, { length }: Watermarks, isNew: boolean): boolean {
    if (length === 0 || length === this.#shards) return true;
    const isPossible = length <= MAX_SHARDS && (length & (length - 1)) === 0;
    const isFixed = this.#shards !== 0 && (this.#options.shards !== undefined || !isNew);
    if (!isPossible || isFixed) {
      const expected = isFixed ? this.#shards : `a power of two, 1 to ${MAX_SHARDS}`;
      const message = `A list of watermarks is of ${length} shards: expected ${expected}.`;
      this.#tell(frame, new FastcacheError('SHARD_COUNT_DIFFERS', message, { expected, found: length }));
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
    this.#tell(frame, new FastcacheError('WATERMARK_FELL', message, { expected, found }));
  }

  /** Where a frame does not fit its neighbours, its payload is the place. */
  #tell(frame: SplitFrame, fault: FastcacheError | undefined): void {
    if (fault === undefined) return;
    const offset = frame.header.compressed ? frame.offset : frame.offset + FRAME_HEADER_BYTES;
    this.#options.onFault(fault.placedAt(offset), false);
  }
}
