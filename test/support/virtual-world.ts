/**
 * Time, chance and the event loop of a simulation: one heap of events ordered by time, then by when they were
 * planned. Code that runs on its seams runs the same way every time.
 */
import type { Clock, Random, Seams, Timers } from '../../src/clock.js';

export interface Planned {
  atMs: number;
  order: number;
  run: (() => void) | undefined;
}

/** A wall clock far from zero, so that sequence bases are as large as real ones. */
const START_MS = 1_800_000_000_000;

export class VirtualWorld {
  readonly seams: Seams;
  #nowMs = 0;
  #order = 0;
  #trace = 0;
  readonly #heap: Planned[] = [];
  readonly #checks: (() => void)[] = [];

  constructor(seed = 1) {
    const clock: Clock = { nowMs: () => START_MS + this.#nowMs, monotonicUs: () => this.#nowMs * 1000 };
    const timers: Timers = {
      after: (delayMs, run) => {
        const planned = this.plan(Math.max(delayMs, 0), run);
        return {
          cancel() {
            planned.run = undefined;
          },
        };
      },
      endOfTurn: (run) => {
        this.plan(0, run);
      },
    };
    this.seams = { clock, timers, random: seededRandom(seed) };
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** A hash of all that has happened so far, and of what was noted: two runs alike have the same. */
  get trace(): number {
    return this.#trace;
  }

  /** Makes a whole number part of the trace. */
  note(value: number): void {
    const mixed = Math.imul(this.#trace ^ value, 0x9e3779b1);
    this.#trace = (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** Timers and deliveries that are still to come. */
  get pending(): number {
    return this.#heap.filter((planned) => planned.run !== undefined).length;
  }

  /** Calls `check` after each event from now on: it throws when something is not as it must always be. */
  always(check: () => void): void {
    this.#checks.push(check);
  }

  plan(delayMs: number, run: () => void): Planned {
    if (!(delayMs >= 0)) throw new Error(`nothing can happen in ${delayMs} ms`);
    const planned: Planned = { atMs: this.#nowMs + delayMs, order: this.#order++, run };
    let index = this.#heap.push(planned) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(planned, this.#heap[parent]!)) break;
      this.#heap[index] = this.#heap[parent]!;
      index = parent;
    }
    this.#heap[index] = planned;
    return planned;
  }

  /** Runs the next event; false when there is none within `untilMs`. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.atMs > untilMs) return false;
    this.#removeFirst();
    this.#nowMs = next.atMs;
    if (next.run === undefined) return true;
    this.note(next.order ^ (next.atMs * 1_000));
    next.run();
    for (const check of this.#checks) check();
    return true;
  }

  /** Runs all that happens within the next `durationMs`. */
  run(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs;
    while (this.step(untilMs));
    this.#nowMs = untilMs;
  }

  /** Runs until `done`, at most `limitMs`; throws when that does not come. */
  runUntil(done: () => boolean, limitMs = 60_000): void {
    const untilMs = this.#nowMs + limitMs;
    while (!done()) {
      if (!this.step(untilMs)) throw new Error(`nothing more happens within ${limitMs} virtual ms`);
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child += 1;
      if (!isBefore(this.#heap[child]!, last)) break;
      this.#heap[index] = this.#heap[child]!;
      index = child;
    }
    this.#heap[index] = last;
  }
}

function isBefore(left: Planned, right: Planned): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/** Mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    u32() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
  };
}
