/**
 * Saves how far a tap has come, about once a second and at the end: never before the output that it stands for is out, so
 * that what is cut off repeats something and leaves out nothing.
 */
import type { Timer, Timers } from '../../clock.js';
import type { Log } from '../log.js';
import { encodeTapState, type TapState } from './tap-state.js';

const PAUSE_MS = 1_000;

export interface StateKeeperOptions {
  timers: Timers;
  log: Log;
  /** Calls `run` at a moment at which all that is applied has been given to the outputs. */
  whenGiven(run: () => void): void;
  /** What is applied as of now; undefined while that is no whole. */
  state(): TapState | undefined;
  /** Resolves with true when all that was given to the outputs is out, and with false when one has failed, which it tells. */
  flush(): Promise<boolean>;
  save(bytes: Buffer): Promise<void>;
}

export class StateKeeper {
  readonly #options: StateKeeperOptions;
  #timer: Timer | undefined;
  #saved = '';
  /** The saving that is under way, or the last one. */
  #saving: Promise<void> = Promise.resolve();
  #isOver = false;
  #isFailing = false;

  constructor(options: StateKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.timers.after(PAUSE_MS, () => this.#options.whenGiven(() => this.#tick()));
  }

  /** Saves a last time; all must have been given to the outputs. Throws `WRITE_FAILED`. */
  async finish(): Promise<void> {
    this.stop();
    await this.#saving;
    await this.#save();
  }

  /** Leaves the state as it was saved last. */
  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #tick(): void {
    if (this.#isOver) return;
    this.#saving = this.#save().then(
      () => {
        this.#isFailing = false;
      },
      (error: unknown) => this.#told(error),
    );
    void this.#saving.then(() => {
      if (!this.#isOver) this.start();
    });
  }

  async #save(): Promise<void> {
    const { state, flush, save } = this.#options;
    const current = state();
    if (current === undefined || nameOf(current) === this.#saved) return;
    if (!(await flush())) return;
    await save(encodeTapState(current));
    this.#saved = nameOf(current);
  }

  /** Once, until it succeeds again. */
  #told(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const message = error instanceof Error ? error.message : String(error);
    this.#options.log.error(`the state is not saved, and is tried again: ${message}`);
  }
}

/** Where the stream stood: what was recorded without leading further need not be known. */
function nameOf({ history, watermarks }: TapState): string {
  return `${history?.id} ${watermarks.join()}`;
}
