/**
 * What a backlog keeps of one shard: its newest frames, which follow each other without a gap, within a share
 * of bytes.
 */
import assert from 'node:assert';
import { type BlockPool, type FrameBlock, firstIndex } from './blocks.js';
import { Ring } from './ring.js';

/** What is kept for one shard. */
export interface BacklogWindow {
  frames: number;
  /** Bytes of those frames. */
  bytes: number;
  /** How many records those frames have. */
  records: bigint;
  /** The first sequence that can still be given; one above `watermark` when nothing is kept. */
  earliest: bigint;
  /** The highest sequence pushed, or where the shard began. */
  watermark: bigint;
}

/** What a replica lacks of one shard. */
export interface Behind {
  readonly records: number;
  /** Bytes of the frames that hold those records; undefined when these frames are no longer all kept. */
  readonly bytes: number | undefined;
  /**
   * Milliseconds from the first frame that is lacking to the newest, by their records' own times; undefined
   * when `bytes` is.
   */
  readonly ms: number | undefined;
}

/** What a replica lacks that has everything. */
export const LEVEL: Behind = { records: 0, bytes: 0, ms: 0 };

/** The present write rate is counted over so many milliseconds of the records' own time. */
const RATE_SPAN_MS = 10_000;
/** A burst that has just begun is not taken for more than it would be over a second. */
const RATE_SPAN_MIN_MS = 1_000;

/** Sequences above `from`, up to `to`, that were never given out. */
interface Jump {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * How many jumps are remembered. Each is a promotion; past this, only the count of the records that a replica
 * lacks comes out too high.
 */
const JUMPS_MAX = 64;

/** The place of a kept frame. */
interface Place {
  /** The index of its block in the queue. */
  readonly blockIndex: number;
  readonly block: FrameBlock;
  readonly index: number;
}

/** Returns whether a frame is one that is looked for. */
type FrameTest = (block: FrameBlock, index: number) => boolean;

/** One shard's queue of frames. Its blocks are its own until it gives them back to the pool. */
export class ShardBacklog {
  readonly #pool: BlockPool;
  readonly #maxBytes: number;
  readonly #base: bigint;
  readonly #jumps: Jump[] = [];
  /** The blocks in order, none of which is empty. */
  readonly #blocks = new Ring<FrameBlock>();
  #frames = 0;
  #bytes = 0;
  /** Bytes of all frames ever pushed, kept or not. */
  #pushedBytes = 0;
  /** The time of the newest frame, kept or not, Unix ms. */
  #newestMs = Number.NEGATIVE_INFINITY;
  #watermark: bigint;

  /**
   * Makes the queue of a shard whose sequences begin above `base`, and of which all up to `watermark` were
   * used before.
   */
  constructor(pool: BlockPool, maxBytes: number, base: bigint, watermark: bigint) {
    this.#pool = pool;
    this.#maxBytes = maxBytes;
    this.#base = base;
    this.#watermark = watermark;
  }

  /** The highest sequence pushed, or jumped to. */
  get watermark(): bigint {
    return this.#watermark;
  }

  /** The first sequence that can still be given. */
  get earliest(): bigint {
    const block = this.#blocks.at(0);
    return block === undefined ? this.#watermark + 1n : block.firstSequence(block.start);
  }

