/**
 * Marks of how far the stream was at which time. By them the age of what a replica lacks is known even when
 * the backlog no longer has it, so that a lag that grows never turns into one that is not known. Marks are
 * denser the younger they are: of each age there are enough to tell it within a sixteenth.
 */
import type { Clock } from '../../clock.js';
import { hasReached } from '../watermarks.js';

/** A level keeps so many marks, each of the next level standing for two of them. */
const LEVEL_MARKS = 32;
/** Marks of a second each reach back for three days. */
const MAX_LEVELS = 14;

interface Mark {
  readonly atUs: number;
  /** The stream's watermark of each shard. */
  readonly watermarks: BigUint64Array;
}

/** The marks of one stream. */
export class LagMarks {
  readonly #clock: Clock;
  /** The levels, the youngest first; within a level the oldest mark is first. */
  readonly #levels: Mark[][] = [[]];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that the stream is at these; does nothing when it has not moved. */
  note(watermarks: readonly bigint[]): void {
    const last = this.#levels[0]!.at(-1);
    if (last !== undefined && hasReached(last.watermarks, watermarks)) return;
    this.#add(0, { atUs: this.#clock.monotonicUs(), watermarks: BigUint64Array.from(watermarks) });
  }

  /**
   * Returns the most milliseconds by which a replica that holds `held` is behind a stream that is at
   * `watermarks`: from the last mark that it has reached to the last move of the stream. undefined: it has
   * not reached any mark.
   */
  lagMs(held: ArrayLike<bigint>, watermarks: readonly bigint[]): number | undefined {
    const newest = this.#levels[0]!.at(-1);
    if (newest === undefined) return undefined;
    const hasMoved = !hasReached(newest.watermarks, watermarks);
    const untilUs = hasMoved ? this.#clock.monotonicUs() : newest.atUs;
    for (const marks of this.#levels) {
      const reached = marks.findLast((mark) => hasReached(held, mark.watermarks));
      if (reached !== undefined) return Math.ceil((untilUs - reached.atUs) / 1000);
    }
    return undefined;
  }

  #add(level: number, mark: Mark): void {
    if (level === MAX_LEVELS) return;
    this.#levels[level] ??= [];
    const marks = this.#levels[level]!;
    marks.push(mark);
    if (marks.length <= LEVEL_MARKS) return;
    const [oldest] = marks.splice(0, 2);
    this.#add(level + 1, oldest!);
  }
}
