/**
 * The interleaved bootstrap of replicas of ours (design.md, "Bootstrap without a buffer"): one scan of a stream's store goes
 * round for as long as any are aboard, and each chunk is encoded once for all of them. Chunks travel among the live frames
 * in the one order in which both came to be, so that nothing that is written meanwhile has to be held back.
 *
 * A passenger boards wherever the scan stands, and leaves where the scan has shown it everything: behind SnapshotBegin with
 * the watermarks at boarding it gets shared chunks, whose numbers run on from passenger to passenger, then an empty last
 * chunk of its own and SnapshotEnd with the watermarks of that moment, which is what it then holds.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import type { SnapshotScan, SnapshotStep } from '../../engine/types.js';
import { type EncodeOptions, encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { encodeSnapshotChunk } from '../../frame/snapshot.js';
import { encodeWatermarks } from '../../frame/watermarks.js';
import type { ReplicationMetrics } from '../metrics.js';
import type { FrameStream } from '../stream/stream.js';

/** About what a step of a millisecond takes at most; zstd takes several times as long for the same bytes. */
const STEP_BYTES = 262_144;
const STEP_ZSTD_BYTES = 32_768;
/** So many chunks may be on their way to a passenger, so that the scan goes on while its connection drains. */
const WINDOW_CHUNKS = 4;
/** Between the begins of two steps when there were writes of late: they go first, a joiner has time. */
const PAUSE_MS = 8;
const OF_LATE_MS = 50;
/** A passenger that takes no chunk while others wait so long for it is put off. */
const STALL_MS = 2_000;

export interface CarouselOptions {
  clock: Clock;
  timers: Timers;
  metrics: ReplicationMetrics;
  /** Of entries, at most. */
  snapshotChunkBytes: number;
  /** How chunks are encoded. */
  encoding: EncodeOptions;
}

export interface Passenger {
  /** Sends the frame behind all live frames until now; `onTaken` when its connection has taken it. */
  insert(frame: Buffer, onTaken: () => void): void;
  /** Its SnapshotEnd is sent: it is aboard no longer. */
  arrived(): void;
  /** It can't be carried on, with the reason in words. */
  cutOff(reason: string): void;
}

/** Where a scan stands: its rounds are counted. */
interface Position {
  round: number;
  /** As `SnapshotScan.place`. */
  place: number;
}

interface Ride {
  boardedAt: Position;
  /** A round behind the first place from which on it has seen all; undefined until the scan is there. */
  leavesAt: Position | undefined;
  /** Chunks that its connection has not taken yet. */
  untaken: number;
}

export class Carousel {
  readonly #stream: FrameStream;
  readonly #options: CarouselOptions;
  readonly #rides = new Map<Passenger, Ride>();
  readonly #stepBytes: number;
  #scan: SnapshotScan | undefined;
  #position: Position = { round: 0, place: 0 };
  /** Nothing of this round has been shown yet. */
  #isAtBeginning = true;
  #chunkIndex = 0n;
  #stepPlanned = false;
  #steppedAtUs = Number.NEGATIVE_INFINITY;
  #wroteAtUs = Number.NEGATIVE_INFINITY;
  #leaveStream = () => {};
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

  /** From its SnapshotBegin on, which it has been sent; live frames reach it from there on by themselves. */
  board(passenger: Passenger): void {
    if (this.#scan === undefined) this.#beginScan();
    const { round, place } = this.#position;
    const leavesAt = this.#isAtBeginning ? { round: round + 1, place: 0 } : undefined;
    this.#rides.set(passenger, { boardedAt: { round, place }, leavesAt, untaken: 0 });
    this.#planStep();
  }

  /** Of its own accord, wherever it is; may be called while the store hands out a batch. */
  leave(passenger: Passenger): void {
    if (!this.#rides.delete(passenger)) return;
    if (this.#rides.size === 0) this.#endScan();
    else this.#planStep();
  }

  #beginScan(): void {
    this.#scan = this.#stream.store.scan();
    this.#leaveStream = this.#stream.subscribe({
      offer: () => {
        this.#wroteAtUs = this.#options.clock.monotonicUs();
      },
      interrupt: () => {},
    });
    this.#position = { round: 0, place: 0 };
    this.#isAtBeginning = true;
  }