  /**
   * Keeps a frame, and drops the oldest past the share; does nothing with one that is not above the
   * watermark.
   */
  push(frame: Buffer, firstSequence: bigint, lastSequence: bigint, timeMs: number): void {
    assert(firstSequence <= lastSequence, 'a frame holds a record');
    if (lastSequence <= this.#watermark) return;
    // What lies before a gap can never be part of a catch-up again; nor can what lies before a frame that is
    // not kept.
    const isKept = frame.length <= this.#maxBytes;
    if (firstSequence > this.#watermark + 1n || !isKept) this.#forget();
    if (isKept) this.#append(frame, firstSequence, lastSequence, timeMs);
    this.#pushedBytes += frame.length;
    this.#newestMs = timeMs;
    this.#watermark = lastSequence;
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  /**
   * Forgets all frames and moves on to `watermark`: sequences up to there were used and their frame is lost.
   */
  skipTo(watermark: bigint): void {
    this.#forget();
    if (watermark > this.#watermark) this.#watermark = watermark;
  }

  /** Continues from `watermark` + 1; the numbers between were never given out. */
  jump(watermark: bigint): void {
    if (watermark <= this.#watermark) return;
    this.#jumps.push({ from: this.#watermark, to: watermark });
    if (this.#jumps.length > JUMPS_MAX) this.#jumps.shift();
    this.#watermark = watermark;
  }

  /**
   * Returns whether all above `held` is kept. A replica that is ahead holds something else, so it is not
   * served either.
   */
  canServe(held: bigint): boolean {
    return held <= this.#watermark && this.#between(held, this.earliest - 1n) <= 0n;
  }

  /** Calls `visit` for each block with frames that hold sequences above `held`, with the first of these. */
  visitAbove(held: bigint, visit: (block: FrameBlock, index: number) => void): void {
    const first = this.#firstAbove(held);
    if (first === undefined) return;
    visit(first.block, first.index);
    for (let at = first.blockIndex + 1; at < this.#blocks.length; at += 1) {
      const block = this.#blocks.at(at);
      if (block !== undefined) visit(block, block.start);
    }
  }

  /** Returns what a replica lacks that holds all up to `held`. */
  behind(held: bigint): Behind {
    if (held >= this.#watermark) return LEVEL;
    // Sequences up to the base were never given out.
    const records = Number(this.#between(held > this.#base ? held : this.#base, this.#watermark));
    if (records === 0) return LEVEL;
    const first = this.canServe(held) ? this.#firstAbove(held) : undefined;
    if (first === undefined) return { records, bytes: undefined, ms: undefined };
    const { block, index } = first;
    // A clock that was set back makes no lag negative.
    const ms = Math.max(0, this.#newestMs - block.timeMs(index));
    return { records, bytes: this.#pushedBytes - block.bytesBefore(index), ms };
  }

  /** Returns what is kept. */
  window(): BacklogWindow {
    const { earliest } = this;
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      records: this.#between(earliest - 1n, this.#watermark),
      earliest,
      watermark: this.#watermark,
    };
  }

  /**
   * Returns the present write rate, bytes a millisecond; 0: nothing is written, infinite: no frame is kept.
   */
  rate(nowMs: number): number {
    // A relay's records are of its primary's clock, which may be ahead.
    const untilMs = Math.max(nowMs, this.#newestMs);
    if (this.#newestMs <= untilMs - RATE_SPAN_MS) return 0;
    const oldest = this.#blocks.at(0);
    if (oldest === undefined) return Number.POSITIVE_INFINITY;
    return this.#bytesSince(untilMs - RATE_SPAN_MS) / this.#rateSpanMs(oldest, untilMs);
  }

  /** Returns the watermark from which on a replica lacks at most so many bytes of frames. */
  watermarkLacking(bytes: number): bigint {
    const first = this.#firstWhere((block, index) => this.#pushedBytes - block.bytesBefore(index) <= bytes);
    const isFirstOfBlock = first === undefined || first.index === first.block.start;
    const before = isFirstOfBlock
      ? this.#blocks.at((first?.blockIndex ?? this.#blocks.length) - 1)
      : first.block;
    if (before === undefined) return this.earliest - 1n;
    return before.lastSequence((isFirstOfBlock ? before.end : first.index) - 1);
  }

  /**
   * Throws when something does not hold that always should. Adds the blocks that the queue owns to `owned`.
   */
  invariants(owned: Set<FrameBlock>): void {
    this.#blocks.invariants();
    let frames = 0;
    let bytesBefore = this.#pushedBytes - this.#bytes;
    let lastSequence: bigint | undefined;
    for (let at = 0; at < this.#blocks.length; at += 1) {
      const block = this.#blocks.at(at);
      assert(block !== undefined && !owned.has(block), 'a block has one owner');
      owned.add(block);
      block.invariants();
      assert(at === 0 || block.start === 0, 'only the oldest block has dropped frames');
      assert.equal(block.bytesBefore(block.start), bytesBefore, 'bytes follow each other');
      const first = block.firstSequence(block.start);
      assert(lastSequence === undefined || this.#between(lastSequence, first - 1n) <= 0n, 'no gap');
      lastSequence = block.lastSequence(block.end - 1);
      bytesBefore = block.bytesBefore(block.end);
      frames += block.end - block.start;
    }
    assert.equal(frames, this.#frames);
    assert.equal(bytesBefore, this.#pushedBytes);
    assert(this.#bytes <= this.#maxBytes, 'a shard keeps no more than its share');
    assert((lastSequence ?? this.#watermark) <= this.#watermark);
    let jumped: bigint | undefined;
    for (const { from, to } of this.#jumps) {
      assert(from < to && (jumped === undefined || jumped <= from), 'jumps follow each other');
      jumped = to;
    }
    assert((jumped ?? this.#watermark) <= this.#watermark);
  }

  #append(frame: Buffer, firstSequence: bigint, lastSequence: bigint, timeMs: number): void {
    const newest = this.#blocks.at(this.#blocks.length - 1);
    if (newest?.append(frame, firstSequence, lastSequence, timeMs) !== true) {
      const block = this.#pool.take(this.#pushedBytes);
      const isAppended = block.append(frame, firstSequence, lastSequence, timeMs);
      assert(isAppended, 'an empty block takes any frame');
      this.#blocks.push(block);
    }
    this.#frames += 1;
    this.#bytes += frame.length;
  }

  #dropOldest(): void {
    const block = this.#blocks.at(0);
    assert(block !== undefined, 'bytes are of frames');
    this.#bytes -= block.bytesBefore(block.start + 1) - block.bytesBefore(block.start);
    this.#frames -= 1;
    block.dropOldest();
    if (block.start < block.end) return;
    this.#blocks.shift();
    this.#pool.giveBack(block);
  }

  #forget(): void {
    for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
      this.#pool.giveBack(block);
    }
    this.#frames = 0;
    this.#bytes = 0;
  }

  /** Returns how many of the sequences above `low`, up to `high`, were given out. */
  #between(low: bigint, high: bigint): bigint {
    return this.#jumps.reduce((count, { from, to }) => {
      const [first, last] = [low > from ? low : from, high < to ? high : to];
      return first < last ? count - (last - first) : count;
    }, high - low);
  }

  /** Returns the milliseconds in which `#bytesSince` were pushed. */
  #rateSpanMs(oldest: FrameBlock, untilMs: number): number {
    const keptMs = untilMs - oldest.timeMs(oldest.start);
    const wasDropped = oldest.bytesBefore(oldest.start) > 0;
    return Math.min(Math.max(keptMs, wasDropped ? 1 : RATE_SPAN_MIN_MS), RATE_SPAN_MS);
  }

  #bytesSince(timeMs: number): number {
    const first = this.#firstWhere((block, index) => block.timeMs(index) > timeMs);
    return this.#pushedBytes - (first?.block.bytesBefore(first.index) ?? 0);
  }

  /** Finds the first frame that has sequences above `held`; last sequences rise along the queue. */
  #firstAbove(held: bigint): Place | undefined {
    return this.#firstWhere((block, index) => block.lastSequence(index) > held);
  }

  /**
   * Finds the first frame for which, and for all behind it, `isIt` is true: a binary search over the blocks,
   * then in one.
   */
  #firstWhere(isIt: FrameTest): Place | undefined {
    const blockIndex = firstIndex(0, this.#blocks.length, (at) => {
      const block = this.#blocks.at(at);
      return block !== undefined && isIt(block, block.end - 1);
    });
    const block = this.#blocks.at(blockIndex);
    if (block === undefined) return undefined;
    return { blockIndex, block, index: firstIndex(block.start, block.end, (index) => isIt(block, index)) };
  }
}
