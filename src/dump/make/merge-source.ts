/**
 * One of the dumps that are merged: its frames in their order, each with the time that it is merged by. A
 * batch has the time of its first record. A frame without a time (connections, snapshots, watermarks) has
 * that of the batch that follows: a snapshot shows what its dump held just before the next batch. Frames
 * behind the last batch have the time of that one.
 */
import { createReadStream } from 'node:fs';
import { FastcacheError } from '../../errors.js';
import { firstTimestampMs } from '../../frame/batch.js';
import { openPayload } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { Stretch } from '../../frame/resync.js';
import { FrameSplitter, type SplitFrame } from '../../frame/splitter.js';
import { BatchCheck } from '../check/batch-check.js';
import { FrameCheck } from '../check/frame-check.js';
import { inDump } from '../read/dump-reader.js';
import { walkChunks } from '../read/walk.js';
import type { DumpOutput } from './dump-output.js';
import { DumpLosses } from './losses.js';
import { DumpSalvager } from './salvager.js';

/** How much is read at once to find the next batch, which is near as a rule. */
const AHEAD_BYTES = 65_536;

/** How a dump is merged. */
export interface SourceOptions {
  output: DumpOutput;
  /** How many losses are kept. */
  maxFaults: number;
  signal: AbortSignal | undefined;
  /** Called after each chunk with the bytes that have been read so far. */
  onRead(bytes: number): void;
}

/** The dump, at one of its frames. */
export class MergeSource {
  readonly file: string;
  readonly losses: DumpLosses;
  readonly #check = new FrameCheck(new BatchCheck());
  readonly #salvager: DumpSalvager;
  readonly #stretches: AsyncGenerator<Stretch, void, void>;
  #next: SplitFrame | undefined;
  /** The next frame's time, Unix ms. A dump without any time is taken first. */
  #timeMs = Number.NEGATIVE_INFINITY;
  /** The byte up to which every frame has the time that was found ahead. */
  #foundTo = 0;

  constructor(file: string, { output, maxFaults, signal, onRead }: SourceOptions) {
    this.file = file;
    this.losses = new DumpLosses(maxFaults);
    this.#salvager = new DumpSalvager(this.#check, output, (loss) => this.losses.add(loss));
    this.#stretches = stretchesOf(walkChunks({ file, checks: this.#check, signal, onRead }));
  }

  /** The time of the next frame, Unix ms. */
  get timeMs(): number {
    return this.#timeMs;
  }

  get isOver(): boolean {
    return this.#next === undefined;
  }

  /** Whether the next frame must come before that of another dump: the frames of a snapshot stay together. */
  get isInSnapshot(): boolean {
    return this.#salvager.isInSnapshot;
  }

  /** Goes to the first frame. Throws `NO_INPUT` and `READ_FAILED`. */
  start(): Promise<void> {
    return this.#advance();
  }

  /** Writes the next frame and goes to the one behind it. */
  async take(): Promise<void> {
    if (this.#next !== undefined) this.#salvager.take({ type: 'frame', frame: this.#next });
    await this.#advance();
  }

  async close(): Promise<void> {
    await this.#stretches.return();
  }

  async #advance(): Promise<void> {
    this.#next = undefined;
    for (;;) {
      const { value: stretch } = await this.#stretches.next();
      if (stretch === undefined) {
        this.#salvager.end();
        return;
      }
      if (stretch.type === 'damage') {
        this.#salvager.take(stretch);
        continue;
      }
      this.#next = stretch.frame;
      this.#timeMs = await this.#timeOf(stretch.frame);
      return;
    }
  }

  async #timeOf(frame: SplitFrame): Promise<number> {
    const ownMs = timeOfBatch(frame, () => this.#check.payloadOf(frame));
    if (ownMs !== undefined) return ownMs;
    const end = frame.offset + frame.bytes.length;
    if (end <= this.#foundTo) return this.#timeMs;
    const { timeMs, offset } = await timeBehind(this.file, end);
    this.#foundTo = offset;
    return timeMs ?? this.#timeMs;
  }
}

async function* stretchesOf(chunks: AsyncIterable<Iterable<Stretch>>): AsyncGenerator<Stretch, void, void> {
  for await (const stretches of chunks) yield* stretches;
}

/** Returns Unix ms of the first record of a batch; undefined when there is none. */
function timeOfBatch({ header }: SplitFrame, payload: () => Uint8Array): number | undefined {
  if (header.kind !== FrameKind.MutationBatch) return undefined;
  return firstTimestampMs(payload()) || undefined;
}

/** Finds the time of the first batch from byte `start` on, up to damage, and the byte where that batch is. */
async function timeBehind(
  file: string,
  start: number,
): Promise<{ timeMs: number | undefined; offset: number }> {
  const splitter = new FrameSplitter({ offset: start });
  try {
    for await (const chunk of createReadStream(file, { start, highWaterMark: AHEAD_BYTES })) {
      let found: { timeMs: number; offset: number } | undefined;
      splitter.push(chunk as Buffer, (frame) => {
        if (found !== undefined) return;
        const timeMs = timeOfBatch(frame, () => openPayload(frame.header, frame.wirePayload));
        if (timeMs !== undefined) found = { timeMs, offset: frame.offset };
      });
      if (found !== undefined) return found;
    }
  } catch (error) {
    // A batch behind damage is found when the reading gets there.
    if (!(error instanceof FastcacheError)) throw inDump(error, file, splitter.frameStart);
  }
  return { timeMs: undefined, offset: splitter.frameStart };
}
