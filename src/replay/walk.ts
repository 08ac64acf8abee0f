/**
 * Walks dumps for `frames replay` and sends what is chosen of them, at its pace and no faster than the server
 * answers. Once a second what has been answered becomes the state from which another run continues.
 */

import type { Clock, Timers } from '../clock.js';
import { BatchCheck } from '../dump/check/batch-check.js';
import { FrameCheck } from '../dump/check/frame-check.js';
import { type FrameFilter, type Item, isRecord } from '../dump/choose/filter.js';
import { type DumpSource, dumpName, readDumpChunks } from '../dump/read/dump-reader.js';
import { dumpOffset, openFrame } from '../dump/read/frame-content.js';
import { isBadFrames } from '../errors.js';
import { batchHeadOf, decodeBatch } from '../frame/batch.js';
import { FrameKind } from '../frame/kinds.js';
import { decodeSnapshotChunk } from '../frame/snapshot.js';
import type { SplitFrame } from '../frame/splitter.js';
import { decodeWatermarks } from '../frame/watermarks.js';
import { copyOf, type Place, type ReplayCounts } from './counts.js';
import { itemCommand, settlingCommand } from './item-command.js';
import { LapsingKeys } from './lapsing-keys.js';
import type { Pacer } from './pacer.js';
import type { Pipeline } from './pipeline.js';
import { SeenSequences } from './seen-sequences.js';
import type { ReplayPoint, ReplayState } from './state.js';

/** The progress of a replay. */
export interface ReplayProgress {
  /** Commands that the server has answered in this run. */
  answered: number;
  /** Commands that the server refused; with a state, in all runs. */
  refused: number;
  /** Index of the dump that is read. */
  fileIndex: number;
  /** The byte offset in that dump. */
  offset: number;
}

/** The options of a walk. */
export interface ReplayWalkOptions {
  files: readonly DumpSource[];
  filter: FrameFilter;
  /** The most records and entries to be sent, those of earlier runs included. */
  limit: number;
  pipeline: Pipeline;
  pacer: Pacer | undefined;
  /** Called after each frame, while waiting, and when the server has caught up. */
  onProgress?: ((progress: ReplayProgress) => void) | undefined;
  state: ReplayState | undefined;
  /** The counts of earlier runs, to which the walk adds. */
  counts: ReplayCounts;
  /** The point from which the walk continues; undefined to begin at the start. */
  point: ReplayPoint | undefined;
  clock: Clock;
  timers: Timers;
}

const STATE_EVERY_US = 1_000_000;
/** A record that is due sooner is sent at once: a timer is no finer. */
const LEAST_WAIT_MS = 2;
/** A longer wait is cut into such steps, to report progress and to keep the state. */
const WAIT_STEP_MS = 200;

/** One run of a replay over its dumps. */
export class ReplayWalk {
  readonly #options: ReplayWalkOptions;
  readonly #seen = new SeenSequences();
  readonly #lapsing = new LapsingKeys();
  readonly #picksEntries: boolean;
  #onStop: () => void = () => {};
  #isStopped = false;
  /** How many more records and entries the limit allows. */
  #left: number;
  #fileIndex: number;
  /** The byte offset of the frame under way. */
  #offset: number;
  /** How many items of that frame are done. */
  #items: number;
  /** The point that becomes the state as soon as the server has answered `sent` commands. */
  #pending: { sent: number; point: ReplayPoint } | undefined;
  #nextStateUs = 0;

  constructor(options: ReplayWalkOptions) {
    this.#options = options;
    const { filter, limit, counts, point } = options;
    this.#picksEntries = filter.showsKind('SnapshotChunk') && !filter.recordsOnly;
    this.#left = Math.max(0, limit - counts.records - counts.entries);
    this.#fileIndex = point?.fileIndex ?? 0;
    this.#offset = point?.offset ?? 0;
    this.#items = point?.items ?? 0;
    if (point === undefined) return;
    this.#seen.restore(point.sequences);
    this.#lapsing.restore(point.lapsing);
  }

  get fileIndex(): number {
    return this.#fileIndex;
  }

