/**
 * The buffers in which long commands are gathered, kept for the next ones: a fresh one for each would be a
 * quarter of the time of a SET of 256 KiB, in allocation and garbage collection. All clients share one pool.
 */

/** The smallest buffer, bytes; all are powers of two. */
export const LONG_BUFFER_MIN_BYTES = 65_536;
/** Bytes of all buffers that are kept; a larger one is never. */
export const LONG_BUFFERS_MAX_BYTES = 8 * 1024 * 1024;

/** Buffers that nobody has in use. The caller that takes one has it alone until the caller gives it back. */
export class LongBuffers {
  /** The free buffers by their length, bytes. */
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  /** Bytes of the buffers that are kept, `LONG_BUFFERS_MAX_BYTES` at most. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Returns a buffer of at least so many bytes, with anything in it. */
  take(bytes: number): Buffer {
    const size = Math.max(LONG_BUFFER_MIN_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    const kept = this.#free.get(size)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return kept;
  }

  /** Takes back what `take` returned, once, and keeps it where there is room. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (this.#freeBytes + size > LONG_BUFFERS_MAX_BYTES) return;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
    this.#freeBytes += size;
  }
}
