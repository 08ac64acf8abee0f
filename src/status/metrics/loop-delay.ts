/**
 * How late the event loop runs what is due: a command that comes meanwhile waits as long. A timer of ten
 * times a second is looked at, only where the metrics are asked for.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { LATENCY_BUCKETS } from '../../kernel/layout.js';
import { type LatencyCounts, latencyBucket } from '../../resp/latencies.js';

const INTERVAL_MS = 100;

/** Counts the delays of the event loop, from its making until `stop`. */
export class LoopDelay {
  /** How many delays were in each bucket of resp/latencies.ts. */
  readonly counts: LatencyCounts = new Float64Array(LATENCY_BUCKETS);
  readonly #clock: Clock;
  readonly #timers: Timers;
  #timer: Timer;

  constructor({ clock, timers }: { readonly clock: Clock; readonly timers: Timers }) {
    this.#clock = clock;
    this.#timers = timers;
    this.#timer = this.#plan();
  }

  /** Counts no more. */
  stop(): void {
    this.#timer.cancel();
  }

  #plan(): Timer {
    const dueUs = this.#clock.monotonicUs() + INTERVAL_MS * 1000;
    return this.#timers.after(INTERVAL_MS, () => {
      this.counts[latencyBucket(Math.max(0, this.#clock.monotonicUs() - dueUs))]! += 1;
      this.#timer = this.#plan();
    });
  }
}
