/**
 * The published frames of all shards, in the order in which they were published: a stream of bytes in blocks
 * that are used again. Its newest part is the backlog; the part before is kept as long as a cursor still
 * needs it (cursor.ts).
 *
 * Offsets count the stream's bytes from 0; a place between two frames has one.
 */
import assert from 'node:assert';
import { BlockPool, firstIndex, type LogBlock, type Position, positionAt } from './blocks.js';
import { Cursor, type LogReader, type ReadLog } from './cursor.js';
import { Ring } from './ring.js';

/** So many bytes at most gather before they are handed to the readers, however long the turn is. */
const DELIVER_BYTES = 262_144;

/** The size of a log, and the function that is called with frames that it drops. */
export interface FrameLogOptions {
  /** The watermark of each shard before the first frame. */
  watermarks: ArrayLike<bigint>;
  /** Bytes of frames that are kept for nobody in particular; the oldest go first. */
  maxBytes: number;
  /** Called for each frame that is no longer kept, with the offset at which it began. */
  dropped(shard: number, lastSequence: bigint, frameBytes: number, offset: number): void;
}

/** The place of a frame that is kept. */
export interface FramePlace {
  readonly block: LogBlock;
  /** The frame's index in its block. */
  readonly index: number;
}

/** A log, which its owner appends to and reads the tail of, and others by cursors. */
export class FrameLog implements ReadLog {
  readonly #options: FrameLogOptions;
  readonly #pool: BlockPool;
  readonly #end: Position;
  readonly #blocks = new Ring<LogBlock>();
  readonly #cursors = new Set<Cursor>();
  #endOffset = 0;
  #deliveredOffset = 0;
  /** The oldest frame that is kept: the place of its block, its index there, its offset. */
  #tailBlock = 0;
  #tailIndex = 0;
  #tailOffset = 0;

  /** Makes a log without a frame. */
  constructor(options: FrameLogOptions) {
    this.#options = options;
    this.#pool = new BlockPool(options.maxBytes, options.watermarks.length);
    this.#end = positionAt(options.watermarks);
  }

  /** The offset behind the newest frame. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Bytes of frames that have been appended since `deliver`. */
  get undeliveredBytes(): number {
    return this.#endOffset - this.#deliveredOffset;
  }

  /** The offset of the oldest frame that is kept. */
  get tailOffset(): number {
    return this.#tailOffset;
  }

  /** How far the log has come. */
  get end(): Readonly<Position> {
    return this.#end;
  }

