/**
 * The data directory of a simulated node: on a disk that loses what was not synced, whose process dies at one
 * of its operations. It remembers what was synced and what was closed in order, and compares what the next
 * process finds with it.
 */
import type { DataFiles } from '../../../src/data/data-files.js';
import { beginningOf } from '../../../src/data/segment-beginning.js';
import { batchHeadOf } from '../../../src/frame/batch.js';
import { decodeFrame } from '../../../src/frame/frame.js';
import { decodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { FrameSplitter } from '../../../src/frame/splitter.js';
import { readHistory } from '../../../src/replication/history.js';
import type { Node } from '../../../src/server/node.js';
import { LossyDisk } from '../lossy-disk.js';
import type { RandomSource } from '../random.js';
import type { VirtualProcess } from '../virtual-process.js';
import type { DiskConfiguration, Outcome } from './configuration.js';
import type { Oracle, Place } from './oracle.js';
import type { Running } from './running.js';

/** How many kills out of all cut the power as well. */
const POWER_CUTS = 0.7;
/** One in so many processes dies at an operation of its disk. */
const CRASHES = 0.5;

export interface NodeDiskOptions {
  configuration: DiskConfiguration;
  /** It belongs to this disk alone. */
  random: RandomSource;
  oracle: Oracle;
  /** Ends the process, which will be started again. */
  crash(): void;
  reached(outcome: Outcome): void;
}

/** The place that was synced, as far as is known. */
interface Synced extends Place {
  /** All that the node had published, synced or not. */
  readonly whole: Place;
}

/** The place of a process that was closed in order. */
interface Closed {
  readonly place: Place;
  readonly isPrimary: boolean;
}

export class NodeDisk {
  /** No process dies at an operation any more. */
  isQuiet = false;
  readonly #disk = new LossyDisk();
  readonly #options: NodeDiskOptions;
  #synced: Synced | undefined;
  /** The place of the last process when it was closed in order, and whether it led; undefined: it died. */
  #closed: Closed | undefined;
  /** The place of the process that died, if it had content. */
  #atDeath: Place | undefined;
  /** The segment that the present process has appended to last. */
  #segment: string | undefined;

  constructor(options: NodeDiskOptions) {
    this.#options = options;
  }

  /** The directory as one process has it. */
  files(process: VirtualProcess): DataFiles {
    const { configuration, random } = this.#options;
    const disk = this.#disk;
    disk.delay = (run) => {
      process.seams.timers.after((random.below(1_000) / 1_000) * configuration.latencyMs, run);
    };
    const { crashWithin } = configuration;
    const dies = !this.isQuiet && crashWithin > 0 && random.chance(CRASHES);
    const lastOperation = dies ? disk.operations + random.between(1, crashWithin) : Number.POSITIVE_INFINITY;
    disk.before = () => {
      if (disk.operations < lastOperation || this.isQuiet) return;
      this.#options.reached('crash at an operation of the disk');
      this.#options.crash();
    };
    disk.behind = (operation, name) => {
      if (operation !== 'append' || !/^segment-\d+\.fcrp$/.test(name)) return;
      this.#segment = name;
      void this.#hear(name);
    };
    this.#segment = undefined;
    return disk;
  }

  /** Notes what is there and what is synced of it. */
  note({ node, isClosed }: Running): void {
    if (node === undefined || isClosed) return;
    const { stream } = node;
    this.#atDeath = stream && { historyId: stream.history.id, watermarks: stream.store.watermarks() };
    const watermarks = node.keeping.disk?.watermarks();
    if (stream === undefined || watermarks === undefined) return;
    const historyId = stream.history.id;
    // Records that wait in a batch have never been emitted.
    const whole = { historyId, watermarks: stream.watermarks() };
    this.#synced = { historyId, watermarks: Array.from(watermarks), whole };
  }

  /** Its process is about to be killed. */
  ends(running: Running): void {
    this.note(running);
    const { node, isClosed } = running;
    if (node === undefined) this.#hearFrames();
    this.#closed =
      isClosed && this.#atDeath !== undefined
        ? { place: this.#atDeath, isPrimary: node?.leading !== undefined }
        : undefined;
    const { random } = this.#options;
    if (random.chance(POWER_CUTS)) this.#disk.crash(random);
    else this.#disk.kill();
  }

  /** Compares what a process has found with what the one before had. */
  expectKept(node: Node): void {
    const { oracle, reached } = this.#options;
    const found = this.#foundBy(node);
    if (found === undefined) {
      if (this.#synced === undefined || oracle.isBeginning(this.#synced)) return;
      throw new Error(`nothing is left of what was synced: ${show(this.#synced)}`);
    }
    oracle.expectFrameEnd(found);
    if (this.#closed !== undefined) this.#expectContinued(node, found, this.#closed);
    if (this.#synced === undefined) return;
    // Content that replaced that one may just have become whole.
    const isNewer =
      found.historyId === this.#atDeath?.historyId && found.historyId !== this.#synced.historyId;
    if (!isNewer && !oracle.isAtLeast(found, this.#synced)) {
      throw new Error(`${show(found)} is found where ${show(this.#synced)} was synced`);
    }
    reached(oracle.isAtLeast(found, this.#synced.whole) ? 'all kept' : 'a crash lost writes');
  }

  #expectContinued(node: Node, found: Place, { place, isPrimary }: Closed): void {
    // Expired keys are deleted at once.
    if (!this.#options.oracle.isAtLeast(found, place)) {
      throw new Error(`${show(found)} is found where ${show(place)} was closed in order`);
    }
    if (!isPrimary || node.leading === undefined) return;
    if (node.history?.id !== place.historyId) {
      throw new Error(`history ${node.history?.id} follows an orderly stop of ${place.historyId}`);
    }
    this.#options.reached('same history after a stop');
  }

  /** Returns what a node has taken from its directory. */
  #foundBy({ leading, holding, history }: Node): Place | undefined {
    if (holding === undefined || history === undefined) return undefined;
    const isContinued = leading === undefined || history.id === this.#atDeath?.historyId;
    if (isContinued) return { historyId: history.id, watermarks: holding.store.watermarks() };
    const { previous } = history;
    return previous && { historyId: previous.id, watermarks: previous.watermarks };
  }

  /** A history may be on the disk before anybody has heard of it otherwise. */
  async #hear(name: string): Promise<void> {
    const { oracle } = this.#options;
    const { history, watermarks } = await beginningOf(this.#disk, name);
    if (oracle.emitted(history.id) !== undefined) return;
    oracle.begin(
      history,
      Array.from(watermarks, () => history.base),
    );
  }

  /** Of what a process has published that died before it served, the disk alone can tell. */
  #hearFrames(): void {
    const { oracle } = this.#options;
    const bytes = this.#segment && this.#disk.bytesOf(this.#segment);
    let historyId = '';
    new FrameSplitter().push(bytes || Buffer.alloc(0), ({ header, bytes: frame, wirePayload }) => {
      if (header.kind === FrameKind.Hello) {
        historyId = readHistory(decodeHelloFrame(header, wirePayload).margin)?.id ?? '';
      }
      const head = header.kind === FrameKind.MutationBatch && batchHeadOf(decodeFrame(frame).payload);
      const emitted = oracle.emitted(historyId);
      if (head && emitted !== undefined && head.sequence > emitted[head.shard]!)
        oracle.record(historyId, frame);
    });
  }
}

function show({ historyId, watermarks }: Place): string {
  return `${historyId}@${watermarks.join()}`;
}
