/** The consumer of a node's changes in a simulation: it folds them, sometimes slowly. */
import type { Timers } from '../../../src/clock.js';
import type { ShardEngine } from '../../../src/engine/shard-engine.js';
import type { Change, ChangeConsumer } from '../../../src/replication/outputs/changes.js';
import { ChangeFold } from '../change-fold.js';
import { scanAll } from '../engines.js';
import type { RandomSource } from '../random.js';

const PAUSE_MAX_MS = 30;

export class SimConsumer {
  /** The result of all changes so far, with those of earlier runs. */
  readonly fold = new ChangeFold();
  /** How many changes were waited for. */
  waits = 0;
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** The consumer of one run of a process; a snapshot that an earlier run had begun and not ended is void. */
  of(timers: Timers): ChangeConsumer {
    this.fold.take({ type: 'snapshot-abandoned' });
    return { take: (change) => this.#take(change, timers) };
  }

  #take(change: Change, timers: Timers): Promise<void> | undefined {
    this.fold.take(change);
    if (!this.#random.chance(0.02)) return undefined;
    this.waits += 1;
    return new Promise((resolve) => timers.after(this.#random.below(PAUSE_MAX_MS), resolve));
  }
}

/** Content as a `ChangeFold` shows it. */
export function linesOf(store: ShardEngine): string[] {
  return [...scanAll(store)].map(({ key, value, expireAtMs }) => `${key}=${value} @${expireAtMs}`).sort();
}
