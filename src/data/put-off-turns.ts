/**
 * The ends of turns that wait for a write to the disk. Nobody could be answered before it has ended, and what
 * is written meanwhile then leaves in one frame a shard, and in one write, for all of these turns.
 */
import type { Clock, Timer, Timers } from '../clock.js';

/** Turns wait for so long, or up to twice as long: replicas are to be sent what a slow disk does not have. */
const PUT_OFF_MS = 5;
/** Clients that were answered have so many rounds of the event loop to write again, within about so long. */
const ROUNDS = 4;
const ROUNDS_US = 100;

/** The turns that end when a write does, or a little later than they would. */
export class PutOffTurns {
  readonly #timers: Timers;
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  #isOpen = false;
  /** The number of the write that turns wait for. */
  #write = 0;
  /** One timer looks after many writes: they are short, and each would have to cancel one of its own. */
  #limit: Timer | undefined;

  constructor({ timers, clock }: { timers: Timers; clock: Clock }) {
    this.#timers = timers;
    this.#clock = clock;
  }

  /** Has turns wait from now on, until `end`. */
  begin(): void {
    this.#isOpen = true;
    this.#write += 1;
  }

  /** Has a turn wait, whose `endTurn` is called then. Returns false when it is to end now. */
  putsOff(endTurn: () => void): boolean {
    if (!this.#isOpen) return false;
    this.#limit ??= this.#planLimit();
    this.#waiting.push(endTurn);
    return true;
  }

  /** Has a turn wait as `putsOff`, behind another one that does. Returns false when none does. */
  joins(endTurn: () => void): boolean {
    return this.#waiting.length > 0 && this.putsOff(endTurn);
  }

  /**
   * Resolves some rounds of the event loop later. Clients that were just answered write again meanwhile, and
   * that leaves with the writes that wait: a group takes as much of the processor as several requests.
   */
  async rounds(): Promise<void> {
    const endUs = this.#clock.monotonicUs() + ROUNDS_US;
    for (let round = 0; round < ROUNDS && this.#clock.monotonicUs() < endUs; round += 1) {
      await new Promise<void>((resolve) => this.#timers.endOfTurn(resolve));
    }
  }

  /** Ends the turns that wait, in their order. */
  end(): void {
    this.#isOpen = false;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const endTurn of waiting) endTurn();
  }

  /** Ends the turns that wait, and leaves no timer, until another write begins. */
  close(): void {
    this.#limit?.cancel();
    this.#limit = undefined;
    this.end();
  }

  #planLimit(): Timer {
    const write = this.#write;
    return this.#timers.after(PUT_OFF_MS, () => {
      this.#limit = undefined;
      if (this.#waiting.length === 0) return;
      if (this.#write === write) this.end();
      else this.#limit = this.#planLimit();
    });
  }
}
