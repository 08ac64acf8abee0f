/**
 * The recent frames that a primary keeps so that a replica that was away need not take a snapshot
 * (docs/protocol.md, "Backlog"; docs/architecture.md, "Histories" and "One log").
 */
import { watermarkOf } from '../watermarks.js';
import type { Cursor, LogReader } from './cursor.js';
import { FrameLog, type FramePlace } from './frame-log.js';
import { type BacklogWindow, ShardWindow } from './shard-window.js';

export type { BacklogWindow } from './shard-window.js';

/** The shards of a backlog, and how much it keeps. */
export interface BacklogOptions {
  /** How many shards it has, 1,024 at most; frames of others are refused. */
  shards: number;
  /** Frame bytes kept, of all shards together; the oldest frames go first. */
  maxBytes: number;
  /** The sequence below each shard's first one, for each shard or one number for all; 0 when absent. */
  base?: bigint | ArrayLike<bigint>;
  /** Each shard's watermark before the first frame is pushed, when that is past the base. */
  watermarks?: ArrayLike<bigint>;
}

/**
 * The first shard that the backlog cannot serve: the sequence that it would need, the first one it could
 * give.
 */
export interface NeedsSnapshot {
  kind: 'needs-snapshot';
  shard: number;
  wanted: bigint;
  earliest: bigint;
}

/** The frames that a replica must be sent. */
export type CatchUp =
  | { kind: 'nothing' }
  /** Frames in the order of publishing; the first of a shard may begin below what the replica holds. */
  | { kind: 'frames'; frames: Buffer[] }
  | NeedsSnapshot;

/** The records of one shard that a replica lacks. */
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

/** The lack of a replica that has everything. */
const LEVEL: Behind = { records: 0, bytes: 0, ms: 0 };

/** How far a replica is from the end of what is kept. */
export interface Leeway {
  /** Bytes that were published since the first frame that it lacks. */
  lackingBytes: number;
  /** Bytes that are kept at most: once it lacks more it needs a snapshot. */
  limitBytes: number;
  /** Milliseconds until then, at the present write rate; undefined: nothing is written. */
  ms: number | undefined;
}

/** The present write rate is counted over so many milliseconds of the records' own time. */
const RATE_SPAN_MS = 10_000;
/** A burst that has just begun is not taken for more than it would be over a second. */
const RATE_SPAN_MIN_MS = 1_000;

const NOTHING = Buffer.alloc(0);

/**
 * The published frames of all shards in one log, in the order of publishing; within a shard they follow each
 * other without a gap. The newest `maxBytes` of it are kept for replicas that come back; readers have cursors
 * in it, for which it keeps more.
 *
 * A replica that is served claims `since`: its watermarks, the highest sequence that it holds of each shard,
 * below which it holds all. A list that is too short claims 0 of the rest. Of each shard it is sent the
 * frames whose last sequence is above that; records of the first that it holds already do no harm. It needs a
 * snapshot when in any shard it lacks what is no longer kept, or claims more than was ever pushed.
 */
export class Backlog {
  readonly #shards: ShardWindow[];
  readonly #maxBytes: number;
  readonly #log: FrameLog;

