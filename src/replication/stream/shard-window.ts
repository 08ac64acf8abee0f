/** A backlog's record of one shard: which of its sequences can still be given, and which never were. */
import assert from 'node:assert';

/** The frames that are kept for one shard. */
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

/** The part of a shard's sequences that a log still has. */
export class ShardWindow {
  readonly #base: bigint;
  readonly #jumps: Jump[] = [];
  #watermark: bigint;
  /** All above it is kept. */
  #floor: bigint;
  /** Frames that begin before it count for nothing: a gap follows them. */
  #countedFrom = 0;
  #frames = 0;
  #bytes = 0;
  /** The time of the newest frame, kept or not, Unix ms. */
  #newestMs = Number.NEGATIVE_INFINITY;

  /**
   * Makes the window of a shard whose sequences begin above `base`, and of which all up to `watermark` were
   * used before.
   */
  constructor(base: bigint, watermark: bigint) {
    this.#base = base;
    this.#watermark = this.#floor = watermark;
  }

  /** The highest sequence pushed, or jumped to. */
  get watermark(): bigint {
    return this.#watermark;
  }

  /** The time of the newest frame, kept or not, Unix ms; minus infinity before the first. */
  get newestMs(): number {
    return this.#newestMs;
  }

  /** The first sequence that can still be given. */
  get earliest(): bigint {
    return (this.#frames === 0 ? this.#watermark : this.#floor) + 1n;
  }

  /** Notes a frame that is pushed at `offset` of the log. */
  push(
    firstSequence: bigint,
    lastSequence: bigint,
    frameBytes: number,
    timeMs: number,
    offset: number,
  ): void {
    assert(firstSequence <= lastSequence, 'a frame holds a record');
    // Frames before a gap can never be part of a catch-up again.
    if (firstSequence > this.#watermark + 1n) this.#forget(firstSequence - 1n, offset);
    this.#watermark = lastSequence;
    this.#newestMs = timeMs;
    this.#frames += 1;
    this.#bytes += frameBytes;
  }

  /** Notes that the log has dropped a frame, which began at `offset`. */
  dropped(lastSequence: bigint, frameBytes: number, offset: number): void {
    if (offset < this.#countedFrom) return;
    this.#frames -= 1;
    this.#bytes -= frameBytes;
    this.#floor = lastSequence;
  }

  /** Forgets what lies before `offset` of the log, and moves on to `watermark`. */
  skipTo(watermark: bigint, offset: number): void {
    if (watermark > this.#watermark) this.#watermark = watermark;
    this.#forget(this.#watermark, offset);
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

  /** Returns the highest sequence behind which the same records follow as behind `held`. */
  levelOf(held: bigint): bigint {
    let level = held;
    for (const { from, to } of this.#jumps) if (level >= from && level < to) level = to;
    return level;
  }

  /** Returns how many records follow `held`. */
  recordsAbove(held: bigint): number {
    // Sequences up to the base were never given out.
    const from = held > this.#base ? held : this.#base;
    return from >= this.#watermark ? 0 : Number(this.#between(from, this.#watermark));
  }

  /** Returns what is kept. */
  window(): BacklogWindow {
    const earliest = this.earliest;
    const records = this.#between(earliest - 1n, this.#watermark);
    return { frames: this.#frames, bytes: this.#bytes, records, earliest, watermark: this.#watermark };
  }

  /** Throws when something does not hold that always should. */
  invariants(): void {
    assert(this.#frames >= 0 && this.#bytes >= 0);
    assert(this.#floor <= this.#watermark);
    let jumped: bigint | undefined;
    for (const { from, to } of this.#jumps) {
      assert(from < to && (jumped === undefined || jumped <= from), 'jumps follow each other');
      jumped = to;
    }
    assert((jumped ?? this.#watermark) <= this.#watermark);
  }

  #forget(floor: bigint, offset: number): void {
    this.#floor = floor;
    this.#countedFrom = offset;
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
}