  /** The scan, which is the store's, is closed in a turn of its own. */
  #endScan(): void {
    const scan = this.#scan;
    this.#scan = undefined;
    this.#leaveStream();
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
    const waitMs = PAUSE_MS - (nowUs - this.#steppedAtUs) / 1000;
    if (nowUs - this.#wroteAtUs < OF_LATE_MS * 1000 && waitMs > 0) timers.after(Math.ceil(waitMs), step);
    else timers.endOfTurn(step);
  }

  #stepWhenReady(): void {
    if (this.#scan === undefined) return;
    const readyCount = this.#countReady();
    if (readyCount < this.#rides.size) {
      if (readyCount > 0) this.#stallTimer ??= this.#options.timers.after(STALL_MS, () => this.#putOff());
      return;
    }
    this.#stallTimer?.cancel();
    this.#stallTimer = undefined;
    try {
      this.#step(this.#scan);
    } catch (error) {
      for (const passenger of this.#rides.keys()) passenger.cutOff(`its snapshot failed: ${String(error)}`);
    }
  }

  #countReady(): number {
    let count = 0;
    for (const ride of this.#rides.values()) if (isReady(ride)) count += 1;
    return count;
  }

  /** They come back and board again. */
  #putOff(): void {
    this.#stallTimer = undefined;
    const reason = `it has not taken a chunk of its snapshot, for which others have waited ${STALL_MS} ms`;
    for (const [passenger, ride] of this.#rides) if (!isReady(ride)) passenger.cutOff(reason);
  }

  /** One step of the scan is one chunk: live frames that are sealed between two must also travel between the two. */
  #step(scan: SnapshotScan): void {
    const { clock, metrics, encoding } = this.#options;
    const startedUs = clock.monotonicUs();
    this.#steppedAtUs = startedUs;
    const step = scan.next(this.#stepBytes);
    const { round } = this.#position;
    this.#position = step.done ? { round: round + 1, place: 0 } : { round, place: scan.place };
    this.#isAtBeginning = step.done;
    if (step.entryCount > 0) {
      const frame = encodeFrame(FrameKind.SnapshotChunk, this.#encodeChunk(step, false), encoding);
      metrics.chunkMade(Math.round((clock.monotonicUs() - startedUs) * 1000));
      this.#chunkIndex += 1n;
      this.#hand(frame);
    }
    this.#letOut();
    if (this.#rides.size === 0) this.#endScan();
    else this.#planStep();
  }

  #encodeChunk({ entries, entryCount }: Pick<SnapshotStep, 'entries' | 'entryCount'>, last: boolean): Buffer {
    const watermarks = this.#stream.watermarks();
    return encodeSnapshotChunk({ chunkIndex: this.#chunkIndex, last, watermarks, entryCount, entries });
  }

  #hand(frame: Buffer): void {
    for (const [passenger, ride] of this.#rides) {
      ride.untaken += 1;
      passenger.insert(frame, () => {
        ride.untaken -= 1;
        this.#planStep();
      });
    }
  }

  /** Those who have seen everything. The scan may have shown what is not sealed yet: that goes out before their end. */
  #letOut(): void {
    const arriving = [...this.#rides.keys()].filter((passenger) => this.#hasSeenAll(passenger));
    if (arriving.length === 0) return;
    this.#stream.flush();
    const last = encodeFrame(
      FrameKind.SnapshotChunk,
      this.#encodeChunk({ entries: NOTHING, entryCount: 0 }, true),
    );
    const end = encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(this.#stream.watermarks()));
    for (const passenger of arriving) {
      // The flush may have filled its queue, and so ended its session.
      if (!this.#rides.delete(passenger)) continue;
      passenger.insert(last, () => {});
      passenger.insert(end, () => passenger.arrived());
    }
  }

  #hasSeenAll(passenger: Passenger): boolean {
    const ride = this.#rides.get(passenger);
    if (ride === undefined) return false;
    const { round, place } = this.#position;
    if (ride.leavesAt !== undefined) return isAtOrBehind(this.#position, ride.leavesAt);
    // Where it boarded, part of a segment may have been passed already, and a split would scatter what was in it.
    const { boardedAt } = ride;
    if (round > boardedAt.round || place > boardedAt.place) ride.leavesAt = { round: round + 1, place };
    return false;
  }
}

const NOTHING = Buffer.alloc(0);

function isReady({ untaken }: Ride): boolean {
  return untaken < WINDOW_CHUNKS;
}

function isAtOrBehind(position: Position, mark: Position): boolean {
  return position.round > mark.round || (position.round === mark.round && position.place >= mark.place);
}

/** The carousels of a door: each stream has one. */
export class Carousels {
  readonly #options: CarouselOptions;
  readonly #carousels = new WeakMap<FrameStream, Carousel>();

  constructor(options: CarouselOptions) {
    this.#options = options;
  }

  of(stream: FrameStream): Carousel {
    const known = this.#carousels.get(stream);
    if (known !== undefined) return known;
    const carousel = new Carousel(stream, this.#options);
    this.#carousels.set(stream, carousel);
    return carousel;
  }
}
