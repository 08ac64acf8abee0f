/** The stream that a journal writes, and its place in it: whole frames, some at a time. */
import type { Cursor, LogReader } from '../replication/stream/cursor.js';
import type { FrameStream } from '../replication/stream/stream.js';

/** Bytes that are written at once, about. */
const WRITE_BYTES = 1_048_576;

/** Frames that are written at once, and sealed. */
export interface FrameGroup {
  readonly pieces: readonly Buffer[];
  /** The place in the journal behind them. */
  readonly end: number;
}

/** The events of a stream that its journal follows. */
export type StreamListener = Pick<LogReader, 'ready' | 'interrupt'>;

/** A stream from where it is now on, until `leave`. */
export class FollowedStream implements LogReader {
  readonly stream: FrameStream;
  readonly #listener: StreamListener;
  readonly #cursor: Cursor;
  /** The number that is added to an offset of the stream for a place in the journal. */
  readonly #shift: number;
  #untakenBytes = 0;

  /** `place` is the place in the journal of the first byte that comes. */
  constructor(stream: FrameStream, place: number, listener: StreamListener) {
    this.stream = stream;
    this.#listener = listener;
    this.#shift = place - stream.backlog.pushedBytes;
    this.#cursor = stream.backlog.open(this);
  }

  get untakenBytes(): number {
    return this.#untakenBytes;
  }

  /** The place behind all that was published. */
  get end(): number {
    return this.stream.backlog.pushedBytes + this.#shift;
  }

  /** Bytes that were published and not taken. */
  get lackingBytes(): number {
    return this.#cursor.lackingBytes;
  }

  /** The watermarks of what was taken. */
  get takenWatermarks(): readonly bigint[] {
    return this.stream.backlog.watermarksAt(this.#cursor.offset);
  }

  /** Returns the watermarks at a place; undefined: the log does not go back so far. */
  watermarksAt(place: number): readonly bigint[] | undefined {
    const offset = place - this.#shift;
    const { backlog } = this.stream;
    return offset < backlog.keptFrom ? undefined : backlog.watermarksAt(offset);
  }

  /** Takes what comes next, about a MiB, in memory of the log that is in use until `written`. */
  take(): FrameGroup & { pieces: Buffer[] } {
    const pieces: Buffer[] = [];
    let bytes = 0;
    // A group has whole frames: they are what a seal proves, and what counts as synced.
    while (bytes < WRITE_BYTES || !this.#cursor.isBetweenFrames) {
      const piece = this.#cursor.next();
      if (piece === undefined) break;
      pieces.push(piece);
      bytes += piece.length;
      // Bytes that are being written count as in use from before the next call on.
      this.#untakenBytes += piece.length;
    }
    return { pieces, end: this.#cursor.offset + this.#shift };
  }

  /** Ends the use of what was taken. */
  written(): void {
    this.#untakenBytes = 0;
  }

  /** Takes all that was published as copies, and ends. */
  leave(): FrameGroup[] {
    const groups: FrameGroup[] = [];
    for (let group = this.take(); group.pieces.length > 0; group = this.take()) {
      groups.push({ pieces: [Buffer.concat(group.pieces)], end: group.end });
    }
    this.close();
    return groups;
  }

  /** Ends; what is in use stays as it is. */
  close(): void {
    this.#cursor.close();
  }

  ready(): void {
    this.#listener.ready();
  }

  interrupt(reason: string): void {
    this.#listener.interrupt(reason);
  }
}
