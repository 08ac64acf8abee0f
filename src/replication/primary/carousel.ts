/**
 * The bootstrap of fastcache's replicas, which share it (docs/architecture.md, "Bootstrap"): one scan of a
 * stream's store goes through it in rounds for as long as any replica joins, and each chunk is encoded once
 * for all. Chunks travel among the live frames in the one order in which both came to be, so that nothing
 * that is written meanwhile has to be held back.
 *
 * A joiner begins wherever the scan is, and ends where the scan has shown it everything: behind SnapshotBegin
 * with the watermarks of that moment it gets shared chunks, whose numbers run on from joiner to joiner, then
 * an empty last chunk of its own, the digests of that moment if it takes them, and SnapshotEnd with the
 * watermarks of that moment, which is what it then holds.
 */
import assert from 'node:assert';
import type { Clock, Timer, Timers } from '../../clock.js';
import type { SnapshotScan, SnapshotStep } from '../../engine/types.js';
import { type EncodeOptions, encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { encodeSnapshotChunk } from '../../frame/snapshot.js';
import { encodeWatermarks } from '../../frame/watermarks.js';
import { proofFrame } from '../link/digest-frames.js';
import type { ReplicationMetrics } from '../metrics.js';
import type { FrameStream } from '../stream/stream.js';

/**
 * About the bytes of entries that a step of a millisecond can take; zstd takes several times as long for
 * them.
 */
const STEP_BYTES = 262_144;
const STEP_ZSTD_BYTES = 32_768;
/** So many chunks may be on their way to a joiner, so that the scan continues while its connection drains. */
const WINDOW_CHUNKS = 4;
/** The pause between the begins of two steps while there are writes: these go first, a joiner has time. */
const PAUSE_MS = 8;
/** There are writes when one came within so many milliseconds. */
const OF_LATE_MS = 50;
/** A joiner that takes no chunk while others wait so long for it is cut off. */
const STALL_MS = 2_000;

/** The options that all carousels of a primary share. */
export interface CarouselOptions {
  clock: Clock;
  timers: Timers;
  metrics: ReplicationMetrics;
  /** Bytes of entries in a chunk, at most. */
  snapshotChunkBytes: number;
  /** The encoding of chunks. */
  encoding: EncodeOptions;
}

/** A replica that is sent a snapshot. */
export interface Joiner {
  /** Returns whether it takes digests, by which its content is proved; absent: it takes none. */
  takesProof?(): boolean;
  /** Whether the proof follows the SnapshotEnd, as in dumps, and does not come before it; absent: no. */
  readonly hasProofBehind?: boolean;
  /**
   * Sends the frame behind all live frames until now; `onTaken` is called when its connection has taken it.
   */
  insert(frame: Buffer, onTaken: () => void): void;
  /** Called when its SnapshotEnd is sent and it has left the carousel. */
  finished(): void;
  /** Called when it is sent no more; `reason` is in words. */
  cutOff(reason: string): void;
}

/** How far the scan has come. */
interface Position {
  /** How many rounds it has ended. */
  round: number;
  /** The place within the round, as `SnapshotScan.place` counts it. */
  place: number;
}

/** How far a joiner is. */
interface Progress {
  joinedAt: Position;
  /**
   * The place a round behind the first one from which on it has seen all; undefined until the scan is there.
   */
  endsAt: Position | undefined;
  /** How many rounds the scan had come when it joined. */
  roundsBefore: number;
  /** How many chunks its connection has not taken yet. */
  untaken: number;
}

/**
 * The snapshot rounds of one stream. The scan is open while any replica joins. Each step shows a part of the
 * store to all joiners, when all have taken most of what they were sent; a joiner that has seen a whole round
 * is sent its end.
 */
export class Carousel {
  readonly #stream: FrameStream;
  readonly #options: CarouselOptions;
  readonly #joiners = new Map<Joiner, Progress>();
  readonly #stepBytes: number;
  #scan: SnapshotScan | undefined;
  #position: Position = { round: 0, place: 0 };
  /** How many rounds it has come, the part of this one included. */
  #rounds = 0;
  /** True while nothing of this round has been shown. */
  #isAtBeginning = true;
  #chunkIndex = 0n;
  #stepPlanned = false;
  #steppedAtUs = Number.NEGATIVE_INFINITY;
  #wroteAtUs = Number.NEGATIVE_INFINITY;
  /** The bytes that the stream had when it was looked at for writes. */
  #seenBytes = 0;
  #stallTimer: Timer | undefined;

  constructor(stream: FrameStream, options: CarouselOptions) {
    this.#stream = stream;
    this.#options = options;
    const { snapshotChunkBytes, encoding } = options;
    this.#stepBytes = Math.min(
      snapshotChunkBytes,
      encoding.compression === 'zstd' ? STEP_ZSTD_BYTES : STEP_BYTES,
    );
  }

  /**
   * Takes in `joiner`, which has been sent its SnapshotBegin; live frames reach it from there on by
   * themselves.
   */
  join(joiner: Joiner): void {
    assert(!this.#joiners.has(joiner), 'a joiner joins once');
    if (this.#scan === undefined) this.#beginScan();
    const { round, place } = this.#position;
    const endsAt = this.#isAtBeginning ? { round: round + 1, place: 0 } : undefined;
    this.#joiners.set(joiner, { joinedAt: { round, place }, endsAt, roundsBefore: this.#rounds, untaken: 0 });
    this.#planStep();
  }

  /**
   * Lets go of `joiner`, which wants no more, wherever it is; may be called while the store hands out a
   * batch.
   */
  leave(joiner: Joiner): void {
    if (!this.#joiners.delete(joiner)) return;
    if (this.#joiners.size === 0) this.#endScan();
    else this.#planStep();
  }

  /** Returns how much of its round `joiner` has been shown, 0 to 1 and a little; 1 once it has seen all. */
  shareOf(joiner: Joiner): number {
    const progress = this.#joiners.get(joiner);
    return progress === undefined ? 1 : this.#rounds - progress.roundsBefore;
  }

  /** Throws when something does not hold that always should between two events. */
  invariants(): void {
    assert.equal(this.#scan !== undefined, this.#joiners.size > 0, 'the scan is open while anybody joins');
    if (this.#isAtBeginning) assert.equal(this.#position.place, 0);
    for (const { joinedAt, endsAt, untaken } of this.#joiners.values()) {
      assert(untaken >= 0 && untaken <= WINDOW_CHUNKS, 'no more chunks than the window are on their way');
      assert(isAtOrBehind(this.#position, joinedAt), 'the scan goes forward');
      if (endsAt === undefined) continue;
      assert(endsAt.round > joinedAt.round && isAtOrBehind(endsAt, this.#position), 'a joiner ends in time');
    }
  }

  #beginScan(): void {
    this.#scan = this.#stream.store.scan();
    this.#seenBytes = this.#stream.backlog.pushedBytes;
    this.#position = { round: 0, place: 0 };
    this.#rounds = 0;
    this.#isAtBeginning = true;
  }

  /** Forgets the scan, which is the store's and is closed in a turn of its own. */
  #endScan(): void {
    const scan = this.#scan;
    this.#scan = undefined;
    this.#stallTimer?.cancel();
    this.#stallTimer = undefined;
    if (scan !== undefined) this.#options.timers.endOfTurn(() => scan.close());
  }

  #planStep(): void {
    if (this.#stepPlanned) return;
    this.#stepPlanned = true;
    const { clock, timers } = this.#options;
    const step = () => {
      this.#stepPlanned = false;
      this.#stepWhenReady();
    };
    const nowUs = clock.monotonicUs();
    this.#lookForWrites(nowUs);
    const waitMs = PAUSE_MS - (nowUs - this.#steppedAtUs) / 1000;
    if (nowUs - this.#wroteAtUs < OF_LATE_MS * 1000 && waitMs > 0) timers.after(Math.ceil(waitMs), step);
    else timers.endOfTurn(step);
  }

  #lookForWrites(nowUs: number): void {
    const { pushedBytes } = this.#stream.backlog;
    if (pushedBytes !== this.#seenBytes) this.#wroteAtUs = nowUs;
    this.#seenBytes = pushedBytes;
  }

  #stepWhenReady(): void {
    if (this.#scan === undefined) return;
    const readyCount = this.#countReady();
    if (readyCount < this.#joiners.size) {
      if (readyCount > 0)
        this.#stallTimer ??= this.#options.timers.after(STALL_MS, () => this.#cutOffStalled());
      return;
    }
    this.#stallTimer?.cancel();
    this.#stallTimer = undefined;
    try {
      this.#step(this.#scan);
    } catch (error) {
      for (const joiner of this.#joiners.keys()) joiner.cutOff(`its snapshot failed: ${String(error)}`);
    }
  }

  #countReady(): number {
    let count = 0;
    for (const progress of this.#joiners.values()) if (isReady(progress)) count += 1;
    return count;
  }

  /** Cuts off the joiners that hold up the others; they come back and join again. */
  #cutOffStalled(): void {
    this.#stallTimer = undefined;
    const reason = `it has not taken a chunk of its snapshot, for which others have waited ${STALL_MS} ms`;
    for (const [joiner, progress] of this.#joiners) if (!isReady(progress)) joiner.cutOff(reason);
  }

  /**
   * Does one step of the scan, which is one chunk: live frames that are sealed between two must also travel
   * between the two.
   */
  #step(scan: SnapshotScan): void {
    const { clock, metrics, encoding } = this.#options;
    const startedUs = clock.monotonicUs();
    this.#steppedAtUs = startedUs;
    const step = scan.next(this.#stepBytes);
    const { round } = this.#position;
    this.#position = step.done ? { round: round + 1, place: 0 } : { round, place: scan.place };
    this.#rounds = step.done ? round + 1 : round + scan.share;
    this.#isAtBeginning = step.done;
    if (step.entryCount > 0) {
      const frame = encodeFrame(FrameKind.SnapshotChunk, this.#encodeChunk(step, false), encoding);
      metrics.chunkMade(Math.round((clock.monotonicUs() - startedUs) * 1000));
      this.#chunkIndex += 1n;
      this.#send(frame);
    }
    this.#finishJoiners();
    if (this.#joiners.size === 0) this.#endScan();
    else this.#planStep();
  }

  #encodeChunk({ entries, entryCount }: Pick<SnapshotStep, 'entries' | 'entryCount'>, last: boolean): Buffer {
    const watermarks = this.#stream.watermarks();
    return encodeSnapshotChunk({ chunkIndex: this.#chunkIndex, last, watermarks, entryCount, entries });
  }

  #send(frame: Buffer): void {
    for (const [joiner, progress] of this.#joiners) {
      progress.untaken += 1;
      joiner.insert(frame, () => {
        progress.untaken -= 1;
        this.#planStep();
      });
    }
  }

  /**
   * Ends the joiners that have seen all. The scan may have shown what is not sealed yet: that is sent before
   * their end.
   */
  #finishJoiners(): void {
    const finished = [...this.#joiners.keys()].filter((joiner) => this.#hasSeenAll(joiner));
    if (finished.length === 0) return;
    this.#stream.flush();
    const last = encodeFrame(
      FrameKind.SnapshotChunk,
      this.#encodeChunk({ entries: NOTHING, entryCount: 0 }, true),
    );
    const end = encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(this.#stream.watermarks()));
    const proof = finished.some((joiner) => joiner.hasProofBehind || joiner.takesProof?.())
      ? proofFrame(this.#stream.store, this.#stream.watermarks())
      : undefined;
    for (const joiner of finished) {
      // The flush may have filled the joiner's queue, and so ended its session.
      if (!this.#joiners.delete(joiner)) continue;
      joiner.insert(last, () => {});
      if (proof !== undefined && joiner.takesProof?.()) joiner.insert(proof, () => {});
      const isProvedBehind = proof !== undefined && joiner.hasProofBehind;
      joiner.insert(isProvedBehind ? Buffer.concat([end, proof]) : end, () => joiner.finished());
    }
  }

  #hasSeenAll(joiner: Joiner): boolean {
    const progress = this.#joiners.get(joiner);
    if (progress === undefined) return false;
    const { round, place } = this.#position;
    if (progress.endsAt !== undefined) return isAtOrBehind(this.#position, progress.endsAt);
    // At the place where it joined, part of a segment may have been passed already, and a split would scatter
    // what was in it.
    const { joinedAt } = progress;
    if (round > joinedAt.round || place > joinedAt.place) progress.endsAt = { round: round + 1, place };
    return false;
  }
}

const NOTHING = Buffer.alloc(0);

function isReady({ untaken }: Progress): boolean {
  return untaken < WINDOW_CHUNKS;
}

function isAtOrBehind(position: Position, mark: Position): boolean {
  return position.round > mark.round || (position.round === mark.round && position.place >= mark.place);
}

/** The carousels of a listener: each stream has one. */
export class Carousels {
  readonly #options: CarouselOptions;
  readonly #carousels = new WeakMap<FrameStream, Carousel>();

  constructor(options: CarouselOptions) {
    this.#options = options;
  }

  /** Returns the carousel of `stream`, the same one each time. */
  of(stream: FrameStream): Carousel {
    const known = this.#carousels.get(stream);
    if (known !== undefined) return known;
    const carousel = new Carousel(stream, this.#options);
    this.#carousels.set(stream, carousel);
    return carousel;
  }
}
