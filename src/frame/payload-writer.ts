/** Writes the fields of a payload one behind the other, of as many as there are. */

/** Writes fields; integers are little-endian. */
export class PayloadWriter {
  readonly #chunks: Uint8Array[] = [];
  #chunk = Buffer.allocUnsafe(4096);
  #at = 0;

  /** Begins with the byte of the payload's sort. */
  constructor(sort: number) {
    this.u8(sort);
  }

  /** Writes a byte. */
  u8(value: number): this {
    this.#room(1).writeUInt8(value, this.#at);
    this.#at += 1;
    return this;
  }

  /** Writes four bytes. */
  u32(value: number): this {
    this.#room(4).writeUInt32LE(value, this.#at);
    this.#at += 4;
    return this;
  }

  /** Writes a float of four bytes. */
  f32(value: number): this {
    this.#room(4).writeFloatLE(value, this.#at);
    this.#at += 4;
    return this;
  }

  /** Writes eight bytes. */
  u64(value: bigint): this {
    this.#room(8).writeBigUInt64LE(value, this.#at);
    this.#at += 8;
    return this;
  }

  /** Writes bytes, which must not change before `end`. */
  bytes(bytes: Uint8Array): this {
    this.#cut(0);
    this.#chunks.push(bytes);
    return this;
  }

  /** Returns the payload. */
  end(): Buffer {
    this.#cut(0);
    return Buffer.concat(this.#chunks);
  }

  #room(bytes: number): Buffer {
    if (this.#at + bytes > this.#chunk.length) this.#cut(65_536);
    return this.#chunk;
  }

  /** Ends the chunk; `bytes`: begins another one. */
  #cut(bytes: number): void {
    if (this.#at > 0) this.#chunks.push(this.#chunk.subarray(0, this.#at));
    this.#chunk = bytes === 0 ? this.#chunk.subarray(this.#at) : Buffer.allocUnsafe(bytes);
    this.#at = 0;
  }
}
