/**
 * What a primary keeps of its recent frames so that a replica that was away need not take a snapshot (fcrp-v1.md,
 * "Primary": Backlog; design.md, "Histories"). One bounded queue a shard; within a shard the frames follow each other
 * without a gap.
 */

import { watermarkOf } from '../watermarks.js';
import { Ring } from './ring.js';

export interface BacklogOptions {
  shards: number;
  /** Frame bytes kept for each shard; the oldest frames go first. */
  maxBytesPerShard: number;
  /** Where each shard's sequences begin, or one number for all; the first is one above it. */
  base?: bigint | ArrayLike<bigint>;
  /** Where each shard stands before the first frame is pushed, when that is past the base. */
  watermarks?: ArrayLike<bigint>;
}

/** What a replica that holds `since` must be given. */
export type CatchUp =
  | { kind: 'nothing' }
  /** Each shard's frames in order; the first of a shard may begin below what the replica holds. */
  | { kind: 'frames'; frames: Buffer[] }
  /** The first shard that the backlog cannot serve: the sequence that it would need, the first one it could give. */
  | { kind: 'needs-snapshot'; shard: number; wanted: bigint; earliest: bigint };

/** What is kept for one shard. */
export interface BacklogWindow {
  frames: number;
  bytes: number;
  /** Records in those frames. */
  records: bigint;
  /** The first sequence that can still be given; one above `watermark` when nothing is kept. */
  earliest: bigint;
  watermark: bigint;
}

/** What of a shard a replica lacks. */
export interface Behind {
  readonly records: number;
  /** Of the frames that hold them; undefined when these are no longer all kept. */
  readonly bytes: number | undefined;
  /** From the first frame that is lacking to the newest, by their records' own times; undefined as `bytes`. */
  readonly ms: number | undefined;
}

/** How far a replica is from the end of what is kept. */
export interface Leeway {
  /** The shard of which it lacks the most bytes. */
  shard: number;
  lackingBytes: number;
  /** What is kept of a shard at the most: once it lacks more it needs a snapshot. */
  shareBytes: number;
  /** Until any shard of it is there, at the present write rate; undefined: nothing is written. */
  ms: number | undefined;
}

export class Backlog {
  readonly #shards: ShardBacklog[];
  readonly #shareBytes: number;

