/**
 * An operating system's process in a `VirtualWorld`: a wall clock of its own, timers that die with it, and
 * the two things that happen to processes besides: being stopped for a while, and being killed.
 */
import type { Clock, Random, Seams, Timers } from '../../src/clock.js';
import type { Planned, VirtualWorld } from './virtual-world.js';

/** A socket of a process. */
export interface Socket {
  /** Its process runs again. */
  resumed(): void;
  /** Its process is gone, and the system closes what it held. */
  orphaned(): void;
}

export class VirtualProcess {
  readonly seams: Seams;
  readonly sockets = new Set<Socket>();
  /** How far the wall clock is off, ms. */
  clockOffMs = 0;
  #state: 'runs' | 'paused' | 'killed' = 'runs';
  /** The work to do when it runs again. */
  readonly #deferred: (() => void)[] = [];
  readonly #planned = new Set<Planned>();
  readonly #world: VirtualWorld;

  constructor(world: VirtualWorld, random: Random) {
    this.#world = world;
    const common = world.seams.clock;
    const clock: Clock = {
      nowMs: () => common.nowMs() + this.clockOffMs,
      monotonicUs: () => common.monotonicUs(),
    };
    const timers: Timers = {
      after: (delayMs, run) => this.#after(delayMs, run),
      endOfTurn: (run) => {
        this.#after(0, run);
      },
    };
    this.seams = { clock, timers, random };
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  get isKilled(): boolean {
    return this.#state === 'killed';
  }

  /** Timers that are armed. */
  get timers(): number {
    return this.#planned.size;
  }

  /** Does something in this process: now, when it runs again, or never when it is killed. */
  run(action: () => void): void {
    if (this.#state === 'runs') action();
    else if (this.#state === 'paused') this.#deferred.push(action);
  }

  pause(): void {
    if (this.#state === 'runs') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'runs';
    for (const action of this.#deferred.splice(0)) this.#world.plan(0, () => this.run(action));
    for (const socket of this.sockets) socket.resumed();
  }

  kill(): void {
    if (this.#state === 'killed') return;
    this.#state = 'killed';
    this.#deferred.length = 0;
    for (const planned of this.#planned) planned.run = undefined;
    this.#planned.clear();
    for (const socket of [...this.sockets]) socket.orphaned();
    this.sockets.clear();
  }

  #after(delayMs: number, run: () => void): { cancel(): void } {
    if (this.#state === 'killed') return { cancel() {} };
    let isCancelled = false;
    const planned = this.#world.plan(Math.max(delayMs, 0), () => {
      this.#planned.delete(planned);
      this.run(() => {
        if (!isCancelled) run();
      });
    });
    this.#planned.add(planned);
    return {
      cancel: () => {
        isCancelled = true;
        planned.run = undefined;
        this.#planned.delete(planned);
      },
    };
  }
}
