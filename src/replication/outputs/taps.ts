/**
 * The taps of a node as one: that of its options, and those of programs, which come and go. All are given the
 * same, and the flow of frames pauses while any of them has no room.
 */
import type { Flow, StreamTap, Tap } from './tap.js';

/** Any number of taps. */
export class Taps implements StreamTap {
  readonly #taps = new Set<Tap>();
  readonly #paused = new Set<Tap>();
  /** The callers that wait for room. */
  readonly #lookers = new Set<() => void>();
  #flow: Flow | undefined;
  /** The watermarks at which the content that is being built began; undefined while none is. */
  #beganAt: ArrayLike<bigint> | undefined;

  /** Begins with the tap of the options, if there is one. */
  constructor(first: Tap | undefined) {
    if (first !== undefined) this.#taps.add(first);
  }

  [Symbol.iterator](): IterableIterator<Tap> {
    return this.#taps.values();
  }

  /** Gives a tap all that comes from now on. */
  add(tap: Tap): void {
    this.#taps.add(tap);
    if (this.#flow !== undefined) tap.follow(this.#flowOf(tap));
    if (this.#beganAt !== undefined) tap.began(this.#beganAt);
  }

  /** Gives a tap nothing more, and waits for it no more. */
  delete(tap: Tap): void {
    this.#taps.delete(tap);
    this.#resumed(tap);
    // A tap that has failed has room no more, and nobody is to wait for that.
    for (const look of [...this.#lookers]) look();
  }

  whenRoom(run: () => void): () => void {
    const look = () => {
      if (!this.#lookers.has(look)) return;
      const full = [...this.#taps].find((tap) => !tap.isIdle);
      if (full !== undefined) {
        full.whenRoom(look);
        return;
      }
      this.#lookers.delete(look);
      run();
    };
    this.#lookers.add(look);
    look();
    return () => {
      this.#lookers.delete(look);
    };
  }

  follow(flow: Flow | undefined): void {
    this.#flow = flow;
    this.#paused.clear();
    this.#beganAt = undefined;
    for (const tap of this.#taps) tap.follow(flow && this.#flowOf(tap));
  }

  began(watermarks: ArrayLike<bigint>): void {
    this.#beganAt = watermarks;
    for (const tap of this.#taps) tap.began(watermarks);
  }

  batch(...given: Parameters<StreamTap['batch']>): void {
    for (const tap of this.#taps) tap.batch(...given);
  }

  chunk(...given: Parameters<StreamTap['chunk']>): void {
    for (const tap of this.#taps) tap.chunk(...given);
  }

  whole(watermarks: readonly bigint[]): void {
    this.#beganAt = undefined;
    for (const tap of this.#taps) tap.whole(watermarks);
  }

  #flowOf(tap: Tap): Flow {
    return {
      pause: () => {
        this.#paused.add(tap);
        if (this.#paused.size === 1) this.#flow?.pause();
      },
      resume: () => this.#resumed(tap),
    };
  }

  #resumed(tap: Tap): void {
    if (this.#paused.delete(tap) && this.#paused.size === 0) this.#flow?.resume();
  }
}
