/**
 * What a store needs done from time to time: keys past their expiry deleted, what is above a lowered memory limit evicted,
 * sparse memory gathered; in small steps. Of a store that is frozen only the memory is gathered.
 */
import type { Timer, Timers } from '../clock.js';
import { EVICTION_STEP_KEYS } from '../kernel/layout.js';
import type { ShardEngine } from './shard-engine.js';

const INTERVAL_MS = 100;
/** About a millisecond's work each; a full step is followed by the next in the same turn's end. */
const SWEPT_KEYS = 2_000;
const MOVED_RECORDS = 2_000;
/** Free blocks are gathered when they are more than this, and a tenth of what is used. */
const FREE_BYTES_MIN = 1024 * 1024;

export interface HousekeepingOptions {
  timers: Timers;
  /** The store of this moment. */
  engine(): ShardEngine;
  /** Whether expired keys are this side's to delete (design.md, "Expiry"). */
  sweeps(): boolean;
}

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #timer: Timer;
  #stopped = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#timer = this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.cancel();
  }

  #plan(): Timer {
    return this.#options.timers.after(INTERVAL_MS, () => this.#step());
  }

  #step(): void {
    if (this.#stopped) return;
    const engine = this.#options.engine();
    const swept = this.#options.sweeps() ? engine.sweep(SWEPT_KEYS) : 0;
    const isOver = this.#evict(engine);
    const { records, freeBlocks } = engine.memory();
    const moved =
      freeBlocks > FREE_BYTES_MIN && freeBlocks > records / 10 ? engine.compact(MOVED_RECORDS) : 0;
    if (swept === SWEPT_KEYS || isOver || moved >= MOVED_RECORDS)
      this.#options.timers.endOfTurn(() => this.#step());
    else this.#timer = this.#plan();
  }

  /** Whether there is more to evict. */
  #evict(engine: ShardEngine): boolean {
    const before = engine.evictedCount();
    return engine.makeRoom() && engine.evictedCount() - before >= EVICTION_STEP_KEYS;
  }
}
