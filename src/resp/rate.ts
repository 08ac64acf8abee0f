/** How fast a total grows at present: the mean of the last samples, as Redis' `instantaneous_*` are taken. */

const SAMPLES = 16;

/** How fast a count grows. */
export class Rate {
  readonly #samples: number[] = [];
  #last: { total: number; atMs: number } | undefined;

  /** Takes the present total; to be called every 100 ms or so. */
  sample(total: number, nowMs: number): void {
    const last = this.#last;
    this.#last = { total, atMs: nowMs };
    if (last === undefined || nowMs <= last.atMs) return;
    // A total that was reset (CONFIG RESETSTAT) did not shrink: it counts as no growth.
    this.#samples.push((Math.max(total - last.total, 0) * 1000) / (nowMs - last.atMs));
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** The growth a second; undefined before there were two samples. */
  get perSecond(): number | undefined {
    if (this.#samples.length === 0) return undefined;
    const sum = this.#samples.reduce((total, sample) => total + sample, 0);
    return Math.round(sum / SAMPLES);
  }
}