  constructor({ shards, maxBytesPerShard, base = 0n, watermarks }: BacklogOptions) {
    this.#shareBytes = maxBytesPerShard;
    this.#shards = Array.from({ length: shards }, (_, shard) => {
      const from = typeof base === 'bigint' ? base : watermarkOf(base, shard);
      return new ShardBacklog(maxBytesPerShard, from, watermarks?.[shard] ?? from);
    });
  }

  /**
   * Keeps a frame that holds a shard's sequences from `minSequence` to `maxSequence`; `timeMs` is its first record's.
   * Returns false for a foreign shard.
   */
  push(shard: number, frame: Buffer, minSequence: bigint, maxSequence: bigint, timeMs = 0): boolean {
    const queue = this.#shards[shard];
    queue?.push({ frame, minSequence, maxSequence, timeMs });
    return queue !== undefined;
  }

  /** Forgets a shard's frames and moves on to `watermark`: sequences up to there were used and their frame is lost. */
  skipTo(shard: number, watermark: bigint): void {
    this.#shards[shard]?.skipTo(watermark);
  }

  /**
   * A shard goes on in another history, from `watermark` + 1: the numbers between are nobody's, and who holds all up to
   * the jump holds all up to `watermark`. What is kept stays.
   */
  jump(shard: number, watermark: bigint): void {
    this.#shards[shard]?.jump(watermark);
  }

  /** Any one shard that needs a snapshot decides for all. */
  catchUp(since: ArrayLike<bigint>): CatchUp {
    if (since.length > this.#shards.length) {
      const shard = this.#shards.length;
      return { kind: 'needs-snapshot', shard, wanted: watermarkOf(since, shard) + 1n, earliest: 0n };
    }
    for (const [shard, queue] of this.#shards.entries()) {
      const held = watermarkOf(since, shard);
      if (!queue.canServe(held)) {
        return { kind: 'needs-snapshot', shard, wanted: held + 1n, earliest: queue.earliest };
      }
    }
    const frames: Buffer[] = [];
    for (const [shard, queue] of this.#shards.entries())
      queue.collectAbove(watermarkOf(since, shard), frames);
    return frames.length === 0 ? { kind: 'nothing' } : { kind: 'frames', frames };
  }

  /** What a replica lacks of a shard of which it holds all up to `held`. */
  behind(shard: number, held: bigint): Behind {
    return this.#shards[shard]?.behind(held) ?? LEVEL;
  }

  /** What a replica that holds these lacks of each shard. */
  allBehind(held: ArrayLike<bigint>): Behind[] {
    return this.#shards.map((queue, shard) => queue.behind(watermarkOf(held, shard)));
  }

  /** The highest sequence pushed of a shard. */
  watermark(shard: number): bigint {
    return this.#shards[shard]?.watermark ?? 0n;
  }

  /** The highest sequence pushed, a shard. */
  watermarks(): bigint[] {
    return this.#shards.map((queue) => queue.watermark);
  }

  windows(): BacklogWindow[] {
    return this.#shards.map((queue) => queue.window());
  }

  /** The present write rate of each shard, bytes a millisecond; 0: nothing is written, infinite: not even one frame is kept. */
  rates(nowMs: number): number[] {
    return this.#shards.map((queue) => queue.rate(nowMs));
  }

  /** Milliseconds for which a replica that has all may be away at these rates; undefined: nothing is written. */
  windowMs(rates: readonly number[]): number | undefined {
    return msUntilOne(rates, () => this.#shareBytes);
  }

  /** As `windowMs`, of each shard alone. */
  shardWindowsMs(rates: readonly number[]): (number | undefined)[] {
    return rates.map((rate) => this.windowMs([rate]));
  }

  /** Of a replica that lacks `behind`, one for each shard; undefined: it can't be served any more. */
  leeway(behind: readonly Behind[], rates: readonly number[]): Leeway | undefined {
    const shareBytes = this.#shareBytes;
    const most = { shard: 0, lackingBytes: 0, shareBytes };
    for (const [shard, { bytes }] of behind.entries()) {
      if (bytes === undefined) return undefined;
      if (bytes > most.lackingBytes) Object.assign(most, { shard, lackingBytes: bytes });
    }
    const ms = msUntilOne(rates, (shard) => shareBytes - (behind[shard]?.bytes ?? 0));
    return { ...most, ms };
  }

  /** Who has reached these lacks at most this part of its share of any shard. */
  watermarksLacking(part: number): bigint[] {
    return this.#shards.map((queue) => queue.watermarkLacking(part * this.#shareBytes));
  }
}

/** Until at one of the shards so many bytes more are written; undefined: nothing is. */
function msUntilOne(rates: readonly number[], bytes: (shard: number) => number): number | undefined {
  let leastMs = Number.POSITIVE_INFINITY;
  for (const [shard, rate] of rates.entries()) {
    if (rate > 0) leastMs = Math.min(leastMs, Math.max(0, Math.floor(bytes(shard) / rate)));
  }
  return leastMs === Number.POSITIVE_INFINITY ? undefined : leastMs;
}

/** The present write rate is that of so many milliseconds, the records' own. */
const RATE_SPAN_MS = 10_000;
/** A burst that has just begun is not taken for more than it would be over a second. */
const RATE_SPAN_MIN_MS = 1_000;

const LEVEL: Behind = { records: 0, bytes: 0, ms: 0 };

interface NewEntry {
  readonly frame: Buffer;
  readonly minSequence: bigint;
  readonly maxSequence: bigint;
  readonly timeMs: number;
}

interface Entry extends NewEntry {
  /** Bytes of all frames ever pushed before this one. */
  readonly bytesBefore: number;
}

/** Sequences above `from`, up to `to`, that were never given out. */
interface Jump {
  readonly from: bigint;
  readonly to: bigint;
}

/** Each is a promotion; of more than these only how far somebody is behind comes out too high. */
const JUMPS_MAX = 64;

class ShardBacklog {
  readonly #maxBytes: number;
  readonly #base: bigint;
  readonly #jumps: Jump[] = [];
  readonly #entries = new Ring<Entry>();
  #bytes = 0;
  #pushedBytes = 0;
  /** Of the newest frame, kept or not. */
  #newestMs = Number.NEGATIVE_INFINITY;
  #watermark: bigint;

  constructor(maxBytes: number, base: bigint, watermark: bigint) {
    this.#maxBytes = maxBytes;
    this.#base = base;
    this.#watermark = watermark;
  }

  get watermark(): bigint {
    return this.#watermark;
  }

  get earliest(): bigint {
    return this.#entries.at(0)?.minSequence ?? this.#watermark + 1n;
  }

  push(entry: NewEntry): void {
    const { frame, minSequence, maxSequence, timeMs } = entry;
    if (maxSequence <= this.#watermark) return;
    // What lies before a gap can never be part of a catch-up again.
    if (minSequence > this.#watermark + 1n) this.#forget();
    this.#entries.push({ frame, minSequence, maxSequence, timeMs, bytesBefore: this.#pushedBytes });
    this.#bytes += frame.length;
    this.#pushedBytes += frame.length;
    this.#newestMs = timeMs;
    this.#watermark = maxSequence;
    while (this.#bytes > this.#maxBytes) this.#bytes -= this.#entries.shift()?.frame.length ?? 0;
  }

  skipTo(watermark: bigint): void {
    this.#forget();
    if (watermark > this.#watermark) this.#watermark = watermark;
  }

  jump(watermark: bigint): void {
    if (watermark <= this.#watermark) return;
    this.#jumps.push({ from: this.#watermark, to: watermark });
    if (this.#jumps.length > JUMPS_MAX) this.#jumps.shift();
    this.#watermark = watermark;
  }

  /** A replica that is ahead holds something else than we do, so it is not served either. */
  canServe(held: bigint): boolean {
    return held <= this.#watermark && this.#between(held, this.earliest - 1n) <= 0n;
  }

  collectAbove(held: bigint, frames: Buffer[]): void {
    for (let index = this.#firstAbove(held); index < this.#entries.length; index += 1) {
      const entry = this.#entries.at(index);
      if (entry !== undefined) frames.push(entry.frame);
    }
  }

  behind(held: bigint): Behind {
    if (held >= this.#watermark) return LEVEL;
    // Sequences up to the base were never given out.
    const records = Number(this.#between(held > this.#base ? held : this.#base, this.#watermark));
    if (records === 0) return LEVEL;
    const first = this.canServe(held) ? this.#entries.at(this.#firstAbove(held)) : undefined;
    const newest = this.#entries.at(this.#entries.length - 1);
    if (first === undefined || newest === undefined) return { records, bytes: undefined, ms: undefined };
    // A clock that was set back makes no lag negative.
    const ms = Math.max(0, newest.timeMs - first.timeMs);
    return { records, bytes: this.#pushedBytes - first.bytesBefore, ms };
  }

  window(): BacklogWindow {
    const { earliest } = this;
    return {
      frames: this.#entries.length,
      bytes: this.#bytes,
      records: this.#between(earliest - 1n, this.#watermark),
      earliest,
      watermark: this.#watermark,
    };
  }

  /** Sequences above `low`, up to `high`, that were given out. */
  #between(low: bigint, high: bigint): bigint {
    return this.#jumps.reduce((count, { from, to }) => {
      const [first, last] = [low > from ? low : from, high < to ? high : to];
      return first < last ? count - (last - first) : count;
    }, high - low);
  }

  /** Bytes a millisecond at present. */
  rate(nowMs: number): number {
    // A relay's records are of its primary's clock, which may be ahead.
    const untilMs = Math.max(nowMs, this.#newestMs);
    if (this.#newestMs <= untilMs - RATE_SPAN_MS) return 0;
    const first = this.#entries.at(0);
    if (first === undefined) return Number.POSITIVE_INFINITY;
    return this.#bytesSince(untilMs - RATE_SPAN_MS) / this.#rateSpanMs(first, untilMs);
  }

  watermarkLacking(bytes: number): bigint {
    const index = this.#firstWhere(({ bytesBefore }) => this.#pushedBytes - bytesBefore <= bytes);
    return this.#entries.at(index - 1)?.maxSequence ?? this.earliest - 1n;
  }

  /** The time in which `#bytesSince` were pushed. */
  #rateSpanMs(first: Entry, untilMs: number): number {
    const keptMs = untilMs - first.timeMs;
    const wasDropped = first.bytesBefore > 0;
    return Math.min(Math.max(keptMs, wasDropped ? 1 : RATE_SPAN_MIN_MS), RATE_SPAN_MS);
  }

  #bytesSince(timeMs: number): number {
    const entry = this.#entries.at(this.#firstWhere((candidate) => candidate.timeMs > timeMs));
    return this.#pushedBytes - (entry?.bytesBefore ?? 0);
  }

  /** Maximum sequences rise along the queue. */
  #firstAbove(held: bigint): number {
    return this.#firstWhere(({ maxSequence }) => maxSequence > held);
  }

  /** The first entry of which, and of all behind it, `isIt` is true: a binary search. */
  #firstWhere(isIt: (entry: Entry) => boolean): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries.at(middle);
      if (entry !== undefined && isIt(entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #forget(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
