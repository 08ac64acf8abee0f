/**
 * Waits until a replica has applied a write of its primary. Offsets count records over all shards, and only
 * those of one history, or of one that continues it, compare (docs/architecture.md, "Histories").
 */
import type { Timers } from '../clock.js';
import { goesBackTo, type History } from '../replication/history.js';
import { offsetAtBase } from '../replication/offset.js';

/** The replica is looked at so often, and only while somebody waits. */
const LOOK_MS = 2;

/** A place in a history. */
export interface Position {
  /** The id of the history. */
  readonly history: string;
  /** Records that were given out up to there. */
  readonly offset: bigint;
}

/** The place up to which a replica has applied records. */
export interface Applied {
  readonly history: History | undefined;
  readonly offset: bigint;
}

/** The state of a write; `unknown`: its history has ended, and nobody knows how far the replica came. */
export type Outcome = 'applied' | 'waiting' | 'lost' | 'unknown';

/** Ends a wait before the replica does. */
export interface WaitLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Returns the state of the write at `target`; `wasThere`: the replica has been in its history. */
export function outcomeOf(target: Position, { history, offset }: Applied, wasThere: boolean): Outcome {
  if (history?.id === target.history) return offset >= target.offset ? 'applied' : 'waiting';
  if (history !== undefined && history.previous?.id === target.history) {
    if (target.offset > offsetAtBase(history)) return 'lost';
    return offset >= target.offset ? 'applied' : 'waiting';
  }
  // Where an earlier history ended is not named; nor is it of content that a relay has given up.
  if (history !== undefined && goesBackTo(history, target.history)) return 'unknown';
  return wasThere ? 'unknown' : 'waiting';
}

interface Wait {
  readonly target: Position;
  wasThere: boolean;
  end(outcome: Outcome): void;
  fail(error: unknown): void;
}

/** The waits of one replica. */
export class AppliedWaits {
  readonly #timers: Timers;
  readonly #applied: () => Applied;
  readonly #waits = new Set<Wait>();
  #isLooking = false;
  /** The error that ends all waits; undefined before that. */
  #end: { error: unknown } | undefined;

  /** `applied` returns the place up to which the replica has applied. */
  constructor(timers: Timers, applied: () => Applied) {
    this.#timers = timers;
    this.#applied = applied;
  }

  /**
   * Resolves when it is known whether the replica has applied the write at `target`; with `waiting` after
   * `timeoutMs`. Throws the signal's reason, and the error that `fail` is given.
   */
  until(target: Position, { timeoutMs, signal }: WaitLimits): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const aborted = () => wait.fail(signal?.reason);
      const settle = (act: () => void) => {
        timer.cancel();
        signal?.removeEventListener('abort', aborted);
        this.#waits.delete(wait);
        act();
      };
      const wait: Wait = {
        target,
        wasThere: false,
        end: (outcome) => settle(() => resolve(outcome)),
        fail: (error) => settle(() => reject(error)),
      };
      const timer = this.#timers.after(timeoutMs, () => wait.end('waiting'));
      signal?.addEventListener('abort', aborted);
      this.#waits.add(wait);
      if (signal?.aborted) aborted();
      else if (this.#end !== undefined) wait.fail(this.#end.error);
      else this.#look([wait]);
    });
  }

  /** Ends all waits with this error, those to come too. */
  fail(error: unknown): void {
    this.#end = { error };
    for (const wait of this.#waits) wait.fail(error);
  }

  #look(waits: Iterable<Wait>): void {
    const applied = this.#applied();
    for (const wait of waits) {
      const outcome = outcomeOf(wait.target, applied, wait.wasThere);
      wait.wasThere ||= applied.history?.id === wait.target.history;
      if (outcome !== 'waiting') wait.end(outcome);
    }
    if (this.#isLooking || this.#waits.size === 0) return;
    this.#isLooking = true;
    this.#timers.after(LOOK_MS, () => {
      this.#isLooking = false;
      if (this.#waits.size > 0) this.#look(this.#waits);
    });
  }
}