  /** The place of the frame under way. */
  get place(): Place {
    return { file: dumpName(this.#options.files[this.#fileIndex]!), offset: this.#offset };
  }

  /**
   * The keys that live by a grace: how many are still to be settled, and the items whose key was not noted.
   */
  get lapsing(): { unsettled: number; unnoted: number } {
    return { unsettled: this.#lapsing.size, unnoted: this.#lapsing.unnoted };
  }

  /** Ends the walk soon, in good order. */
  stop(): void {
    this.#isStopped = true;
    this.#onStop();
  }

  /**
   * Sends all, and resolves when all is answered. Throws `FCRP_*` and the like where a dump is damaged, after
   * the frames before are sent, and what the pipeline throws.
   */
  async run(): Promise<void> {
    const { pipeline, state } = this.#options;
    try {
      await this.#files();
      // If another run continues, a record may still extend an expiry. No run continues behind a limit.
      if (!this.#isStopped || state === undefined) await this.#settle();
    } catch (error) {
      if (isBadFrames(error)) {
        await pipeline.drain();
        if (state === undefined) await this.#settle();
      }
      throw error;
    } finally {
      if (pipeline.sent === pipeline.answered) await state?.write(this.#point());
      else await this.#keepState();
    }
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#left === 0;
  }

  async #files(): Promise<void> {
    const { files, pipeline } = this.#options;
    for (;;) {
      await this.#file(files[this.#fileIndex]!);
      // A refusal names the dump, so that the next one begins when all replies about this one are in.
      await pipeline.drain();
      if (this.#isOver || this.#fileIndex + 1 === files.length) return;
      this.#fileIndex += 1;
      this.#offset = 0;
      this.#items = 0;
      this.#seen.forget();
    }
  }

  /** Ends the graces that are left, when all else is answered. */
  async #settle(): Promise<void> {
    if (this.#lapsing.size === 0) return;
    const { pipeline, counts, clock, state } = this.#options;
    // The state stays as it was before until all of this is answered.
    this.#pending = undefined;
    await state?.write(this.#point());
    const nowMs = clock.nowMs();
    for (const lapsed of this.#lapsing.all()) {
      const { name, args } = settlingCommand(lapsed, nowMs);
      pipeline.push(args, this.#offset);
      counts.commands[name] += 1;
      if (name === 'del') counts.expired += 1;
      if (pipeline.isFull) await pipeline.room();
    }
    await pipeline.drain();
    this.#lapsing.clear();
  }

  async #file(file: DumpSource): Promise<void> {
    const check = new FrameCheck(new BatchCheck());
    const chunks = readDumpChunks(file, { offset: this.#offset });
    try {
      for (;;) {
        const next = await this.#unlessStopped(chunks.next());
        if (next === undefined || next.done === true) return;
        for (const frame of next.value) {
          await this.#frame(frame, check);
          if (this.#isOver) return;
          this.#offset = frame.offset + frame.bytes.length;
          this.#items = 0;
          await this.#keepState();
        }
        this.#options.pipeline.flush();
      }
    } catch (error) {
      throw isBadFrames(error) ? error.inFile(dumpName(file)) : error;
    } finally {
      // This is not awaited: a silent pipe does not end either.
      if (file !== '-') void chunks.return();
    }
  }

  async #frame(frame: SplitFrame, check: FrameCheck): Promise<void> {
    const fault = check.faultOf(frame) ?? check.keyFaultOf(frame);
    if (fault !== undefined) throw fault;
    const { filter } = this.#options;
    switch (frame.header.kind) {
      case FrameKind.Hello:
        this.#hello(frame);
        return;
      case FrameKind.SnapshotBegin:
        this.#noteReplacement();
        this.#seen.beginSnapshot(this.#picksEntries ? decodeWatermarks(check.payloadOf(frame)) : []);
        return;
      case FrameKind.SnapshotEnd:
        this.#seen.endSnapshot(this.#picksEntries ? decodeWatermarks(check.payloadOf(frame)) : []);
        return;
      case FrameKind.SnapshotChunk:
        if (this.#picksEntries) await this.#send(frame, decodeSnapshotChunk(check.payloadOf(frame)).entries);
        return;
      case FrameKind.MutationBatch:
        if (filter.showsKind('MutationBatch')) await this.#batch(frame, check.payloadOf(frame));
    }
  }

  async #batch(frame: SplitFrame, payload: Uint8Array): Promise<void> {
    const head = batchHeadOf(payload);
    // A batch that an earlier run has done in part was noted then.
    if (head !== undefined && this.#items === 0) this.#seen.batch(head);
    await this.#send(frame, decodeBatch(payload).records);
  }

  #hello(frame: SplitFrame): void {
    const { content } = openFrame(frame);
    if (content.type !== 'hello') return;
    this.#seen.hello(content.margin, content.hello.watermarks ?? []);
  }

  /** Counts a snapshot that a store would take in place of all its content; here its keys are only added. */
  #noteReplacement(): void {
    const { counts } = this.#options;
    if (this.#isOver || counts.records + counts.entries === 0) return;
    counts.replacements += 1;
    counts.lastReplacement = this.place;
  }

  async #send(frame: SplitFrame, items: Iterable<Item>): Promise<void> {
    const { filter, pipeline, pacer, counts, clock } = this.#options;
    const done = this.#items;
    let index = 0;
    for (const item of items) {
      index += 1;
      if (index <= done) continue;
      if (this.#isOver) return;
      if (isRecord(item) && !this.#seen.isNew(item)) {
        counts.skipped += 1;
      } else {
        if (filter.showsItem(item)) {
          const dueInMs = pacer?.dueInMs(timeOf(item), clock.monotonicUs()) ?? 0;
          if (dueInMs >= LEAST_WAIT_MS && !(await this.#wait(dueInMs))) return;
          this.#push(item, dumpOffset(frame, item.offset));
        }
        if (isRecord(item)) this.#seen.take(item);
      }
      this.#items = index;
      if (pipeline.isFull) {
        await pipeline.room();
        await this.#keepState();
      }
    }
  }

  /** Sends an item; `place` is the byte of the dump that a refusal by the server names. */
  #push(item: Item, place: number): void {
    const { pipeline, counts, clock } = this.#options;
    const { name, args } = itemCommand(item, this.#lapsing.expiryOf(item, clock.nowMs()));
    pipeline.push(args, place);
    counts.commands[name] += 1;
    if (isRecord(item)) counts.records += 1;
    else counts.entries += 1;
    this.#left -= 1;
  }

  /** Waits `ms`; returns false when the walk was stopped meanwhile. */
  async #wait(ms: number): Promise<boolean> {
    const { pipeline, clock, timers } = this.#options;
    pipeline.flush();
    const endUs = clock.monotonicUs() + ms * 1000;
    for (let leftMs = ms; leftMs > 0 && !this.#isStopped; leftMs = (endUs - clock.monotonicUs()) / 1000) {
      const stepMs = Math.min(leftMs, WAIT_STEP_MS);
      await this.#unlessStopped(new Promise<void>((resolve) => timers.after(stepMs, resolve)));
      await this.#keepState();
    }
    return !this.#isStopped;
  }

  /** Resolves as `work`, or with undefined as soon as the walk is stopped. */
  #unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.#isStopped) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#onStop = () => resolve(undefined);
      work.then(resolve, reject);
    });
  }

  /** Writes the state when it is time and its commands are answered, and shows the progress. */
  async #keepState(): Promise<void> {
    const { state, pipeline, clock, onProgress, counts } = this.#options;
    onProgress?.({
      answered: pipeline.answered,
      refused: counts.refused,
      fileIndex: this.#fileIndex,
      offset: this.#offset,
    });
    if (state === undefined) return;
    const nowUs = clock.monotonicUs();
    if (this.#pending === undefined && nowUs >= this.#nextStateUs) {
      this.#pending = { sent: pipeline.sent, point: this.#point() };
    }
    if (this.#pending !== undefined && pipeline.answered >= this.#pending.sent) {
      await state.write(this.#pending.point);
      this.#pending = undefined;
      this.#nextStateUs = nowUs + STATE_EVERY_US;
    }
  }

  #point(): ReplayPoint {
    return {
      fileIndex: this.#fileIndex,
      offset: this.#offset,
      items: this.#items,
      sequences: this.#seen.save(),
      lapsing: this.#lapsing.save(),
      counts: copyOf(this.#options.counts),
    };
  }
}

/** Returns a record's time, Unix ms; undefined for an entry. */
function timeOf(item: Item): bigint | undefined {
  return isRecord(item) ? item.timestampMs : undefined;
}
