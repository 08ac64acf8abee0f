/**
 * Reads the frames that a replica lacks out of segments, one step behind the other. Frames that are handed
 * out are as their index says, and follow those that were handed out before: anything else is a fault, and
 * ends the reading.
 */
import { INDEX_ENTRY_BYTES, IndexEntries, indexPath } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { Indexer } from '../frame-index/indexer.js';
import { type History, isAtEnd } from '../replication/history.js';
import type { ArchivedFrames } from '../replication/primary/archive.js';
import type { DataFiles } from './data-files.js';
import { segmentName } from './manifest.js';
import type { Hold } from './manifest-keeper.js';
import { readBeginning, SegmentFault } from './segment-beginning.js';

/** Bytes that are read at a step, which then takes about a millisecond. */
const STEP_BYTES = 262_144;
/**
 * A reader that has read so many times the bytes that were lacking at first does not catch up with the
 * writer.
 */
const PATIENCE = 4;

/** The segments of a directory, as all readers share them. */
export interface Segments {
  /** Resolves when the next step may be taken, of all readers together: writes go first. */
  turn(): Promise<void>;
  /**
   * Resolves with the bytes of a segment that can be read now, and that its index has. When there were none
   * behind `from`, the index is written first. Rejects where the segment was given up in the middle.
   */
  readableBytes(number: number, from: number): Promise<number>;
  /** Returns the bytes of the segments from that one on that can be read now. */
  bytesFrom(number: number): number;
  /** Returns the segment that continues that one; undefined: it is the last, or is not sealed yet. */
  next(number: number): number | undefined;
  /** Notes that a segment is not as it was written. */
  distrust(number: number): void;
  /** Ends a hold. */
  release(hold: Hold): void;
}

/** The segments that the frames are read from, and the replica that they are for. */
export interface SegmentFramesOptions {
  readonly files: DataFiles;
  readonly segments: Segments;
  /** The segments from the first on. */
  readonly hold: Hold;
  /** The watermarks of the replica, which the first segment's beginning is not ahead of. */
  readonly since: ArrayLike<bigint>;
  /** The history of the stream that the replica follows. */
  readonly history: History;
}

/** The state of the segment that is being read. */
interface OpenSegment {
  readonly number: number;
  readonly history: History;
  readonly indexer: Indexer;
  /** Bytes that were read. */
  bytes: number;
  indexBytes: number;
  /** The bytes that were read of a frame that is not whole yet. */
  held: Buffer[];
}

/** The frames for one replica. */
export class SegmentFrames implements ArchivedFrames {
  readonly #options: SegmentFramesOptions;
  readonly #watermarks: bigint[];
  /** The watermarks of all that was read; undefined before the first segment is begun. */
  #position: bigint[] | undefined;
  #segment: OpenSegment | undefined;
  #leftBytes: number;
  #isClosed = false;

  constructor(options: SegmentFramesOptions) {
    this.#options = options;
    const { since, segments, hold } = options;
    this.#watermarks = Array.from(since);
    this.#leftBytes = PATIENCE * (segments.bytesFrom(hold.from) + STEP_BYTES);
  }

  get watermarks(): readonly bigint[] {
    const { history } = this.#options;
    return this.#watermarks.map((own, shard) => placed(history, shard, own));
  }

  async next(): Promise<Buffer | undefined> {
    const { segments, hold } = this.#options;
    await segments.turn();
    try {
      const segment = this.#segment ?? (await this.#begin(hold.from));
      const until = await segments.readableBytes(segment.number, segment.bytes);
      if (segment.bytes < until) return await this.#step(segment, until);
      const next = segments.next(segment.number);
      if (next === undefined) return undefined;
      if (segment.held.length > 0) throw fault(segment, 'ends inside a frame');
      await this.#begin(next);
      return NOTHING;
    } catch (error) {
      if (error instanceof SegmentFault) segments.distrust(hold.from);
      throw error;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#segment?.indexer.close();
    const { segments, hold } = this.#options;
    segments.release(hold);
  }

  /** Opens a segment, whose beginning must be where the one before has ended. */
  async #begin(number: number): Promise<OpenSegment> {
    const { files, hold } = this.#options;
    const { history, watermarks } = await readBeginning(files, number);
    const begins = Array.from(watermarks, (own, shard) => placed(history, shard, own));
    const ended = this.#position?.map((own, shard) => placed(history, shard, own)) ?? begins;
    if (ended.join() !== begins.join()) {
      throw new SegmentFault(`${segmentName(number)} does not begin where the segment before it ends`);
    }
    this.#position = begins;
    this.#segment?.indexer.close();
    hold.from = number;
    const segment = { number, history, indexer: new Indexer(), bytes: 0, indexBytes: 0, held: [] };
    this.#segment = segment;
    return segment;
  }

