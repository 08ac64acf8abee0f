/**
 * Cuts a stream of the Redis protocol into lines and strings, whatever the pieces in which it comes. Each
 * byte is looked at once. The memory of a line or string that is not whole is at most twice the bytes that
 * have come of it, and at least 4 KiB.
 */

const CR = 0x0d;
const LF = 0x0a;
const END_BYTES = 2;
const NOTHING = Buffer.alloc(0);
const LEAST_BYTES = 4_096;

/** A stream that is being cut. */
export class StreamCutter {
  #chunk: Buffer = NOTHING;
  /** The bytes of the chunk that have been cut. */
  #at = 0;
  /** A line or string that is not whole, as far as it has come before this chunk. */
  #begun: Buffer = NOTHING;
  #begunBytes = 0;

  /** Takes the stream's next bytes when all before has been cut. They must not change until then. */
  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Whether there are bytes that have not been cut. */
  get hasMore(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** The next byte; undefined within a line or string that has begun. */
  get firstByte(): number | undefined {
    return this.#begunBytes === 0 ? this.#chunk[this.#at] : undefined;
  }

  /** Passes over the bytes of this value that come next, unless a line or string has begun. */
  skip(byte: number): void {
    while (this.firstByte === byte) this.#at += 1;
  }

  /**
   * Returns the next line without its end; undefined: it is not whole, and begins with all that has come.
   * Calls `tooLong` with the beginning of one that has more than `most` bytes.
   */
  line(most: number, tooLong: (beginning: Buffer) => never): Buffer | undefined {
    const end = this.#lineEnd();
    const to = end ?? this.#chunk.length;
    const bytes = this.#begunBytes + to - this.#at;
    // The last bytes of one that is not whole may be its end.
    if (bytes > most + END_BYTES) tooLong(this.#cut(to, bytes).subarray(0, most));
    if (end !== undefined) return this.#cut(end, bytes).subarray(0, -END_BYTES);
    this.#begin(to, Number.POSITIVE_INFINITY);
    return undefined;
  }

  /** Returns the next string, which has so many bytes; undefined: it is not whole. */
  string(bytes: number): Buffer | undefined {
    const whole = bytes + END_BYTES;
    const to = this.#at + whole - this.#begunBytes;
    if (to <= this.#chunk.length) return this.#cut(to, whole).subarray(0, bytes);
    this.#begin(this.#chunk.length, whole);
    return undefined;
  }

  /** Returns what was cut in memory that does not change with the chunk. */
  keep(cut: Buffer): Buffer {
    return cut.buffer === this.#chunk.buffer ? Buffer.from(cut) : cut;
  }

  /** Returns where the chunk has what is behind the line's end; undefined: the end is not in it. */
  #lineEnd(): number | undefined {
    let feed = this.#chunk.indexOf(LF, this.#at);
    while (feed !== -1) {
      const before = feed > this.#at ? this.#chunk[feed - 1] : this.#begun[this.#begunBytes - 1];
      if (before === CR) return feed + 1;
      feed = this.#chunk.indexOf(LF, feed + 1);
    }
    return undefined;
  }

  /** Returns what has begun and goes on up to `to`, `bytes` in all. */
  #cut(to: number, bytes: number): Buffer {
    const from = this.#at;
    if (this.#begunBytes === 0) {
      this.#at = to;
      return this.#chunk.subarray(from, to);
    }
    this.#begin(to, bytes);
    const cut = this.#begun.subarray(0, bytes);
    this.#begun = NOTHING;
    this.#begunBytes = 0;
    return cut;
  }

  /** Adds the chunk up to `to` to what has begun, which will have `most` bytes at most. */
  #begin(to: number, most: number): void {
    const bytes = this.#begunBytes + to - this.#at;
    if (bytes > this.#begun.length) {
      const room = Math.max(LEAST_BYTES, bytes, 2 * this.#begun.length);
      const grown = Buffer.allocUnsafeSlow(Math.min(most, room));
      this.#begun.copy(grown, 0, 0, this.#begunBytes);
      this.#begun = grown;
    }
    this.#chunk.copy(this.#begun, this.#begunBytes, this.#at, to);
    this.#begunBytes = bytes;
    this.#at = to;
  }
}
