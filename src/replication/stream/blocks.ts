/**
 * Memory for frames that are kept. A buffer of its own costs several hundred bytes beside its content, so
 * that small frames share blocks: they lie one behind the other from a block's front, and what is known of
 * each, in a slot of three words, one before the other from its back. A large frame is kept as it is and
 * takes a slot only.
 *
 * Ownership: a block belongs to the queue that took it from the pool until that gives it back. `frame` lends
 * its memory: what it returns is a view, and no user of it reports when it is done with that, be it a queue,
 * a socket or a caller of the library. So a block that was lent is never written to again. Given back, it is
 * left to the garbage collector, which frees it behind the last of its views; only blocks of which no view
 * was handed out are used again.
 */
import assert from 'node:assert';

const BLOCK_MAX_BYTES = 65_536;
const BLOCK_MIN_BYTES = 4_096;
/** A block is at most this part of what its owner keeps: at either end of that one is used in part. */
const BLOCK_PART = 1 / 16;
/**
 * What is left at a block's end when the next frame does not fit is less than this part of it, or the least.
 */
const SHARED_PART = 1 / 16;
const SHARED_MIN_BYTES = 512;
/**
 * How many blocks may wait to be used again; each owner gives one back for one that it takes, once it is
 * full.
 */
const FREE_MAX = 16;

const WORD_BYTES = 4;
const SLOT_WORDS = 3;
const SLOT_BYTES = SLOT_WORDS * WORD_BYTES;
const WORD_MAX = 0xffff_ffff;
const SIGNED_WORD_MAX = 0x7fff_ffff;

/** Hands out blocks, and takes them back. */
export class BlockPool {
  readonly #blockBytes: number;
  readonly #free: FrameBlock[] = [];

  /** Makes a pool for owners that keep `ownerBytes` of frames each. */
  constructor(ownerBytes: number) {
    const wanted = 2 ** Math.floor(Math.log2(Math.max(1, ownerBytes * BLOCK_PART)));
    this.#blockBytes = Math.min(BLOCK_MAX_BYTES, Math.max(BLOCK_MIN_BYTES, wanted));
  }

  /**
   * Returns an empty block; frames that ever came before those that it is to hold had `bytesBefore` bytes.
   */
  take(bytesBefore: number): FrameBlock {
    const block = this.#free.pop() ?? new FrameBlock(this.#blockBytes);
    block.begin(bytesBefore);
    return block;
  }

