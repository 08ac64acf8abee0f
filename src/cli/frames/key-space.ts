/** Key spaces for the tools: what dumps lead to, in stores whose time is told them. */
import { type Clock, systemRandom } from '../../clock.js';
import type { DumpLimits } from '../../dump/choose/batch-limit.js';
import { dropExpired, loadDumps } from '../../dump/fold/load.js';
import { ShardEngine } from '../../engine/shard-engine.js';
import { DEFAULT_BATCH_MAX_BYTES, DEFAULT_BATCH_MAX_RECORDS, MAX_FRAME_PAYLOAD_BYTES } from '../../limits.js';
import { refuseStdinTwice } from '../command/values.js';
import { ReadProgress } from '../terminal/read-progress.js';

/** Stores that follow, and share a clock which stands where it is told: at first before all expiries. */
export class ToolStores {
  readonly #clock = { ms: 0, nowMs: () => this.#clock.ms, monotonicUs: () => 0 };

  create(shards: number): ShardEngine {
    const engine = new ShardEngine({
      shards,
      route: 'full-key',
      clock: this.#clock,
      seed: (BigInt(systemRandom.u32()) << 32n) | BigInt(systemRandom.u32()),
      batchMaxRecords: DEFAULT_BATCH_MAX_RECORDS,
      batchMaxBytes: DEFAULT_BATCH_MAX_BYTES,
      maxValueBytes: MAX_FRAME_PAYLOAD_BYTES,
    });
    engine.setReplica(true);
    return engine;
  }

  /** Sets the clock and deletes what has expired by then, Unix ms, from a store of these; how many keys. */
  expire(store: ShardEngine, atMs: number): number {
    // Of what a hostile dump names, as much as the kernel's clock takes.
    this.#clock.ms = Math.min(atMs, Number.MAX_SAFE_INTEGER);
    return dropExpired(store);
  }
}

export interface DumpKeySpace {
  store: ShardEngine;
  watermarks: bigint[];
  /** Unix ms: what was asked for, else the newest record's; undefined: neither is there. */
  atMs: number | undefined;
}

export interface DumpReading {
  stores: ToolStores;
  /** Where progress is shown, if it is one. */
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

/** What `files`, which continue each other, lead to; it holds what has expired too. Throws as `loadDumps`. */
export async function readKeySpace(
  files: readonly string[],
  limits: DumpLimits,
  { stores, terminal, clock }: DumpReading,
): Promise<DumpKeySpace> {
  refuseStdinTwice(files);
  const progress = new FilesProgress(terminal, clock);
  try {
    const { store, watermarks, newestMs } = await loadDumps({
      ...limits,
      files,
      createStore: (shards) => stores.create(shards),
      onRead: (file, bytes) => progress.read(file, bytes),
    });
    const atMs = limits.untilMs === undefined ? newestMs : Number(limits.untilMs);
    return { store, watermarks, atMs };
  } finally {
    progress.close();
  }
}

/** Of files that are read one after the other. */
class FilesProgress {
  readonly #terminal: NodeJS.WriteStream;
  readonly #clock: Clock;
  #file: string | undefined;
  #progress: ReadProgress | undefined;

  constructor(terminal: NodeJS.WriteStream, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  read(file: string, bytes: number): void {
    if (file !== this.#file) {
      this.close();
      this.#file = file;
      this.#progress = new ReadProgress(this.#terminal, this.#clock, 'reading', file);
    }
    this.#progress?.read(bytes);
  }

  close(): void {
    this.#progress?.close();
    this.#progress = undefined;
  }
}
