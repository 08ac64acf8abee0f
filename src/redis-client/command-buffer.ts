/** Encodes commands of the Redis protocol, gathered into buffers that a socket takes whole. */

const BUFFER_BYTES = 131_072;
/** A bound on the bytes of `*n\r\n`, and on those around an argument: `$n\r\n` and a line end. */
const HEAD_BYTES = 16;

/** Gathers commands, and returns them as one buffer. */
export class CommandBuffer {
  #bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;

  /** Bytes that have gathered. */
  get length(): number {
    return this.#length;
  }

  /** Appends a command, whose `args` are copied. */
  append(args: readonly Uint8Array[]): void {
    let needed = this.#length + HEAD_BYTES * (args.length + 1);
    for (const arg of args) needed += arg.length;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#head('*', args.length);
    for (const arg of args) {
      this.#head('$', arg.length);
      this.#bytes.set(arg, this.#length);
      this.#length += arg.length;
      this.#lineEnd();
    }
  }

  /** Returns the gathered bytes; their memory is the caller's. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#length = 0;
    return taken;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#length + BUFFER_BYTES));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  #head(mark: string, count: number): void {
    this.#length += this.#bytes.write(`${mark}${count}\r\n`, this.#length, 'latin1');
  }

  #lineEnd(): void {
    this.#bytes[this.#length++] = 13;
    this.#bytes[this.#length++] = 10;
  }
}
