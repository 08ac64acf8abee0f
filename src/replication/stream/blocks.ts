/**
 * Memory for a log of frames. Frames lie one behind the other, from one block into the next, so that a block
 * is full to its last byte. Each frame that begins in a block has a slot of three words with its facts; the
 * slots stand one before the other from the block's back.
 *
 * Ownership: a block belongs to the log that took it from the pool until that gives it back. `view` returns
 * the block's own memory, lent until the log's cursors say that it is no longer in use (cursor.ts). A block
 * whose memory may be in use longer is marked as lent out: it is never written to again, and the garbage
 * collector frees it behind the last of its views.
 */
import assert from 'node:assert';

const BLOCK_MAX_BYTES = 1_048_576;
const BLOCK_MIN_BYTES = 4_096;
/** A block is at most this part of what its owner keeps: at either end of that one is used in part. */
const BLOCK_PART = 1 / 64;
/** A block is at least so many times as large as what it holds for each shard. */
const SHARD_TIMES = 32;
const SHARD_BYTES = 16;
/** How many blocks may wait to be used again; the log gives one back for one that it takes, once full. */
const FREE_MAX = 16;

const WORD_BYTES = 4;
const SLOT_WORDS = 3;
const SLOT_BYTES = SLOT_WORDS * WORD_BYTES;
const WORD_MAX = 0xffff_ffff;
const SIGNED_WORD_MAX = 0x7fff_ffff;
/** A frame's place in its block has 22 bits of a word, its shard the other 10. */
const SHARD_BITS = 10;
const SHARD_MASK = (1 << SHARD_BITS) - 1;

/** How far a log has come. */
export interface Position {
  /** The last sequence of each shard. */
  readonly watermarks: BigUint64Array;
  /** The bytes of all frames of each shard, ever. */
  readonly shardBytes: Float64Array;
  /** The number of all frames, ever. */
  frames: number;
  /** The time of the newest frame, Unix ms. */
  newestMs: number;
}

/** Makes the position of a log that begins at these watermarks. */
export function positionAt(watermarks: ArrayLike<bigint>): Position {
  return {
    watermarks: BigUint64Array.from(watermarks),
    shardBytes: new Float64Array(watermarks.length),
    frames: 0,
    newestMs: Number.NEGATIVE_INFINITY,
  };
}

/** Hands out blocks, and takes them back. */
export class BlockPool {
  readonly #blockBytes: number;
  readonly #shards: number;
  readonly #free: LogBlock[] = [];

  /** Makes a pool for an owner that keeps `ownerBytes` of frames. */
  constructor(ownerBytes: number, shards: number) {
    assert(shards <= SHARD_MASK + 1, 'a shard fits its part of a word');
    const least = Math.max(BLOCK_MIN_BYTES, shards * SHARD_BYTES * SHARD_TIMES);
    const wanted = Math.min(BLOCK_MAX_BYTES, Math.max(least, ownerBytes * BLOCK_PART));
    this.#blockBytes = 2 ** Math.floor(Math.log2(wanted));
    this.#shards = shards;
  }

  /** Returns an empty block whose first byte is the log's at `start`, where that has come to `position`. */
  take(start: number, position: Position): LogBlock {
    const block = this.#free.pop() ?? new LogBlock(this.#blockBytes, this.#shards);
    block.begin(start, position);
    return block;
  }

