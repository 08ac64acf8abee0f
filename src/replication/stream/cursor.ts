/**
 * The place of one reader in a log: a replica's connection, a recorder, a tap. It hands out the log's own
 * memory, which the log keeps for as long as the reader says that it is in use.
 */
import assert from 'node:assert';
import { watermarkOf } from '../watermarks.js';
import type { LogBlock } from './blocks.js';

/** The reader of a log. Nothing in it throws, or waits. */
export interface LogReader {
  /**
   * Bytes of what `next` returned that are still in use, of the youngest; bytes from elsewhere may be counted
   * too.
   */
  readonly untakenBytes: number;
  /** Called when frames have been appended. */
  ready(): void;
  /**
   * Called before clients are answered: frames that were taken must leave now, as far as the network takes
   * them.
   */
  send?(): void;
  /** Called when frames to come no longer continue those that were appended; `reason` says in words why. */
  interrupt(reason: string): void;
}

/** The parts of its log that a cursor needs (frame-log.ts). */
export interface ReadLog {
  /** The offset behind the newest frame. */
  readonly endOffset: number;
  /** Returns the block that has the byte at `offset`. */
  blockAt(offset: number): LogBlock;
  /** Marks the memory from one offset to before another as in use for good. */
  lendOut(from: number, until: number): void;
  /** Gives back the blocks that nobody needs any more. */
  release(): void;
  /** Forgets the cursor. */
  close(cursor: Cursor): void;
}

/** A cursor, which begins at the log's end. */
export class Cursor {
  readonly reader: LogReader;
  readonly #log: ReadLog;
  #offset: number;
  /** Behind the frame that has been handed out in part; not above the offset when none has. */
  #frameEnd = 0;
  /**
   * The watermarks that the reader holds: of the frames before `#lackingEnd` it is given those that it lacks.
   */
  #held: ArrayLike<bigint> = [];
  #lackingEnd = 0;
  /** Frames that have been handed out from here on follow each other without a gap. */
  #gaplessFrom: number;
  /** The first byte that may be in use as long as one before `#gaplessFrom` is. */
  #heldFrom: number;
  /** Whether all that is appended is passed over. */
  #isPaused = false;
  #isClosed = false;

  constructor(log: ReadLog, reader: LogReader) {
    this.#log = log;
    this.reader = reader;
    this.#offset = this.#gaplessFrom = this.#heldFrom = log.endOffset;
  }

  /** The offset of the next byte. */
  get offset(): number {
    return this.#isPaused ? this.#log.endOffset : this.#offset;
  }

  /** Bytes that have not been handed out. */
  get lackingBytes(): number {
    return this.#log.endOffset - this.offset;
  }

  /** Whether the bytes that have been handed out end with a whole frame. */
  get isBetweenFrames(): boolean {
    return this.#offset >= this.#frameEnd;
  }

