/**
 * The seams through which the core meets time, chance and the event loop. The core takes these as arguments and
 * never calls `Date`, `Math.random`, `setTimeout` or `process` itself, so that the whole of it runs in a simulation.
 */
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Wall time, Unix milliseconds. */
  nowMs(): number;
  /** Monotonic time in microseconds from an arbitrary start; for ages and delays. */
  monotonicUs(): number;
}

/** An armed timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Calls `run` once, `delayMs` from now. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` once when this turn of the event loop has handled its input. */
  endOfTurn(run: () => void): void;
}

export interface Random {
  /** A uniform 32-bit unsigned integer. */
  u32(): number;
}

/** What the core needs of the world besides its connections. */
export interface Seams {
  clock: Clock;
  timers: Timers;
  random: Random;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
};

export const systemTimers: Timers = {
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  endOfTurn(run) {
    setImmediate(run);
  },
};

export const systemRandom: Random = {
  u32: () => randomBytes(4).readUInt32LE(),
};

export const systemSeams: Seams = { clock: systemClock, timers: systemTimers, random: systemRandom };
