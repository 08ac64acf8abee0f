/**
 * `frames decode` and `frames stats`: walks dumps and writes what they hold, in constant memory. A damaged dump is written up to its damage;
 * the next one is walked all the same. What is not shown is decoded nevertheless, so that no fault is missed.
 */
import type { Clock } from '../../clock.js';
import { SequenceSteps } from '../../dump/check/sequence-steps.js';
import { type FrameFilter, type Item, isRecord } from '../../dump/choose/filter.js';
import { dumpName, readDumpChunks } from '../../dump/read/dump-reader.js';
import { FollowedDump, type FollowOptions } from '../../dump/read/follow.js';
import { type OpenedFrame, openFrame } from '../../dump/read/frame-content.js';
import { FastcacheError } from '../../errors.js';
import { PayloadRoom } from '../../frame/compression.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { refuseStdinTwice } from '../command/values.js';
import { msgpackRendering } from '../rendering/msgpack.js';
import {
  jsonRendering,
  ndjsonRendering,
  type Piece,
  type Rendering,
  type RenderingOptions,
  textRendering,
} from '../rendering/renderings.js';
import { jsonStats, msgpackStats, ndjsonStats, textStats } from '../rendering/stats.js';
import type { Output } from '../terminal/output.js';
import { ReadProgress } from '../terminal/read-progress.js';
import type { ValueForm } from '../terminal/text.js';

export const decodeFormats = ['text', 'ndjson', 'msgpack'] as const;

export type DecodeFormat = (typeof decodeFormats)[number] | 'json';

export interface DecodeOptions {
  /** `-` is stdin. */
  files: readonly string[];
  format: DecodeFormat;
  /** Frames with their records and entries, frames alone, counts of both, or only what is wrong. */
  shows: 'items' | 'frames' | 'stats' | 'faults';
  values: ValueForm;
  filter: FrameFilter;
  /** Of all files together: items, or frames where no items can be shown. Behind the last nothing is read. */
  limit: number;
  /** Limit for both lengths of each frame. */
  maxPayloadBytes: number;
  /** The one file is read on beyond its end, until it is told to stop. */
  follow?: FollowOptions | undefined;
  clock: Clock;
  output: Output;
  /** Where it is told how far a file has been read, when what is shown comes at its end. */
  terminal: NodeJS.WriteStream;
  /** Tells a fault that ends a file and returns its exit status. */
  report(fault: FastcacheError): Promise<number>;
}

/** Text gathers to about this much before it is written. */
const WRITE_BYTES = 65_536;

const renderings: Record<DecodeFormat, (options: RenderingOptions) => Rendering> = {
  text: textRendering,
  ndjson: ndjsonRendering,
  json: jsonRendering,
  msgpack: msgpackRendering,
};

const statsRenderings: typeof renderings = {
  text: textStats,
  ndjson: ndjsonStats,
  json: jsonStats,
  msgpack: msgpackStats,
};

/** Writes all files; resolves with the exit status: that of the first fault, 0 when there was none. */
export async function decodeDumps(options: DecodeOptions): Promise<number> {
  const { files, shows, follow, maxPayloadBytes, output, terminal, clock, report } = options;
  refuseStdinTwice(files);
  const walk = new Walk(options);
  let status = 0;
  await output.write(walk.rendering.begin());
  for (const file of files) {
    walk.newSequences();
    const dump = follow && new FollowedDump(file, { ...follow, maxPayloadBytes });
    do {
      if (walk.isOver) break;
      await output.write(walk.rendering.beginFile(dumpName(file)));
      const isLong = shows === 'stats' && follow === undefined;
      const progress = isLong ? new ReadProgress(terminal, clock, 'counting', file) : undefined;
      const chunks = dump?.chunks() ?? readDumpChunks(file, { maxPayloadBytes });
      const fault = await walk.dump(file, chunks, progress).finally(() => progress?.close());
      await output.write(walk.rendering.endFile(fault));
      if (fault === undefined) continue;
      const faultStatus = await report(fault);
      status ||= faultStatus;
    } while (dump?.goesOn);
  }
  await output.write(walk.rendering.end());
  return status;
}

class Walk {
  readonly rendering: Rendering;
  readonly #options: DecodeOptions;
  readonly #room = new PayloadRoom();
  readonly #countsFrames: boolean;
  /** Of the limit. */
  #left: number;
  #sequences: SequenceSteps | undefined;
  #gathered: Piece[] = [];
  #gatheredLength = 0;