  /** Takes back `block`, which the caller must not use any more. */
  giveBack(block: FrameBlock): void {
    if (!block.isLent && this.#free.length < FREE_MAX) this.#free.push(block);
  }

  /** Throws when something does not hold that always should. */
  invariants(owned: ReadonlySet<FrameBlock>): void {
    assert(this.#free.length <= FREE_MAX);
    assert.equal(new Set(this.#free).size, this.#free.length, 'a block is free once');
    for (const block of this.#free) {
      assert(!block.isLent, 'a free block was never lent');
      assert(!owned.has(block), 'a free block has no owner');
    }
  }
}

/** A frame that is kept as it is. */
interface LargeFrame {
  readonly index: number;
  /** The frame; undefined once the block has dropped it. */
  frame: Buffer | undefined;
  /** Bytes of the block's large frames up to this one and with it. */
  readonly largeBytes: number;
}

/** What a slot cannot say of its frame. */
interface Irregular {
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
  readonly timeMs: number;
}

/**
 * Frames of one shard, in the order of their sequences. Their indexes are from `start`, the oldest that has
 * not been dropped, to before `end`.
 *
 * The words of a slot: bytes of the block's frames up to this one and with it; its last sequence, above the
 * block's base; its time in ms, above the block's (signed). A frame that these do not fit, or whose first
 * sequence does not follow the last one before it, has an entry in `irregular` too.
 */
export class FrameBlock {
  readonly #bytes: Buffer;
  readonly #slots: Int32Array;
  readonly #sharedMaxBytes: number;
  #start = 0;
  #end = 0;
  /** Bytes of frames that lie in the block. */
  #usedBytes = 0;
  /** Bytes of all frames of the block, dropped ones and large ones included. */
  #frameBytes = 0;
  #bytesBefore = 0;
  /** One below the first frame's first sequence. */
  #base = 0n;
  #baseMs = 0;
  #large: LargeFrame[] = [];
  /** The index in `large` of the first that has not been dropped. */
  #firstLarge = 0;
  readonly #irregular = new Map<number, Irregular>();
  #isLent = false;

  constructor(blockBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(blockBytes);
    this.#slots = new Int32Array(this.#bytes.buffer);
    this.#sharedMaxBytes = Math.max(SHARED_MIN_BYTES, blockBytes * SHARED_PART);
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Whether a view of the block's memory was handed out. */
  get isLent(): boolean {
    return this.#isLent;
  }

  /** Makes the block empty; called by the pool. */
  begin(bytesBefore: number): void {
    assert(!this.#isLent, 'a block that was lent is not used again');
    this.#start = 0;
    this.#end = 0;
    this.#usedBytes = 0;
    this.#frameBytes = 0;
    this.#bytesBefore = bytesBefore;
    if (this.#large.length > 0) this.#large = [];
    this.#firstLarge = 0;
    this.#irregular.clear();
  }

  /**
   * Keeps a frame that holds the sequences from `firstSequence` to `lastSequence` behind those that the block
   * has, whose last sequence is below `lastSequence`. Returns false when the block is full, which an empty
   * one is not.
   */
  append(frame: Buffer, firstSequence: bigint, lastSequence: bigint, timeMs: number): boolean {
    const index = this.#end;
    if (index === 0) {
      this.#base = firstSequence - 1n;
      this.#baseMs = timeMs;
    }
    const sharedBytes = frame.length <= this.#sharedMaxBytes ? frame.length : 0;
    const slotsAt = this.#bytes.length - (index + 1) * SLOT_BYTES;
    const frameBytes = this.#frameBytes + frame.length;
    const above = Number(lastSequence - this.#base);
    const isFull = this.#usedBytes + sharedBytes > slotsAt || frameBytes > WORD_MAX || above > WORD_MAX;
    if (isFull && index > 0) return false;
    const sinceMs = timeMs - this.#baseMs;
    const follows = index === 0 || firstSequence === this.lastSequence(index - 1) + 1n;
    if (!follows || above > WORD_MAX || !isSignedWord(sinceMs)) {
      this.#irregular.set(index, { firstSequence, lastSequence, timeMs });
    }
    const word = slotsAt / WORD_BYTES;
    this.#slots[word] = frameBytes;
    this.#slots[word + 1] = above;
    this.#slots[word + 2] = sinceMs;
    if (sharedBytes > 0) this.#bytes.set(frame, this.#usedBytes);
    else this.#keepLarge(frame, index);
    this.#usedBytes += sharedBytes;
    this.#frameBytes = frameBytes;
    this.#end = index + 1;
    return true;
  }

  /** Drops the oldest frame. The memory of one that shares the block's is free with the block. */
  dropOldest(): void {
    const large = this.#large[this.#firstLarge];
    if (large?.index === this.#start) {
      large.frame = undefined;
      this.#firstLarge += 1;
    }
    this.#start += 1;
  }

  /** The bytes of a frame, which never change again. They are the very buffer that was appended, or lent. */
  frame(index: number): Buffer {
    assert(index >= this.#start && index < this.#end, 'a frame that the block holds');
    const at = this.#firstLargeFrom(index);
    const large = this.#large[at];
    if (large?.frame !== undefined && large.index === index) return large.frame;
    return this.#lend(index, index + 1, this.#large[at - 1]);
  }

  /** Returns the bytes of all frames from `index` on, in as few pieces as they lie in. */
  runs(index: number): Buffer[] {
    assert(index >= this.#start && index <= this.#end, 'a frame that the block holds');
    const runs: Buffer[] = [];
    let from = index;
    for (let at = this.#firstLargeFrom(index); from < this.#end; at += 1) {
      const large = this.#large[at];
      const until = large?.index ?? this.#end;
      if (until > from) runs.push(this.#lend(from, until, this.#large[at - 1]));
      if (large?.frame !== undefined) runs.push(large.frame);
      from = until + 1;
    }
    return runs;
  }

  /** Returns the first sequence of a frame, as it was appended. */
  firstSequence(index: number): bigint {
    const exact = this.#irregular.get(index)?.firstSequence;
    if (exact !== undefined) return exact;
    return index === 0 ? this.#base + 1n : this.lastSequence(index - 1) + 1n;
  }

  /** Returns the last sequence of a frame, as it was appended. */
  lastSequence(index: number): bigint {
    const exact = this.#irregular.get(index)?.lastSequence;
    return exact ?? this.#base + BigInt(this.#word(index, 1) >>> 0);
  }

  /** Returns the time of a frame, ms, as it was appended. */
  timeMs(index: number): number {
    return this.#irregular.get(index)?.timeMs ?? this.#baseMs + this.#word(index, 2);
  }

  /** Returns the bytes of all frames ever, of this block and of those before it, before this one. */
  bytesBefore(index: number): number {
    return this.#bytesBefore + this.#bytesThrough(index - 1);
  }

  /** Throws when something does not hold that always should. */
  invariants(): void {
    assert(this.#start < this.#end, 'a block in use holds a frame');
    assert(this.#usedBytes <= this.#bytes.length - this.#end * SLOT_BYTES, 'frames and slots do not meet');
    assert.equal(this.#bytesThrough(this.#end - 1), this.#frameBytes);
    assert.equal(this.#usedBytes + (this.#large.at(-1)?.largeBytes ?? 0), this.#frameBytes);
    for (let index = this.#start; index < this.#end; index += 1) {
      assert(this.firstSequence(index) <= this.lastSequence(index));
      if (index === this.#start) continue;
      assert(this.lastSequence(index - 1) < this.lastSequence(index), 'last sequences rise');
      assert(this.#bytesThrough(index - 1) <= this.#bytesThrough(index));
    }
    for (const [at, { index, frame }] of this.#large.entries()) {
      assert.equal(frame !== undefined, at >= this.#firstLarge, 'a dropped frame is let go');
      assert.equal(frame !== undefined, index >= this.#start);
    }
  }

  #keepLarge(frame: Buffer, index: number): void {
    const largeBytes = (this.#large.at(-1)?.largeBytes ?? 0) + frame.length;
    this.#large.push({ index, frame, largeBytes });
  }

  /** Returns the index in `large` of the first frame that is not dropped and is at `index` or behind it. */
  #firstLargeFrom(index: number): number {
    return firstIndex(this.#firstLarge, this.#large.length, (at) => {
      const large = this.#large[at];
      return large !== undefined && large.index >= index;
    });
  }

  /**
   * Returns a view of frames that share the block's memory and follow each other; `before` is the last large
   * one before them.
   */
  #lend(from: number, until: number, before: LargeFrame | undefined): Buffer {
    this.#isLent = true;
    const largeBytes = before?.largeBytes ?? 0;
    return this.#bytes.subarray(
      this.#bytesThrough(from - 1) - largeBytes,
      this.#bytesThrough(until - 1) - largeBytes,
    );
  }

  #bytesThrough(index: number): number {
    return index < 0 ? 0 : this.#word(index, 0) >>> 0;
  }

  #word(index: number, which: number): number {
    return this.#slots[this.#slots.length - (index + 1) * SLOT_WORDS + which] ?? 0;
  }
}

/**
 * Returns the first of the numbers from `low` to before `high` for which, and for all behind it, `isIt` is
 * true; `high` when there is none.
 */
export function firstIndex(low: number, high: number, isIt: (index: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isIt(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

function isSignedWord(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= SIGNED_WORD_MAX;
}
