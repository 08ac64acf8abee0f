/** The key space that dumps lead to, as of a moment: what has expired by then is left out. */
import type { Clock } from '../clock.js';
import { systemRandom } from '../clock.js';
import type { DumpLimits } from '../dump/batch-limit.js';
import { dropExpired, loadDumps } from '../dump/load.js';
import { ShardEngine } from '../engine/shard-engine.js';
import { DEFAULT_BATCH_MAX_BYTES, DEFAULT_BATCH_MAX_RECORDS, MAX_FRAME_PAYLOAD_BYTES } from '../limits.js';
import { refuseStdinTwice } from './dump-reader.js';
import { ReadProgress } from './read-progress.js';

export interface DumpKeySpace {
  store: ShardEngine;
  watermarks: bigint[];
  /** Unix ms: what was asked for, else the newest record's; null: neither is there, and nothing is left out. */
  atMs: number | null;
  /** Keys that had expired by then. */
  expiredKeys: number;
}

export interface DumpReading {
  /** Where progress is shown, if it is one. */
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

/** `files` continue each other; throws as `loadDumps`. */
export async function readKeySpace(
  files: readonly string[],
  limits: DumpLimits,
  { terminal, clock }: DumpReading,
): Promise<DumpKeySpace> {
  refuseStdinTwice(files);
  const moment = { ms: 0, nowMs: () => moment.ms, monotonicUs: () => 0 };
  const progress = new FilesProgress(terminal, clock);
  try {
    const { store, watermarks, newestMs } = await loadDumps({
      ...limits,
      files,
      createStore: (shards) => followingStore(shards, moment),
      onRead: (file, bytes) => progress.read(file, bytes),
    });
    const atMs = limits.untilMs === undefined ? newestMs : Number(limits.untilMs);
    // Of what a hostile dump names, as much as the kernel's clock takes.
    moment.ms = Math.min(atMs ?? 0, Number.MAX_SAFE_INTEGER);
    return { store, watermarks, atMs: atMs ?? null, expiredKeys: dropExpired(store) };
  } finally {
    progress.close();
  }
}

/** A store that follows. */
export function followingStore(shards: number, clock: Clock): ShardEngine {
  const engine = new ShardEngine({
    shards,
    route: 'full-key',
    clock,
    seed: (BigInt(systemRandom.u32()) << 32n) | BigInt(systemRandom.u32()),
    batchMaxRecords: DEFAULT_BATCH_MAX_RECORDS,
    batchMaxBytes: DEFAULT_BATCH_MAX_BYTES,
    maxValueBytes: MAX_FRAME_PAYLOAD_BYTES,
  });
  engine.setReplica(true);
  return engine;
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
