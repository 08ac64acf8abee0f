/**
 * Notices that the process did not run for some time, since it was halted or its machine slept. Bytes that
 * replicas had sent before are then read as if they had come now, perhaps from connections that the replicas
 * have closed long ago. So for one more look these bytes count as being as old as they may be.
 */
import type { Clock } from '../../clock.js';

/** A pause between two looks that is no halt: a second as it should be, and as much for a busy process. */
const USUAL_US = 2_000_000;

/** Looks, about once a second while there are replicas, at how long ago the last look was. */
export class Halts {
  readonly #clock: Clock;
  #lookedAtUs: number;
  /** How long the last halt was, microseconds; 0 from the second look behind it on. */
  #haltUs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedAtUs = clock.monotonicUs();
  }

  /** Called when the first replica has come: there were no looks before. */
  begin(): void {
    this.#lookedAtUs = this.#clock.monotonicUs();
    this.#haltUs = 0;
  }

  look(): void {
    this.#haltUs = this.#sinceLookUs();
    this.#lookedAtUs = this.#clock.monotonicUs();
  }

  /** Seconds by which bytes from replicas may be older than they seem. */
  get doubtSeconds(): number {
    return Math.max(this.#haltUs, this.#sinceLookUs()) / 1_000_000;
  }

  /** Microseconds since the last look, 0 while that is usual. */
  #sinceLookUs(): number {
    const sinceUs = this.#clock.monotonicUs() - this.#lookedAtUs;
    return sinceUs > USUAL_US ? sinceUs : 0;
  }
}
