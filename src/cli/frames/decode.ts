/**
 * Runs `frames decode`, which reads dumps and writes their records and entries, in constant memory. A damaged
 * dump is written up to its damage; the next one is read all the same. Frames that are not shown are decoded
 * nevertheless, so that no fault is missed.
 */
import type { Clock } from '../../clock.js';
import { SequenceSteps } from '../../dump/check/sequence-steps.js';
import { type FrameFilter, type Item, isRecord } from '../../dump/choose/filter.js';
import { dumpName, readDumpChunks } from '../../dump/read/dump-reader.js';
import { FollowedDump, type FollowOptions } from '../../dump/read/follow.js';
import { type OpenedFrame, openFrame } from '../../dump/read/frame-content.js';
import { type DumpPart, seekRecords, wholeDump } from '../../dump/seek/seek.js';
import { FastcacheError } from '../../errors.js';
import { PayloadRoom } from '../../frame/compression.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { MAX_FRAME_PAYLOAD_BYTES } from '../../limits.js';
import { refuseStdinTwice } from '../command/values.js';
import { msgpackRendering } from '../rendering/msgpack.js';
import {
  jsonRendering,
  ndjsonRendering,
  type Piece,
  type Rendering,
  type RenderingOptions,
  type ShownItem,
  type ShownItems,
  textRendering,
} from '../rendering/renderings.js';
import type { Output } from '../terminal/output.js';
import type { ValueForm } from '../terminal/text.js';
import { noteNothingChosen } from './nothing-chosen.js';

/** The values of `--format`. */
export const decodeFormats = ['text', 'ndjson', 'msgpack'] as const;

/** A value of `--format`, or `json` for the one document of `--json`. */
export type DecodeFormat = (typeof decodeFormats)[number] | 'json';

/** The arguments and flags of a command that reads dumps and shows what a filter chooses of them. */
export interface ShowInvocation {
  /** Paths of the dumps; `-` is stdin. */
  files: readonly string[];
  format: DecodeFormat;
  filter: FrameFilter;
  /**
   * The most items that are shown of all files together, or frames where no items can be shown. Behind the
   * last nothing is read.
   */
  limit: number;
  /** The limit of both lengths of each frame, in bytes. */
  maxPayloadBytes: number;
  /** The options to follow the one file beyond its end; undefined when it is not followed. */
  follow?: FollowOptions | undefined;
  clock: Clock;
  output: Output;
  terminal: NodeJS.WriteStream;
  /** Reports a fault that ends a file and returns its exit status. */
  report(fault: FastcacheError): Promise<number>;
  /** Writes a note to stderr. */
  note(text: string): void;
}

/** The arguments and flags of `frames decode`. */
export interface DecodeInvocation extends ShowInvocation {
  /** The output: frames with their records and entries, frames alone, or only faults. */
  shows: 'items' | 'frames' | 'faults';
  values: ValueForm;
}

/** Pieces gather to about this much before they are written. */
const WRITE_BYTES = 65_536;

const renderings: Record<DecodeFormat, (options: RenderingOptions) => Rendering> = {
  text: textRendering,
  ndjson: ndjsonRendering,
  json: jsonRendering,
  msgpack: msgpackRendering,
};

/** Writes all files; resolves with the exit status: that of the first fault, 0 when there was none. */
export async function runDecode(invocation: DecodeInvocation): Promise<number> {
  const { files, filter, follow, maxPayloadBytes, output, report, note } = invocation;
  refuseStdinTwice(files);
  const walk = new Walk(invocation);
  let status = 0;
  await output.write(walk.rendering.begin());
  for (const file of files) {
    const part = await partOf(file, invocation);
    walk.newSequences(part.steps);
    const dump = follow && new FollowedDump(file, { ...follow, maxPayloadBytes });
    do {
      if (walk.isOver) break;
      await output.write(walk.rendering.beginFile(dumpName(file)));
      const fault = await walk.dump(file, dump?.chunks() ?? chunksOf(file, part, invocation));
      await output.write(walk.rendering.endFile(fault));
      if (fault === undefined) continue;
      const faultStatus = await report(fault);
      status ||= faultStatus;
    } while (dump?.goesOn);
  }
  await output.write(walk.rendering.end());
  noteNothingChosen(filter.isChoice && status === 0, walk.shown, note);
  return status;
}

/** Returns the part of a dump that is read: the part that is needed by its index, or all of it. */
async function partOf(
  file: string,
  { filter: { ranges }, maxPayloadBytes, follow }: DecodeInvocation,
): Promise<DumpPart> {
  // Any frame may be larger than a limit that was given, and is then a fault.
  const isAll = ranges === undefined || maxPayloadBytes < MAX_FRAME_PAYLOAD_BYTES;
  if (isAll || file === '-' || follow !== undefined) return wholeDump();
  return seekRecords(file, ranges);
}