  /** Makes a backlog that keeps nothing at first. */
  constructor({ shards, maxBytes, base = 0n, watermarks }: BacklogOptions) {
    this.#maxBytes = maxBytes;
    this.#shards = Array.from({ length: shards }, (_, shard) => {
      const from = typeof base === 'bigint' ? base : watermarkOf(base, shard);
      return new ShardWindow(from, watermarks?.[shard] ?? from);
    });
    this.#log = new FrameLog({
      watermarks: this.watermarks(),
      maxBytes,
      dropped: (shard, lastSequence, frameBytes, offset) =>
        this.#shards[shard]!.dropped(lastSequence, frameBytes, offset),
    });
  }

  /** Bytes that have been pushed so far. */
  get pushedBytes(): number {
    return this.#log.endOffset;
  }

  /** The offset of a cursor from which on the backlog keeps all. */
  get keptFrom(): number {
    return this.#log.tailOffset;
  }

  /** Bytes that have been pushed since `deliver`. */
  get undeliveredBytes(): number {
    return this.#log.undeliveredBytes;
  }

  /**
   * Copies a frame that holds a shard's sequences from `firstSequence` to `lastSequence`; one that is not
   * above the shard's watermark is ignored. It may come in two parts. `timeMs` is its first record's, Unix
   * ms. Returns false for a foreign shard.
   */
  push(
    shard: number,
    frame: Uint8Array,
    firstSequence: bigint,
    lastSequence: bigint,
    timeMs = 0,
    rest: Uint8Array = NOTHING,
  ): boolean {
    const window = this.#shards[shard];
    if (window === undefined) return false;
    if (lastSequence <= window.watermark) return true;
    window.push(firstSequence, lastSequence, frame.length + rest.length, timeMs, this.#log.endOffset);
    this.#log.append(shard, frame, rest, lastSequence, timeMs);
    return true;
  }

  /**
   * Forgets a shard's frames and moves on to `watermark`: sequences up to there were used and their frame is
   * lost.
   */
  skipTo(shard: number, watermark: bigint): void {
    const window = this.#shards[shard];
    if (window === undefined) return;
    window.skipTo(watermark, this.#log.endOffset);
    this.#log.pass(shard, window.watermark);
  }

  /**
   * Continues a shard in another history, from `watermark` + 1: the numbers between were never given out, and
   * a replica that holds all up to the jump holds all up to `watermark`. Frames that are kept stay.
   */
  jump(shard: number, watermark: bigint): void {
    const window = this.#shards[shard];
    if (window === undefined) return;
    window.jump(watermark);
    this.#log.pass(shard, window.watermark);
  }

  /** Makes a cursor for `reader`, which is given all that is pushed from now on. */
  open(reader: LogReader): Cursor {
    return this.#log.open(reader);
  }

  /**
   * Makes a cursor for `reader`, which is given what a replica lacks that holds `since`, and all that is
   * pushed from now on; `needsSnapshot` must have said that this can be.
   */
  openSince(since: ArrayLike<bigint>, reader: LogReader): Cursor {
    const cursor = this.#log.open(reader);
    const places = this.#shards.map((_, shard) => this.#offsetSince(shard, watermarkOf(since, shard)));
    cursor.rewind(Math.min(...places), Math.max(...places), since);
    return cursor;
  }

  /** Has every reader take what has been pushed. */
  deliver(): void {
    this.#log.deliver();
  }

  /** Has every reader send at once what it has taken. */
  send(): void {
    this.#log.send();
  }

  /** Interrupts every reader, because the next frames do not continue those that were pushed. */
  interrupt(reason: string): void {
    this.#log.interrupt(reason);
  }

  /** Returns how many frames follow an offset of a cursor. */
  framesFrom(offset: number): number {
    return this.#log.framesFrom(offset);
  }

  /** Returns the watermarks of a reader that has been given all before an offset of a cursor. */
  watermarksAt(offset: number): bigint[] {
    return this.#log.watermarksAt(offset);
  }

  /**
   * Returns what a replica that holds `since` must be sent; any one shard that needs a snapshot decides for
   * all.
   */
  catchUp(since: ArrayLike<bigint>): CatchUp {
    const needsSnapshot = this.needsSnapshot(since);
    if (needsSnapshot !== undefined) return needsSnapshot;
    const frames = this.#framesSince(since);
    return frames.length === 0 ? { kind: 'nothing' } : { kind: 'frames', frames };
  }

  /** Returns why a replica that holds `since` cannot be served; undefined: it can. */
  needsSnapshot(since: ArrayLike<bigint>): NeedsSnapshot | undefined {
    const shards = this.#shards.length;
    if (since.length > shards) {
      return { kind: 'needs-snapshot', shard: shards, wanted: watermarkOf(since, shards) + 1n, earliest: 0n };
    }
    for (const [shard, window] of this.#shards.entries()) {
      const held = watermarkOf(since, shard);
      if (!window.canServe(held)) {
        return { kind: 'needs-snapshot', shard, wanted: held + 1n, earliest: window.earliest };
      }
    }
    return undefined;
  }

  /** Returns what a replica lacks of a shard of which it holds all up to `held`. */
  behind(shard: number, held: bigint): Behind {
    const window = this.#shards[shard];
    const records = window?.recordsAbove(held) ?? 0;
    if (window === undefined || records === 0) return LEVEL;
    const place = window.canServe(held) ? this.#placeSince(shard, held) : undefined;
    if (place === undefined) return { records, bytes: undefined, ms: undefined };
    // A clock that was set back makes no lag negative.
    const ms = Math.max(0, window.newestMs - place.block.timeMs(place.index));
    return { records, bytes: this.#log.shardBytesFrom(place), ms };
  }

  /** Returns what a replica that holds these lacks of each shard. */
  allBehind(held: ArrayLike<bigint>): Behind[] {
    if (this.isLevel(held)) return new Array<Behind>(this.#shards.length).fill(LEVEL);
    return this.#shards.map((_, shard) => this.behind(shard, watermarkOf(held, shard)));
  }

  /** Returns whether a replica that holds these has exactly what was pushed. Costs little. */
  isLevel(held: ArrayLike<bigint>): boolean {
    const { length } = this.#shards;
    if (held.length > length) return false;
    for (let shard = 0; shard < length; shard += 1) {
      if (watermarkOf(held, shard) !== this.#shards[shard]!.watermark) return false;
    }
    return true;
  }

  /** Returns the highest sequence pushed of a shard. */
  watermark(shard: number): bigint {
    return this.#shards[shard]?.watermark ?? 0n;
  }

  /** Returns the highest sequence pushed of each shard. */
  watermarks(): bigint[] {
    return this.#shards.map((window) => window.watermark);
  }

  /** Returns what is kept of each shard. */
  windows(): BacklogWindow[] {
    return this.#shards.map((window) => window.window());
  }

  /**
   * Returns the present write rate, bytes a millisecond; 0: nothing is written, infinite: no frame is kept.
   */
  rate(nowMs: number): number {
    const log = this.#log;
    // A relay's records are of its primary's clock, which may be ahead.
    const untilMs = Math.max(nowMs, log.end.newestMs);
    if (log.end.newestMs <= untilMs - RATE_SPAN_MS) return 0;
    const { oldestMs } = log;
    if (oldestMs === undefined) return Number.POSITIVE_INFINITY;
    const leastMs = log.tailOffset > 0 ? 1 : RATE_SPAN_MIN_MS;
    const spanMs = Math.min(Math.max(untilMs - oldestMs, leastMs), RATE_SPAN_MS);
    return log.bytesSince(untilMs - RATE_SPAN_MS) / spanMs;
  }

  /**
   * Returns the milliseconds for which a replica that has all may be away at this rate; undefined: nothing is
   * written.
   */
  windowMs(rate: number): number | undefined {
    return msUntil(this.#maxBytes, rate);
  }

  /** Returns the leeway of a replica that holds these; undefined: it can't be served any more. */
  leeway(held: ArrayLike<bigint>, rate: number): Leeway | undefined {
    const lackingBytes = this.isLevel(held) ? 0 : this.#lackingBytes(held);
    if (lackingBytes === undefined) return undefined;
    const limitBytes = this.#maxBytes;
    return { lackingBytes, limitBytes, ms: msUntil(limitBytes - lackingBytes, rate) };
  }

  /** Returns the watermarks from which on a replica lacks at most about this part of what is kept. */
  watermarksLacking(part: number): bigint[] {
    const offset = this.#log.endOffset - part * this.#maxBytes;
    return this.#log.watermarksAt(Math.max(this.#log.tailOffset, offset));
  }

  /** Throws when something does not hold that always should. For tests: it looks at every frame. */
  invariants(): void {
    this.#log.invariants();
    for (const [shard, window] of this.#shards.entries()) {
      window.invariants();
      if (window.watermark !== this.#log.end.watermarks[shard]) throw new Error('a log is at its watermarks');
    }
  }

  /** Returns the bytes since the first frame that is lacking; undefined: not all that is lacking is kept. */
  #lackingBytes(held: ArrayLike<bigint>): number | undefined {
    if (this.needsSnapshot(held) !== undefined) return undefined;
    const offsets = this.#shards.map((_, shard) => this.#offsetSince(shard, watermarkOf(held, shard)));
    return this.#log.endOffset - Math.min(...offsets);
  }

  #placeSince(shard: number, held: bigint): FramePlace | undefined {
    return this.#log.firstAbove(shard, this.#shards[shard]!.levelOf(held));
  }

  /**
   * Returns the offset of the first frame of a shard that one lacks who holds `held`; the end: there is none.
   */
  #offsetSince(shard: number, held: bigint): number {
    const place = this.#placeSince(shard, held);
    return place === undefined ? this.#log.endOffset : place.block.frameStart(place.index);
  }

  #framesSince(since: ArrayLike<bigint>): Buffer[] {
    const reader = { untakenBytes: 0, ready() {}, interrupt() {} };
    const cursor = this.openSince(since, reader);
    const frames: Buffer[] = [];
    for (let frame = cursor.nextFrame(); frame !== undefined; frame = cursor.nextFrame()) frames.push(frame);
    cursor.close();
    return frames;
  }
}

/** Returns the milliseconds until so many bytes more are written; undefined: nothing is written. */
function msUntil(bytes: number, rate: number): number | undefined {
  return rate > 0 ? Math.max(0, Math.floor(bytes / rate)) : undefined;
}
