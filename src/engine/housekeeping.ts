/**
 * Does what a store needs from time to time, in small steps: deletes keys past their expiry, evicts what is
 * above a lowered memory limit, and compacts sparse memory, which a frozen store does, too. Once a second it
 * checks a part of the content (kernel/store/content-check.ts).
 */
import type { Timer, Timers } from '../clock.js';
import { EVICTION_STEP_KEYS } from '../kernel/layout.js';
import type { DamagedRecord } from './digests.js';
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
/** A check takes so many records, and bytes of values, at most: two milliseconds' work. */
const CHECKED_RECORDS = 10_000;
const CHECKED_BYTES = 4 * 1024 * 1024;

/** The store that housekeeping works on, and its clock. */
export interface HousekeepingOptions {
  timers: Timers;
  /** Returns the current store, which a new snapshot may replace. */
  engine(): ShardEngine;
  /** Returns whether expired keys are this side's to delete (docs/architecture.md, "Expiry"). */
  sweeps(): boolean;
  /** Called with a record that is not what was written; absent: none is checked. */
  damaged?(record: DamagedRecord): void;
}

/** Runs until it is stopped. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #timer: Timer;
  #stopped = false;
  #checkedAtStep = 0;
  #steps = 0;

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
    this.#steps += 1;
    if (this.#steps - this.#checkedAtStep >= HOUSEKEEPING_HZ) this.#check(engine);
  }

  #check(engine: ShardEngine): void {
    this.#checkedAtStep = this.#steps;
    const { damaged } = this.#options;
    if (damaged === undefined) return;
    for (let left = CHECKED_RECORDS; left > 0; ) {
      const checked = engine.digests.check(left, CHECKED_BYTES);
      if (checked.damaged === undefined) return;
      damaged(checked.damaged);
      left -= checked.records;
    }
  }

  /** Evicts a step; returns whether there is more to evict. */
  #evict(engine: ShardEngine): boolean {
    const before = engine.evictedCount();
    return engine.makeRoom() && engine.evictedCount() - before >= EVICTION_STEP_KEYS;
  }
}