  /** The log's offset from which on the reader needs its bytes. */
  get heldOffset(): number {
    if (this.#isPaused) return this.#log.endOffset;
    const inUseFrom = this.#offset - this.reader.untakenBytes;
    if (inUseFrom >= this.#gaplessFrom) this.#heldFrom = this.#gaplessFrom = inUseFrom;
    return this.#heldFrom;
  }

  /**
   * Goes back to `offset`, where a frame begins, before anything was handed out. Of the frames before `until`
   * only those are handed out of which `held`, the reader's watermarks, has not all.
   */
  rewind(offset: number, until: number, held: ArrayLike<bigint>): void {
    this.#offset = this.#heldFrom = offset;
    this.#lackingEnd = this.#gaplessFrom = until;
    this.#held = held;
  }

  /**
   * Returns the next bytes, before `until`, as one piece of the log's memory; undefined when there are none.
   */
  next(until = this.#log.endOffset): Buffer | undefined {
    if (this.#isInLackingPart()) this.#passHeld();
    if (this.#offset >= until) return undefined;
    const block = this.#log.blockAt(this.#offset);
    const framesEnd = this.#framesEnd(block);
    const pieceEnd = Math.min(framesEnd, block.end, until);
    const piece = block.view(this.#offset, pieceEnd);
    this.#frameEnd = pieceEnd === block.end ? framesEnd : pieceEnd;
    this.#offset = pieceEnd;
    return piece;
  }

  /** Returns a copy of the next frame; undefined when there is none. Not to be mixed with `next`. */
  nextFrame(): Buffer | undefined {
    if (this.#isInLackingPart()) this.#passHeld();
    if (this.#offset >= this.#log.endOffset) return undefined;
    const block = this.#log.blockAt(this.#offset);
    return this.#copyUntil(block.frameEnd(block.firstFrom(this.#offset)));
  }

  /**
   * Passes over all that has not been handed out, and all that is appended until `resume`. Returns a copy of
   * the rest of the frame that has been handed out in part; undefined: none has.
   */
  pause(): Buffer | undefined {
    // The rest is handed out as a copy: the bytes of the log that are in use end before it.
    this.#lendOut();
    const rest = this.#offset < this.#frameEnd ? this.#copyUntil(this.#frameEnd) : undefined;
    this.#isPaused = true;
    this.#log.release();
    return rest;
  }

  /** Goes on at the log's end. */
  resume(): void {
    this.#isPaused = false;
    this.#offset = this.#gaplessFrom = this.#heldFrom = this.#log.endOffset;
    this.#frameEnd = this.#lackingEnd = 0;
  }

  /** Ends the cursor; memory that is in use stays as it is. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isPaused) this.#lendOut();
    this.#log.close(this);
  }

  /** Throws when something does not hold that always should. */
  invariants(): void {
    assert(this.#offset <= this.#log.endOffset);
    assert(this.heldOffset <= this.offset, 'what is in use has been handed out');
    assert(this.reader.untakenBytes >= 0);
  }

  #copyUntil(offset: number): Buffer {
    const copy = Buffer.allocUnsafeSlow(offset - this.#offset);
    let copied = 0;
    while (copied < copy.length) copied += this.next(offset)!.copy(copy, copied);
    return copy;
  }

  /** Whether a frame begins at the offset that the reader may hold. */
  #isInLackingPart(): boolean {
    return this.#offset < this.#lackingEnd && this.#offset >= this.#frameEnd;
  }

  /** Returns the end of the last frame that begins in `block` and that is handed out with the next bytes. */
  #framesEnd(block: LogBlock): number {
    if (this.#offset >= this.#lackingEnd) return Math.max(block.framesEnd, this.#frameEnd);
    return this.#isInLackingPart() ? this.#lackedUntil(block) : this.#frameEnd;
  }

  /** Moves on to the first frame that the reader lacks. */
  #passHeld(): void {
    while (this.#offset < this.#lackingEnd) {
      const block = this.#log.blockAt(this.#offset);
      let index = block.firstFrom(this.#offset);
      while (index < block.slots && !this.#lacks(block, index)) index += 1;
      if (index < block.slots) {
        this.#offset = Math.min(block.frameStart(index), this.#lackingEnd);
        return;
      }
      // A frame that runs on into the next block begins here, and is held.
      this.#offset = block.end;
    }
  }

  /** Returns the end of the frames from the offset on that the reader lacks all of. */
  #lackedUntil(block: LogBlock): number {
    let index = block.firstFrom(this.#offset);
    while (index < block.slots && this.#lacks(block, index)) index += 1;
    return index < block.slots ? block.frameStart(index) : block.framesEnd;
  }

  #lacks(block: LogBlock, index: number): boolean {
    const isBehind = block.frameStart(index) >= this.#lackingEnd;
    return isBehind || block.lastSequence(index) > watermarkOf(this.#held, block.shard(index));
  }

  #lendOut(): void {
    if (this.reader.untakenBytes > 0) this.#log.lendOut(this.heldOffset, this.#offset);
  }
}