  constructor(options: DecodeOptions) {
    const { files, format, values, shows, filter, limit, clock } = options;
    this.#options = options;
    // A fault names its file itself on stderr.
    const single = files.length === 1 && options.follow === undefined;
    const untitled = single || (shows === 'faults' && format === 'text');
    const made = shows === 'stats' ? statsRenderings : renderings;
    this.rendering = made[format]({ titled: !untitled, values, filter, nowMs: () => clock.nowMs() });
    this.#countsFrames = shows === 'frames' || !filter.mayShowItems;
    this.#left = limit;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  /** The next dump's sequences have nothing to do with those before. */
  newSequences(): void {
    if (this.rendering.marksSteps) this.#sequences = new SequenceSteps();
  }

  /** Writes a dump's frames; returns what ended it early. */
  async dump(
    file: string,
    chunks: AsyncIterable<SplitFrame[]>,
    progress: ReadProgress | undefined,
  ): Promise<FastcacheError | undefined> {
    let fault: FastcacheError | undefined;
    try {
      for await (const frames of chunks) {
        for (const frame of frames) {
          if (this.isOver) break;
          await this.#frame(openFrame(frame, this.#room));
          if (this.#gatheredLength >= WRITE_BYTES) await this.#write();
        }
        const last = frames.at(-1);
        if (last !== undefined) progress?.read(last.offset + last.bytes.length);
        // The next chunk may be long in coming.
        await this.#write();
        if (this.isOver) break;
      }
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code === 'WRITE_FAILED') throw error;
      fault = error.inFile(dumpName(file));
    }
    await this.#write();
    return fault;
  }

  /** Gathers what is shown of a frame. It is decoded to its end, unless the limit is reached before. */
  async #frame(opened: OpenedFrame): Promise<void> {
    const { filter, shows } = this.#options;
    if (this.rendering.countFrame !== undefined) {
      this.#left -= this.rendering.countFrame(opened, this.#left);
      return;
    }
    const shown = shows !== 'faults' && filter.showsKind(opened.kind);
    let begun = shown && !filter.choosesItems;
    if (begun) this.#beginFrame(opened);
    try {
      this.#sequences?.frame(opened);
      if (begun && (await this.#allItems(opened))) return;
      for (const item of itemsOf(opened)) {
        const step = isRecord(item) ? this.#sequences?.record(item) : undefined;
        if (!shown || !filter.showsItem(item)) continue;
        if (!begun) this.#beginFrame(opened);
        begun = true;
        if (shows === 'frames') continue;
        this.#gather(this.rendering.item(item, step));
        if (this.#gatheredLength >= WRITE_BYTES) await this.#write();
        if (--this.#left === 0) return;
      }
    } finally {
      if (begun) this.#gather(this.rendering.endFrame());
    }
  }

  /** Writes all items of a frame at once, where that can be; false: nothing was written. */
  async #allItems(opened: OpenedFrame): Promise<boolean> {
    const { filter, shows, output } = this.#options;
    const count = itemCount(opened);
    if (shows !== 'items' || filter.choosesItems || count > this.#left) return false;
    const pieces = this.rendering.allItems?.(opened);
    if (pieces === undefined) return false;
    await this.#write();
    for (const piece of pieces) await output.lend(piece);
    this.#left -= count;
    return true;
  }

  #beginFrame(opened: OpenedFrame): void {
    if (this.#countsFrames) this.#left--;
    this.#gather(this.rendering.beginFrame(opened));
  }

  #gather(piece: Piece): void {
    if (piece.length === 0) return;
    this.#gathered.push(piece);
    this.#gatheredLength += piece.length;
  }

  async #write(): Promise<void> {
    if (this.#gatheredLength === 0) return;
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#gatheredLength = 0;
    await this.#options.output.write(joined(gathered));
  }
}

function joined(pieces: readonly Piece[]): Piece {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}

function itemCount({ content }: OpenedFrame): number {
  return content.type === 'batch' ? content.recordCount : content.type === 'chunk' ? content.entryCount : 0;
}

function itemsOf({ content }: OpenedFrame): Iterable<Item> {
  return 'items' in content ? content.items : [];
}
