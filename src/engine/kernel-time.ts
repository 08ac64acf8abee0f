/** The kernel's time, which a caller sets before it reads or changes keys. */
import type { Clock } from '../clock.js';
import type { Kernel } from './kernel.js';

/** The time of one kernel. */
export class KernelTime {
  readonly #kernel: Kernel;
  readonly #clock: Clock;
  /** The wall time that the kernel knows, Unix ms. */
  #nowMs = Number.NaN;

  constructor(kernel: Kernel, clock: Clock) {
    this.#kernel = kernel;
    this.#clock = clock;
  }

  update(): void {
    this.#nowMs = this.#clock.nowMs();
    this.#kernel.exports.setTime(this.#nowMs, this.#clock.monotonicUs());
  }

  /** Does what a read needs: nothing expires within a millisecond, and idle times count seconds. */
  updateForRead(): void {
    if (this.#clock.nowMs() !== this.#nowMs) this.update();
  }
}
