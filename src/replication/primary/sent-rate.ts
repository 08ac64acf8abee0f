/** How fast one replica is sent what it is sent, from one look at it to the next. */

/** The rate of one replica's connection. */
export class SentRate {
  #lookedAtUs: number;
  #bytes = 0;
  #bytesPerSecond = 0;

  /** `nowUs`: monotonic microseconds, here and below. */
  constructor(nowUs: number) {
    this.#lookedAtUs = nowUs;
  }

  /** Bytes a second between the last two looks; 0 before the first. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** Takes the bytes that have been sent in all until now. */
  look(bytes: number, nowUs: number): void {
    const elapsedUs = nowUs - this.#lookedAtUs;
    if (elapsedUs <= 0) return;
    this.#bytesPerSecond = Math.round(((bytes - this.#bytes) * 1e6) / elapsedUs);
    this.#bytes = bytes;
    this.#lookedAtUs = nowUs;
  }
}
