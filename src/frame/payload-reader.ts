/**
 * Reads the fields of a payload one after the other, each length checked before it is used. Offsets in its
 * errors count from the payload's start.
 */
import { FastcacheError } from '../errors.js';

// A byte order mark is part of the text: the decoded text must equal the encoded one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads from a place in a payload that moves on with each field; `field` names it in the error
 * `FCRP_FIELD_PAST_PAYLOAD`, which is thrown when not all of it is there.
 */
export class PayloadReader {
  readonly #bytes: Buffer;
  #position = 0;

  /** Begins at the first byte. */
  constructor(payload: Uint8Array) {
    this.#bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  /** Offset of the next field. */
  get position(): number {
    return this.#position;
  }

  /** Bytes from here to the payload's end. */
  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** Reads the next byte. */
  u8(field: string): number {
    return this.#bytes[this.#advance(1, field)]!;
  }

  /** Reads the next four bytes, little-endian. */
  u32(field: string): number {
    return this.#bytes.readUInt32LE(this.#advance(4, field));
  }

  /** Reads the next eight bytes, little-endian. */
  u64(field: string): bigint {
    return this.#bytes.readBigUInt64LE(this.#advance(8, field));
  }

  /** Returns the next `length` bytes, a view of the payload. */
  bytes(length: number, field: string): Buffer {
    const start = this.#advance(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  /** Returns the next `length` bytes as UTF-8. Throws `FCRP_INVALID_UTF8`. */
  text(length: number, field: string): string {
    const offset = this.#position;
    return decodeUtf8(this.bytes(length, field), field, offset);
  }

  /** Steps over the next bytes and returns true when they are exactly these. */
  skipIf(bytes: Uint8Array): boolean {
    const end = this.#position + bytes.length;
    if (end > this.#bytes.length || this.#bytes.compare(bytes, 0, bytes.length, this.#position, end) !== 0) {
      return false;
    }
    this.#position = end;
    return true;
  }

  /**
   * Checks a count that was read at `offset` against what is left: each of the counted things takes
   * `leastBytes` or more. Throws `FCRP_COUNT_OVER_PAYLOAD`.
   */
  checkCount(count: number, leastBytes: number, field: string, offset: number): void {
    const room = Math.floor(this.remaining / leastBytes);
    if (count <= room) return;
    throw new FastcacheError(
      'FCRP_COUNT_OVER_PAYLOAD',
      `The ${field} is ${count}, ` +
        `and the ${this.remaining} bytes that are left of the payload hold ${room} at most.`,
      { offset, expected: room, found: count },
    );
  }

  /** Ends the reading, when all fields are read. Throws `FCRP_TRAILING_BYTES` when bytes are left. */
  finish(): void {
    if (this.remaining === 0) return;
    throw new FastcacheError(
      'FCRP_TRAILING_BYTES',
      `The payload has ${this.remaining} bytes behind its last field.`,
      { offset: this.#position, expected: 0, found: this.remaining },
    );
  }

  #advance(length: number, field: string): number {
    const start = this.#position;
    if (length > this.remaining) {
      throw new FastcacheError(
        'FCRP_FIELD_PAST_PAYLOAD',
        `The ${field} takes ${length} bytes, and ${this.remaining} are left of the payload.`,
        { offset: start, expected: length, found: this.remaining },
      );
    }
    this.#position = start + length;
    return start;
  }
}

/** Decodes UTF-8. Throws `FCRP_INVALID_UTF8` with `offset`, that of the text's first byte. */
export function decodeUtf8(bytes: Uint8Array, field: string, offset: number): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new FastcacheError('FCRP_INVALID_UTF8', `The ${field} is not valid UTF-8.`, { offset, cause });
  }
}