/** Yields the frames of a part of a dump. */
async function* chunksOf(
  file: string,
  { start, end }: DumpPart,
  { maxPayloadBytes }: DecodeInvocation,
): AsyncGenerator<SplitFrame[], void, void> {
  if (start === end) return;
  for await (const frames of readDumpChunks(file, { maxPayloadBytes, offset: start })) {
    const behind = frames.findIndex(({ offset }) => offset >= end);
    yield behind === -1 ? frames : frames.slice(0, behind);
    if (behind !== -1) return;
  }
}

class Walk {
  readonly rendering: Rendering;
  readonly #invocation: DecodeInvocation;
  readonly #room = new PayloadRoom();
  readonly #countsFrames: boolean;
  /** The number of items, or frames, that may still be shown. */
  #left: number;
  /** Frames that were shown. */
  #shown = 0;
  #sequences = new SequenceSteps();
  #gathered: Piece[] = [];
  #gatheredLength = 0;

  constructor(invocation: DecodeInvocation) {
    const { files, format, values, shows, filter, limit, clock } = invocation;
    this.#invocation = invocation;
    // A fault on stderr names its file itself.
    const isSingle = files.length === 1 && invocation.follow === undefined;
    const titled = !isSingle && (shows !== 'faults' || format !== 'text');
    this.rendering = renderings[format]({ titled, values, nowMs: () => clock.nowMs() });
    this.#countsFrames = shows === 'frames' || !filter.mayShowItems;
    this.#left = limit;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  /** The number of frames that were shown. */
  get shown(): number {
    return this.#shown;
  }

  /** Goes on behind these sequences, for those of the next dump are unrelated. */
  newSequences(steps: SequenceSteps): void {
    this.#sequences = steps;
  }

  /** Writes a dump's frames; returns the fault that ended it early. */
  async dump(file: string, chunks: AsyncIterable<SplitFrame[]>): Promise<FastcacheError | undefined> {
    let fault: FastcacheError | undefined;
    try {
      for await (const frames of chunks) {
        for (const frame of frames) {
          if (this.isOver) break;
          await this.#frame(openFrame(frame, this.#room));
        }
        // The next chunk may take long to arrive.
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

  /** Writes what is shown of a frame. It is decoded to its end, unless the limit is reached before. */
  async #frame(opened: OpenedFrame): Promise<void> {
    const { filter, shows } = this.#invocation;
    this.#sequences.frame(opened);
    if (shows === 'faults' || !filter.showsKind(opened.kind)) {
      drain(itemsOf(opened));
      return;
    }
    let chosen = this.#chosen(opened);
    if (filter.choosesItems) {
      // The frame is shown for the sake of an item alone.
      const first = chosen.next();
      if (first.done === true) return;
      chosen = behind(first.value, chosen);
    }
    this.#shown += 1;
    if (this.#countsFrames) this.#left -= 1;
    if (shows === 'frames') {
      await this.#show(this.rendering.frame(opened, noItems));
      while (chosen.next().done !== true);
    } else await this.#showItems(opened, chosen);
  }

  async #showItems(opened: OpenedFrame, chosen: Generator<ShownItem, void>): Promise<void> {
    const count = itemCount(opened);
    const isAll = !this.#invocation.filter.choosesItems && count <= this.#left;
    let isWalked = false;
    const items = {
      isAll,
      [Symbol.iterator]: () => {
        isWalked = true;
        return chosen;
      },
    };
    await this.#show(this.rendering.frame(opened, items));
    if (isAll && !isWalked) this.#left -= count;
  }

  /** Yields the items of a frame that pass the filter; where items are shown, up to the limit. */
  *#chosen(opened: OpenedFrame): Generator<ShownItem, void> {
    const { filter, shows } = this.#invocation;
    for (const item of itemsOf(opened)) {
      const step = isRecord(item) ? this.#sequences.record(item) : undefined;
      if (!filter.showsItem(item)) continue;
      yield { item, step };
      if (shows === 'items' && --this.#left === 0) return;
    }
  }

  /** Gathers pieces, and writes what has gathered. */
  async #show(pieces: Iterable<Piece>): Promise<void> {
    for (const piece of pieces) {
      if (typeof piece === 'string') this.#gather(piece);
      else if (piece.length < WRITE_BYTES) this.#gather(Buffer.from(piece));
      else {
        await this.#write();
        await this.#invocation.output.lend(piece);
      }
      if (this.#gatheredLength >= WRITE_BYTES) await this.#write();
    }
  }

  #gather(piece: Piece): void {
    this.#gathered.push(piece);
    this.#gatheredLength += piece.length;
  }

  async #write(): Promise<void> {
    if (this.#gatheredLength === 0) return;
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#gatheredLength = 0;
    await this.#invocation.output.write(joined(gathered));
  }
}

const noItems: ShownItems = { isAll: false, [Symbol.iterator]: () => [][Symbol.iterator]() };

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

function* behind<T>(first: T, rest: Iterable<T>): Generator<T, void> {
  yield first;
  yield* rest;
}

function drain(items: Iterable<Item>): void {
  const iterator = items[Symbol.iterator]();
  while (iterator.next().done !== true);
}