  /** The time of the oldest frame that is kept; undefined: none is. */
  get oldestMs(): number | undefined {
    if (this.#tailOffset === this.#endOffset) return undefined;
    this.#passEmptyBlocks();
    return this.#blocks.at(this.#tailBlock)?.timeMs(this.#tailIndex);
  }

  /**
   * Appends a frame, in two parts, which are copied; drops old ones past the log's size, this one too if it
   * is larger than that.
   */
  append(shard: number, header: Uint8Array, payload: Uint8Array, lastSequence: bigint, timeMs: number): void {
    const frameBytes = header.length + payload.length;
    const newest = this.#blocks.at(this.#blocks.length - 1);
    if (newest?.beginFrame(shard, frameBytes, lastSequence, timeMs) !== true) {
      const isBegun = this.#addBlock().beginFrame(shard, frameBytes, lastSequence, timeMs);
      assert(isBegun, 'an empty block takes any frame');
    }
    // The frame counts before what follows it: the blocks that it runs into begin behind it.
    const end = this.#end;
    end.watermarks[shard] = lastSequence;
    end.shardBytes[shard]! += frameBytes;
    end.frames += 1;
    end.newestMs = timeMs;
    this.#copy(header);
    this.#copy(payload);
    while (this.#endOffset - this.#tailOffset > this.#options.maxBytes) this.#dropOldest();
    this.release();
    if (this.undeliveredBytes >= DELIVER_BYTES) this.deliver();
  }

  /** Moves a shard on to `watermark` without a frame. */
  pass(shard: number, watermark: bigint): void {
    this.#end.watermarks[shard] = watermark;
  }

  /** Makes a cursor for `reader` at the end. */
  open(reader: LogReader): Cursor {
    const cursor = new Cursor(this, reader);
    this.#cursors.add(cursor);
    return cursor;
  }

  /** Forgets a cursor; called by the cursor. */
  close(cursor: Cursor): void {
    this.#cursors.delete(cursor);
    this.release();
  }

  /** Has every reader take what has been appended since the last call. */
  deliver(): void {
    if (this.undeliveredBytes === 0) return;
    this.#deliveredOffset = this.#endOffset;
    for (const { reader } of this.#cursors) reader.ready();
  }

  /** Has every reader send at once what it has taken. */
  send(): void {
    for (const { reader } of this.#cursors) reader.send?.();
  }

  /** Ends all cursors, because the next frames do not continue the appended ones; `reason` is in words. */
  interrupt(reason: string): void {
    for (const { reader } of [...this.#cursors]) reader.interrupt(reason);
  }

  /** Returns the block that has the byte at `offset`, which must be kept or held by a cursor. */
  blockAt(offset: number): LogBlock {
    const block = this.#blocks.at(this.#blockIndexAt(offset));
    assert(block !== undefined && block.start <= offset, 'an offset that the log holds');
    return block;
  }

  /** Returns the watermarks behind the last frame that ends at `offset` or before it. */
  watermarksAt(offset: number): bigint[] {
    if (offset >= this.#endOffset) return Array.from(this.#end.watermarks);
    const block = this.blockAt(offset);
    const watermarks = Array.from(block.before.watermarks);
    for (let index = 0; index < block.slots && block.frameEnd(index) <= offset; index += 1) {
      watermarks[block.shard(index)] = block.lastSequence(index);
    }
    return watermarks;
  }

  /** Returns how many frames begin at `offset` or behind it. */
  framesFrom(offset: number): number {
    if (offset >= this.#endOffset) return 0;
    const block = this.blockAt(offset);
    return this.#end.frames - block.before.frames - block.firstFrom(offset);
  }

  /** Returns the first frame kept of a shard that has sequences above `held`; undefined: there is none. */
  firstAbove(shard: number, held: bigint): FramePlace | undefined {
    const { length } = this.#blocks;
    let at = firstIndex(this.#tailBlock, length, (index) => this.#watermarkBehind(index, shard) > held);
    for (; at < length; at += 1) {
      const block = this.#blocks.at(at)!;
      for (let index = at === this.#tailBlock ? this.#tailIndex : 0; index < block.slots; index += 1) {
        if (block.shard(index) === shard && block.lastSequence(index) > held) return { block, index };
      }
    }
    return undefined;
  }

  /** Returns the bytes of a shard's frames from the one at `place` on. */
  shardBytesFrom({ block, index }: FramePlace): number {
    const shard = block.shard(index);
    let before = block.before.shardBytes[shard]!;
    for (let earlier = 0; earlier < index; earlier += 1) {
      if (block.shard(earlier) === shard) before += block.frameEnd(earlier) - block.frameStart(earlier);
    }
    return this.#end.shardBytes[shard]! - before;
  }

  /** Returns the bytes of the frames kept that are newer than `timeMs`. */
  bytesSince(timeMs: number): number {
    const { length } = this.#blocks;
    const at = firstIndex(this.#tailBlock, length, (index) => this.#newestMsBehind(index) > timeMs);
    const block = this.#blocks.at(at);
    if (block === undefined) return 0;
    const from = at === this.#tailBlock ? this.#tailIndex : 0;
    const index = firstIndex(from, block.slots, (slot) => block.timeMs(slot) > timeMs);
    return this.#endOffset - (index < block.slots ? block.frameStart(index) : block.framesEnd);
  }

  /** Marks the memory from one offset to before another as in use for good. */
  lendOut(from: number, until: number): void {
    for (let at = this.#blockIndexAt(from); at < this.#blocks.length; at += 1) {
      const block = this.#blocks.at(at)!;
      if (block.start >= until) return;
      block.lendOut();
    }
  }

  /** Gives back the blocks that nobody needs any more. */
  release(): void {
    let neededFrom = Number.NEGATIVE_INFINITY;
    while (this.#blocks.length > 1 && this.#blocks.at(0)!.end <= this.#tailOffset) {
      if (neededFrom === Number.NEGATIVE_INFINITY) neededFrom = this.#neededFrom();
      if (this.#blocks.at(0)!.end > neededFrom) return;
      const block = this.#blocks.shift()!;
      if (this.#tailBlock === 0) this.#tailIndex = 0;
      else this.#tailBlock -= 1;
      this.#pool.giveBack(block);
    }
  }

  /** Throws when something does not hold that always should. For tests: it looks at every frame. */
  invariants(): void {
    const owned = new Set<LogBlock>();
    let { start: offset } = this.#blocks.at(0) ?? { start: this.#endOffset };
    for (let at = 0; at < this.#blocks.length; at += 1) {
      const block = this.#blocks.at(at)!;
      owned.add(block);
      block.invariants();
      assert.equal(block.start, offset, 'blocks follow each other');
      offset = block.end;
    }
    assert.equal(owned.size, this.#blocks.length, 'a block is in the log once');
    assert.equal(offset, this.#endOffset, 'the log ends with its last block');
    assert(this.#tailOffset <= this.#endOffset && this.#deliveredOffset <= this.#endOffset);
    assert(this.#endOffset - this.#tailOffset <= this.#options.maxBytes, 'the log keeps to its size');
    assert(
      this.#blocks.length === 0 || this.#blocks.at(0)!.start <= this.#neededFrom(),
      'nothing is missing',
    );
    for (const cursor of this.#cursors) cursor.invariants();
    this.#blocks.invariants();
    this.#pool.invariants(owned);
  }

  #neededFrom(): number {
    let offset = this.#tailOffset;
    for (const { heldOffset } of this.#cursors) offset = Math.min(offset, heldOffset);
    return offset;
  }

  #copy(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const newest = this.#blocks.at(this.#blocks.length - 1)!;
      const taken = newest.copy(bytes, from);
      from += taken;
      this.#endOffset += taken;
      if (from < bytes.length) this.#addBlock();
    }
  }

  #addBlock(): LogBlock {
    const block = this.#pool.take(this.#endOffset, this.#end);
    this.#blocks.push(block);
    return block;
  }

  #dropOldest(): void {
    this.#passEmptyBlocks();
    const index = this.#tailIndex;
    const block = this.#blocks.at(this.#tailBlock)!;
    const start = block.frameStart(index);
    this.#tailOffset = block.frameEnd(index);
    this.#tailIndex += 1;
    const { dropped } = this.#options;
    dropped(block.shard(index), block.lastSequence(index), this.#tailOffset - start, start);
  }

  /** Moves the tail's place on to the block in which its frame begins, which is kept. */
  #passEmptyBlocks(): void {
    while (this.#tailIndex === this.#blocks.at(this.#tailBlock)?.slots) {
      this.#tailBlock += 1;
      this.#tailIndex = 0;
    }
  }

  #blockIndexAt(offset: number): number {
    return firstIndex(0, this.#blocks.length, (at) => this.#blocks.at(at)!.end > offset);
  }

  #watermarkBehind(at: number, shard: number): bigint {
    const { watermarks } = this.#blocks.at(at + 1)?.before ?? this.#end;
    return watermarks[shard]!;
  }

  #newestMsBehind(at: number): number {
    return (this.#blocks.at(at + 1)?.before ?? this.#end).newestMs;
  }
}
