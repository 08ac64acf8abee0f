/** Key spaces for the tools: what dumps lead to, in stores whose time is told them. */
import type { Clock } from '../../clock.js';
import type { DumpLimits } from '../../dump/choose/batch-limit.js';
import type { KeySpace } from '../../dump/fold/key-space-fold.js';
import { loadDumps } from '../../dump/fold/load.js';
import type { ToolStores } from '../../dump/fold/tool-stores.js';
import type { ShardEngine } from '../../engine/shard-engine.js';
import { refuseStdinTwice } from '../command/values.js';
import { ReadProgress } from '../terminal/read-progress.js';

export interface DumpKeySpace {
  store: ShardEngine;
  watermarks: bigint[];
  /** Unix ms: what was asked for, else the newest record's; undefined: neither is there. */
  atMs: number | undefined;
  /** Promotions that no Hello of the dumps tells of; the place is an error with file and byte offset. */
  unsaid: KeySpace['unsaid'];
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
    const { store, watermarks, newestMs, unsaid } = await loadDumps({
      ...limits,
      files,
      createStore: (shards) => stores.create(shards),
      onRead: (file, bytes) => progress.read(file, bytes),
    });
    const atMs = limits.untilMs === undefined ? newestMs : Number(limits.untilMs);
    return { store, watermarks, atMs, unsaid };
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
