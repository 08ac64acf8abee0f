/**
 * The part of a server's time that it spends for askers, all of them together (docs/protocol.md, "Compare"):
 * behind each step it rests in proportion to what that took, and the next step is the next asker's. Small
 * questions behind a rest are answered at once.
 */
import type { Clock, Timer, Timers } from '../../clock.js';

/** Time for work that was not used for a while may be used later, but only so much of it at once. */
const BURST_US = 20_000;

/** A job: a step of work, which returns whether there is another one. */
export type Job = () => boolean;

/** The jobs of one server, done in turn. */
export class WorkShare {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #part: number;
  readonly #jobs: Job[] = [];
  #timer: Timer | undefined;
  /** The time from which on the next step may be made, monotonic microseconds. */
  #nextAtUs = Number.NEGATIVE_INFINITY;

  /** `part`: of the time, above 0 and at most 1. */
  constructor({ clock, timers }: { clock: Clock; timers: Timers }, part: number) {
    this.#clock = clock;
    this.#timers = timers;
    this.#part = part;
  }

  /** Adds a job, whose first step is made as soon as it is its turn, at once perhaps. */
  add(job: Job): void {
    this.#jobs.push(job);
    this.#arm();
  }

  /** Gives a job up, if it is there. */
  remove(job: Job): void {
    const index = this.#jobs.indexOf(job);
    if (index !== -1) this.#jobs.splice(index, 1);
    if (this.#jobs.length > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#jobs.length === 0) return;
    const pauseMs = Math.ceil((this.#nextAtUs - this.#clock.monotonicUs()) / 1000);
    this.#timer = this.#timers.after(Math.max(1, pauseMs), () => {
      this.#timer = undefined;
      this.#step();
    });
  }

  #step(): void {
    const job = this.#jobs.shift();
    if (job === undefined) return;
    const startedUs = this.#clock.monotonicUs();
    const goesOn = job();
    const workUs = this.#clock.monotonicUs() - startedUs;
    const begunUs = Math.max(this.#nextAtUs, startedUs - BURST_US / this.#part);
    this.#nextAtUs = begunUs + workUs / this.#part;
    if (goesOn) this.#jobs.push(job);
    this.#arm();
  }
}
