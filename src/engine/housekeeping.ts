/**
 * Does what a store needs from time to time, in small steps: deletes keys past their expiry, evicts what is
 * above a lowered memory limit, and compacts sparse memory, the only step that a frozen store takes.
 */
import type { Timer, Timers } from '../clock.js';
import { EVICTION_STEP_KEYS } from '../kernel/layout.js';
import type { ShardEngine } from './shard-engine.js';

/** Steps a second while there is little to do. */
export const HOUSEKEEPING_HZ = 10;
const INTERVAL_MS = 1000 / HOUSEKEEPING_HZ;
/**
 * A step takes so many keys or records, about a millisecond's work. After a full step the next one comes at
 * the turn's end.
 */
const SWEPT_KEYS = 2_000;
const MOVED_RECORDS = 2_000;
/**
 * Memory is compacted when more bytes than this, and than a tenth of what records take, are in free blocks.
 */
const FREE_BYTES_MIN = 1024 * 1024;

/** The store that housekeeping works on, and its clock. */
export interface HousekeepingOptions {
  timers: Timers;
  /** Returns the current store, which a new snapshot may replace. */
  engine(): ShardEngine;
  /** Returns whether expired keys are this side's to delete (docs/architecture.md, "Expiry"). */
  sweeps(): boolean;
}

/** Runs until it is stopped. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #timer: Timer;
  #stopped = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#timer = this.#plan();
  }

  /** Stops for good; no step runs afterwards. */
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

  /** Evicts a step; returns whether there is more to evict. */
  #evict(engine: ShardEngine): boolean {
    const before = engine.evictedCount();
    return engine.makeRoom() && engine.evictedCount() - before >= EVICTION_STEP_KEYS;
  }
}
