/**
 * The seams through which the core meets time, chance and the event loop. The core takes these as arguments
 * and never calls `Date`, `Math.random`, `setTimeout` or `process` itself, so that the whole of it runs in a
 * simulation.
 */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';

/** Time, as the core reads it. */
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

/** Calls at a later time, as the core asks for them. */
export interface Timers {
  /** Calls `run` once, `delayMs` from now. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` once when this turn of the event loop has handled its input. */
  endOfTurn(run: () => void): void;
}

/** Resolves after the delay, and at once when `stop` is aborted. */
export function pause(timers: Timers, delayMs: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = timers.after(delayMs, end);
    stop.addEventListener('abort', end);
    if (stop.aborted) end();
  });
}

/** Chance, as the core draws it. */
export interface Random {
  /** A uniform 32-bit unsigned integer. */
  u32(): number;
}

/** The parts of the world that the core needs besides its connections. */
export interface Seams {
  clock: Clock;
  timers: Timers;
  random: Random;
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
};

/** The event loop's timers. */
export const systemTimers: Timers = {
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  endOfTurn(run) {
    setImmediate(run);
  },
};

/** The machine's secure random numbers. */
export const systemRandom: Random = {
  u32: () => randomBytes(4).readUInt32LE(),
};

/** Clock, timers and random numbers of the machine. */
export const systemSeams: Seams = { clock: systemClock, timers: systemTimers, random: systemRandom };
