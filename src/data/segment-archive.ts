/**
 * The segments of a data directory as an archive: a replica that lacks more than the backlog has is sent it
 * from them (docs/data-directory.md, "Catch-up").
 */
import type { Clock, Timers } from '../clock.js';
import type { History } from '../replication/history.js';
import type { ArchivedFrames, FrameArchive } from '../replication/primary/archive.js';
import type { FrameStream } from '../replication/stream/stream.js';
import { hasReached } from '../replication/watermarks.js';
import type { DataFiles } from './data-files.js';
import type { DumpFile } from './dump-file.js';
import { type SegmentEntry, segmentName } from './manifest.js';
import type { Hold, ManifestKeeper } from './manifest-keeper.js';
import { readBeginning } from './segment-beginning.js';
import { SegmentFrames, type Segments } from './segment-frames.js';

/** The pause between two steps while there are writes, as that of a snapshot's steps. */
const PAUSE_MS = 8;
/** There are writes when one came within so many milliseconds. */
const OF_LATE_MS = 50;

/** The options of an archive. */
export interface SegmentArchiveOptions {
  readonly files: DataFiles;
  readonly keeper: ManifestKeeper;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The stream of the node; undefined: it has no content. */
  stream(): FrameStream | undefined;
  /** Bytes of a segment that are written; undefined: it was not sealed, and nothing more is written to it. */
  writtenBytes(number: number): number | undefined;
  /** Returns the segment that is written last; undefined: none is. */
  segment(): DumpFile | undefined;
}

/** The archive of one directory. */
export class SegmentArchive implements FrameArchive, Segments {
  readonly #options: SegmentArchiveOptions;
  /** Segments in which a fault was found: no replica is sent anything of them any more. */
  readonly #faulty = new Set<number>();
  #lastTurn: Promise<void> = Promise.resolve();
  /** The bytes that were published when the stream was last looked at, and when there were new ones. */
  #seenBytes = 0;
  #wroteAtUs = Number.NEGATIVE_INFINITY;

  constructor(options: SegmentArchiveOptions) {
    this.#options = options;
  }

  async open(stream: FrameStream, since: ArrayLike<bigint>): Promise<ArchivedFrames | undefined> {
    const { keeper, files } = this.#options;
    const published = stream.watermarks();
    if (since.length !== published.length || !hasReached(published, since)) return undefined;
    const hold = keeper.hold(lastChain(keeper.manifest.segments)[0]?.number ?? 0);
    try {
      const number = await this.#segmentFor(stream.history, since);
      if (number !== undefined) {
        hold.from = number;
        return new SegmentFrames({ files, segments: this, hold, since, history: stream.history });
      }
    } catch (error) {
      keeper.release(hold);
      throw error;
    }
    keeper.release(hold);
    return undefined;
  }

  async readableBytes(number: number, from: number): Promise<number> {
    const bytes = this.#options.writtenBytes(number);
    if (bytes === undefined) throw new Error(`${segmentName(number)} was not written to its end`);
    const file = this.#options.segment();
    if (file?.name !== segmentName(number)) return bytes;
    if (file.indexedBytes <= from) await file.writeIndex();
    return file.indexedBytes;
  }

  next(number: number): number | undefined {
    const { segments } = this.#options.keeper.manifest;
    const at = segments.findIndex((entry) => entry.number === number);
    if (segments[at]?.bytes === null) return undefined;
    const next = segments[at + 1];
    if (next === undefined) return undefined;
    if (next.follows !== 'segment')
      throw new Error(`the segment behind ${segmentName(number)} does not continue it`);
    return next.number;
  }

  bytesFrom(number: number): number {
    const { keeper, writtenBytes } = this.#options;
    const segments = keeper.manifest.segments.filter((entry) => entry.number >= number);
    return segments.reduce((sum, entry) => sum + (writtenBytes(entry.number) ?? 0), 0);
  }

  distrust(number: number): void {
    this.#faulty.add(number);
  }

  release(hold: Hold): void {
    this.#options.keeper.release(hold);
  }

  turn(): Promise<void> {
    this.#lastTurn = this.#lastTurn.then(() => this.#pause());
    return this.#lastTurn;
  }

  /** Returns the newest segment of the present chain before which nothing is lacking. */
  async #segmentFor(history: History, since: ArrayLike<bigint>): Promise<number | undefined> {
    const ids = [history.id, history.previous?.id];
    const { files, keeper } = this.#options;
    for (const { number } of lastChain(keeper.manifest.segments).reverse()) {
      if (this.#faulty.has(number)) return undefined;
      const { history: own, watermarks } = await readBeginning(files, number);
      if (!ids.includes(own.id)) return undefined;
      if (watermarks.length === since.length && hasReached(since, watermarks)) return number;
    }
    return undefined;
  }

  #pause(): Promise<void> {
    const { clock, timers, stream } = this.#options;
    const nowUs = clock.monotonicUs();
    const pushedBytes = stream()?.backlog.pushedBytes ?? 0;
    if (pushedBytes !== this.#seenBytes) this.#wroteAtUs = nowUs;
    this.#seenBytes = pushedBytes;
    const isBusy = nowUs - this.#wroteAtUs < OF_LATE_MS * 1000;
    return new Promise((resolve) => {
      if (isBusy) timers.after(PAUSE_MS, resolve);
      else timers.endOfTurn(resolve);
    });
  }
}

/** Returns the segments that continue each other up to the newest. */
function lastChain(segments: readonly SegmentEntry[]): SegmentEntry[] {
  return segments.slice(
    Math.max(
      0,
      segments.findLastIndex(({ follows }) => follows !== 'segment'),
    ),
  );
}
