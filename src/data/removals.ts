/**
 * Removes the files of a data directory that count no longer. A file that cannot be removed does no harm: it
 * is logged, and tried again.
 *
 * A large file goes piece by piece, with pauses. A file system that frees all of it at once may keep the disk
 * from the writes of clients meanwhile, for some tenths of a second where the disk is told what is free.
 */
import type { Clock, Timer, Timers } from '../clock.js';
import type { Log } from '../replication/log.js';
import type { DataFiles } from './data-files.js';

/** Milliseconds until removing is tried again. */
const RETRY_MS = 10_000;
const PIECE_BYTES = 8 * 1_048_576;
/** A pause is so many times as long as the piece before it took. */
const PAUSE_TIMES = 9;

/** The options of removals. */
export interface RemovalsOptions {
  readonly files: DataFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** The pauses of one removal. */
interface Pace {
  isHurried: boolean;
  /** Ends the pause that is being made. */
  goOn(): void;
}

/** The removals of one directory, until `stop`. */
export class Removals {
  readonly #options: RemovalsOptions;
  readonly #left = new Set<string>();
  #retry: Timer | undefined;
  readonly #paces = new Set<Pace>();
  #isStopped = false;

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** Removes these files, and what was left before, `isUrgent` without pauses. It never rejects. */
  async remove(names: Iterable<string>, { isUrgent = false } = {}): Promise<void> {
    const pace = { isHurried: isUrgent || this.#isStopped, goOn() {} };
    this.#paces.add(pace);
    await this.#removeAll(new Set(names), pace);
    this.#paces.delete(pace);
    if (this.#left.size === 0 || this.#isStopped) return;
    this.#retry ??= this.#options.timers.after(RETRY_MS, () => {
      this.#retry = undefined;
      void this.remove([]);
    });
  }

  /** Makes no more pauses in the removals that are under way: room is needed, or the next is due. */
  hurry(): void {
    for (const pace of this.#paces) {
      pace.isHurried = true;
      pace.goOn();
    }
  }

  /** Tries nothing again by itself, and makes no more pauses. */
  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
    this.hurry();
  }

  async #removeAll(names: ReadonlySet<string>, pace: Pace): Promise<void> {
    const { files, log } = this.#options;
    for (const name of new Set([...this.#left, ...names])) {
      try {
        await this.#removePieces(name, pace);
        await files.remove(name);
        this.#left.delete(name);
      } catch (error) {
        this.#left.add(name);
        if (names.has(name)) {
          const reason = (error as Error).message;
          log.warn(
            `${files.pathOf(name)} is needed no more, and was not removed: ${reason}. It is tried again`,
          );
        }
      }
    }
  }

  /** Takes a large file's bytes from it, as long as nothing hurries. */
  async #removePieces(name: string, pace: Pace): Promise<void> {
    const { files, clock } = this.#options;
    while (!pace.isHurried) {
      const startedUs = clock.monotonicUs();
      if (!(await files.shorten(name, PIECE_BYTES))) return;
      await this.#pause(((clock.monotonicUs() - startedUs) * PAUSE_TIMES) / 1_000, pace);
    }
  }

  async #pause(delayMs: number, pace: Pace): Promise<void> {
    if (pace.isHurried) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      pace.goOn = resolve;
      timer = this.#options.timers.after(Math.ceil(delayMs), resolve);
    });
    timer?.cancel();
  }
}