  /** Takes back `block`, which the caller must not use any more. */
  giveBack(block: LogBlock): void {
    if (!block.isLentOut && this.#free.length < FREE_MAX) this.#free.push(block);
  }

  /** Throws when something does not hold that always should. */
  invariants(owned: ReadonlySet<LogBlock>): void {
    assert(this.#free.length <= FREE_MAX);
    assert.equal(new Set(this.#free).size, this.#free.length, 'a block is free once');
    for (const block of this.#free) {
      assert(!block.isLentOut, 'a free block is not in use elsewhere');
      assert(!owned.has(block), 'a free block has no owner');
    }
  }
}

/** The facts about a frame that its slot has no room for. */
interface Irregular {
  readonly lastSequence: bigint;
  readonly timeMs: number;
}

/**
 * Bytes of a log from `start` to before `end`, with slots for the frames that begin there.
 *
 * The words of a slot: place in the block and shard; last sequence above what its shard was at when the block
 * began; time in ms, above the block's (signed). A frame that these do not fit has an entry in `irregular`.
 */
export class LogBlock {
  readonly #bytes: Buffer;
  readonly #slots: Int32Array;
  readonly #before: Position;
  readonly #irregular = new Map<number, Irregular>();
  #start = 0;
  #usedBytes = 0;
  #slotCount = 0;
  /** Behind the last frame that begins in the block; its start while none does. */
  #framesEnd = 0;
  #baseMs = 0;
  #isLentOut = false;

  constructor(blockBytes: number, shards: number) {
    this.#bytes = Buffer.allocUnsafeSlow(blockBytes);
    this.#slots = new Int32Array(this.#bytes.buffer);
    this.#before = positionAt(new BigUint64Array(shards));
  }

  /** The log's offset of the block's first byte. */
  get start(): number {
    return this.#start;
  }

  /** The log's offset behind the block's last byte. */
  get end(): number {
    return this.#start + this.#usedBytes;
  }

  /** How many frames begin in the block. */
  get slots(): number {
    return this.#slotCount;
  }

  /** The log's offset behind the last frame that begins in the block; its start while none does. */
  get framesEnd(): number {
    return this.#framesEnd;
  }

  /** How far the log had come where the block begins; a frame that runs into the block is counted. */
  get before(): Position {
    return this.#before;
  }

  /** Whether the block's memory may be in use outside the log for good. */
  get isLentOut(): boolean {
    return this.#isLentOut;
  }

  /** Makes the block empty; called by the pool. */
  begin(start: number, { watermarks, shardBytes, frames, newestMs }: Position): void {
    assert(!this.#isLentOut, 'a block that is in use elsewhere is not used again');
    this.#start = start;
    this.#usedBytes = 0;
    this.#slotCount = 0;
    this.#framesEnd = start;
    this.#before.watermarks.set(watermarks);
    this.#before.shardBytes.set(shardBytes);
    this.#before.frames = frames;
    this.#before.newestMs = newestMs;
    this.#irregular.clear();
  }

  /** Marks the block's memory as in use outside the log, so that it is never written to again. */
  lendOut(): void {
    this.#isLentOut = true;
  }

  /**
   * Notes a frame of `frameBytes` that begins here; its bytes follow by `copy`. Returns false when the block
   * has no room for a slot and a byte.
   */
  beginFrame(shard: number, frameBytes: number, lastSequence: bigint, timeMs: number): boolean {
    if (this.#room() <= SLOT_BYTES) return false;
    const index = this.#slotCount;
    if (index === 0) this.#baseMs = timeMs;
    const above = Number(lastSequence - this.#before.watermarks[shard]!);
    const sinceMs = timeMs - this.#baseMs;
    if (above > WORD_MAX || !isSignedWord(sinceMs)) this.#irregular.set(index, { lastSequence, timeMs });
    const word = this.#slots.length - (index + 1) * SLOT_WORDS;
    this.#slots[word] = (this.#usedBytes << SHARD_BITS) | shard;
    this.#slots[word + 1] = above;
    this.#slots[word + 2] = sinceMs;
    this.#slotCount = index + 1;
    this.#framesEnd = this.#start + this.#usedBytes + frameBytes;
    return true;
  }

  /** Takes bytes of `source` from `from` on, as many as there is room for; returns how many. */
  copy(source: Uint8Array, from: number): number {
    const taken = Math.min(this.#room(), source.length - from);
    const isWhole = from === 0 && taken === source.length;
    this.#bytes.set(isWhole ? source : source.subarray(from, from + taken), this.#usedBytes);
    this.#usedBytes += taken;
    return taken;
  }

  /** Returns the block's own memory from one offset of the log to before another, both within the block. */
  view(from: number, until: number): Buffer {
    assert(from >= this.#start && from < until && until <= this.end, 'bytes that the block holds');
    return this.#bytes.subarray(from - this.#start, until - this.#start);
  }

  /** Returns the log's offset at which a frame begins. */
  frameStart(index: number): number {
    return this.#start + (this.#word(index, 0) >>> SHARD_BITS);
  }

  /** Returns the log's offset behind a frame. */
  frameEnd(index: number): number {
    return index + 1 < this.#slotCount ? this.frameStart(index + 1) : this.#framesEnd;
  }

  /** Returns the shard of a frame. */
  shard(index: number): number {
    return this.#word(index, 0) & SHARD_MASK;
  }

  /** Returns the last sequence of a frame. */
  lastSequence(index: number): bigint {
    const exact = this.#irregular.size === 0 ? undefined : this.#irregular.get(index)?.lastSequence;
    return exact ?? this.#before.watermarks[this.shard(index)]! + BigInt(this.#word(index, 1) >>> 0);
  }

  /** Returns the time of a frame, ms. */
  timeMs(index: number): number {
    return this.#irregular.get(index)?.timeMs ?? this.#baseMs + this.#word(index, 2);
  }

  /** Returns the index of the first frame that begins at `offset` or behind it; `slots` when none does. */
  firstFrom(offset: number): number {
    return firstIndex(0, this.#slotCount, (index) => this.frameStart(index) >= offset);
  }

  /** Throws when something does not hold that always should. */
  invariants(): void {
    assert(this.#room() >= 0, 'frames and slots do not meet');
    assert(this.#framesEnd >= this.#start);
    const lasts = this.#before.watermarks.slice();
    for (let index = 0; index < this.#slotCount; index += 1) {
      assert(this.frameStart(index) < this.frameEnd(index), 'a frame has bytes');
      const shard = this.shard(index);
      assert(this.lastSequence(index) > lasts[shard]!, 'last sequences of a shard rise');
      lasts[shard] = this.lastSequence(index);
    }
  }

  #room(): number {
    return this.#bytes.length - this.#usedBytes - this.#slotCount * SLOT_BYTES;
  }

  #word(index: number, which: number): number {
    return this.#slots[this.#slots.length - (index + 1) * SLOT_WORDS + which]!;
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