  async #step(segment: OpenSegment, until: number): Promise<Buffer> {
    const { files } = this.#options;
    const name = segmentName(segment.number);
    const wanted = Math.min(STEP_BYTES, until - segment.bytes);
    const bytes = (await files.read(name, wanted, segment.bytes))?.subarray(0, wanted);
    if (bytes?.length !== wanted) throw fault(segment, 'is shorter than it was');
    this.#leftBytes -= wanted;
    if (this.#leftBytes < 0) throw new Error('more is written than can be read beside that');
    const from = segment.indexer.frameStart;
    const made = segment.indexer.push(bytes);
    segment.bytes += wanted;
    segment.held.push(bytes);
    if (segment.indexer.isBroken) throw fault(segment, 'has bytes that are no frame');
    if (made.length === 0) return NOTHING;
    const stored = await files.read(indexPath(name), made.length, segment.indexBytes);
    if (stored?.subarray(0, made.length).equals(made) !== true) {
      throw fault(segment, 'is not what its index says');
    }
    const entries = new IndexEntries(segment.indexBytes === 0 ? made.subarray(INDEX_ENTRY_BYTES) : made);
    segment.indexBytes += made.length;
    const whole = segment.held.length === 1 ? bytes : Buffer.concat(segment.held);
    const end = segment.indexer.frameStart - from;
    segment.held = end < whole.length ? [whole.subarray(end)] : [];
    return this.#lacked(segment, entries, whole, from);
  }

  /** Returns those of the frames of these entries that are lacking; `from` is the offset of `bytes`. */
  #lacked(segment: OpenSegment, entries: IndexEntries, bytes: Buffer, from: number): Buffer {
    const pieces: Buffer[] = [];
    let runFrom = 0;
    let runEnd = 0;
    for (let index = 0; index < entries.length; index += 1) {
      const start = entries.offset(index) - from;
      if (!this.#isLacking(segment, entries, index)) continue;
      if (start !== runEnd) {
        if (runEnd > runFrom) pieces.push(bytes.subarray(runFrom, runEnd));
        runFrom = start;
      }
      runEnd = start + entries.bytes(index);
    }
    if (runEnd > runFrom) pieces.push(bytes.subarray(runFrom, runEnd));
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** Takes note of a frame, which must follow what was read; returns whether the replica lacks it. */
  #isLacking(segment: OpenSegment, entries: IndexEntries, index: number): boolean {
    const kind = entries.kind(index);
    if (kind === FrameKind.Hello && entries.offset(index) === 0) return false;
    // Those are the directory's own: the replica is sent other digests with the heartbeats.
    if (kind === FrameKind.Digests || kind === FrameKind.Seal) return false;
    const shard = entries.shard(index);
    const position = this.#position!;
    const own = shard === undefined ? undefined : position[shard];
    if (shard === undefined || own === undefined || !entries.isKnown(index)) {
      throw fault(segment, 'has a frame that cannot be handed on');
    }
    if (entries.firstSequence(index) !== placed(segment.history, shard, own) + 1n) {
      throw fault(segment, `has a gap in shard ${shard}`);
    }
    const last = entries.lastSequence(index);
    position[shard] = last;
    if (last <= this.#watermarks[shard]!) return false;
    this.#watermarks[shard] = last;
    return true;
  }
}

const NOTHING = Buffer.alloc(0);

function fault({ number, bytes }: OpenSegment, what: string): SegmentFault {
  return new SegmentFault(`${segmentName(number)} ${what}, before byte ${bytes}`);
}

/** Returns where a shard is in `history` that is at the end of the one before it, or in one of the two. */
function placed({ base, previous }: History, shard: number, own: bigint): bigint {
  return isAtEnd(previous, shard, own) ? base : own;
}
