/**
 * Saves how far a tap has come, about once a second and at the end. A state is never saved before the output
 * that it describes is out, so that a run that is cut off is followed by one that repeats something and
 * leaves out nothing.
 */
import type { Timer, Timers } from '../../clock.js';
import type { Log } from '../log.js';
import { encodeTapState, type RecordedDump, type TapState } from './tap-state.js';

const PAUSE_MS = 1_000;

/** The state that is applied, with a dump that may not be written out yet, and so has no digest. */
export type AppliedState = Omit<TapState, 'record'> & {
  record: Omit<RecordedDump, 'sha256'> | undefined;
};

/** The options of a `StateKeeper`. */
export interface StateKeeperOptions {
  timers: Timers;
  log: Log;
  /** Calls `run` at a moment at which all that was applied has been given to the outputs. */
  whenGiven(run: () => void): void;
  /** Returns what is applied at present; undefined while no content is whole. */
  state(): AppliedState | undefined;
  /**
   * Resolves with true when all that was given to the outputs is out, and with false when an output has
   * failed.
   */
  flush(): Promise<boolean>;
  /** Returns the digest of the dump's first `bytes` bytes, which are out. Throws `WRITE_FAILED`. */
  digest(bytes: number): string;
  /** Resolves when the bytes have replaced those that were saved last, on the disk. */
  save(bytes: Buffer): Promise<void>;
}

/** Saves from `start` until `stop` or `finish`, one state at a time. */
export class StateKeeper {
  readonly #options: StateKeeperOptions;
  #timer: Timer | undefined;
  /** The identity of the state that was saved last; empty before the first. */
  #saved = '';
  /** Resolves when the present save is done, or the last one when there is none. */
  #saving: Promise<void> = Promise.resolve();
  #isOver = false;
  #isFailing = false;

  constructor(options: StateKeeperOptions) {
    this.#options = options;
  }

  /** Saves about once a second from now on. */
  start(): void {
    this.#timer = this.#options.timers.after(PAUSE_MS, () => this.#options.whenGiven(() => this.#tick()));
  }

  /** Saves a last time; all changes must have been given to the outputs. Throws `WRITE_FAILED`. */
  async finish(): Promise<void> {
    this.stop();
    await this.#saving;
    await this.#save();
  }

  /** Saves no more; the file keeps the last saved state. */
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
      (error: unknown) => this.#logFailure(error),
    );
    void this.#saving.then(() => {
      if (!this.#isOver) this.start();
    });
  }

  async #save(): Promise<void> {
    const { state, flush, digest, save } = this.#options;
    const current = state();
    if (current === undefined || identityOf(current) === this.#saved) return;
    if (!(await flush())) return;
    const { record } = current;
    const known = record && { ...record, sha256: digest(record.bytes) };
    await save(encodeTapState({ ...current, record: known }));
    this.#saved = identityOf(current);
  }

  /** Logs a failure once, until a save succeeds again. */
  #logFailure(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const message = error instanceof Error ? error.message : String(error);
    this.#options.log.error(`the state is not saved, and is tried again: ${message}`);
  }
}

/**
 * Identifies a state by its place in the stream: bytes that were recorded without leading further need not be
 * saved.
 */
function identityOf({ history, watermarks }: AppliedState): string {
  return `${history?.id} ${watermarks.join()}`;
}
