/**
 * Cuts a stream of bytes, in whatever pieces it comes, into frames. It holds back at most one unfinished
 * frame, whose buffer grows with the bytes that really arrive and never with what a header merely announces.
 *
 * Invariant between calls: `held` bytes of the unfinished frame that begins at stream offset `frameStart` are
 * in `head` while they are fewer than a header, and in `assembly` from then on.
 */
import { FastcacheError } from '../errors.js';
import { FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD_BYTES } from '../limits.js';
import { checkHeaderPrefix, DEFAULT_FRAME_VERSION, decodeHeader, type FrameHeader } from './header.js';

/** Bytes of the smallest buffer for a frame in several pieces, unless the frame is smaller. */
const ASSEMBLY_MIN_BYTES = 4_096;
/** A buffer for frames in several pieces that is larger is not kept for the next one. */
const SHARED_ASSEMBLY_MAX_BYTES = 4_194_304;

/** A frame as it lies in the stream. */
export interface SplitFrame {
  header: FrameHeader;
  /** The header and payload as they came, valid during the callback, and longer only when `owned`. */
  bytes: Buffer;
  /** The payload as it came (`openPayload` decompresses it): the part of `bytes` behind the header. */
  wirePayload: Buffer;
  /** Stream offset of the frame's first byte. */
  offset: number;
  /**
   * True when `bytes` is memory of this frame alone and may be kept; false when it is a view of the chunk
   * that was fed, or of memory that the next frame is assembled in.
   */
  owned: boolean;
}

/** Returns the bytes of a frame, to be kept: bytes that it does not own are overwritten by the next ones. */
export function keptBytes({ owned, bytes }: SplitFrame): Buffer {
  return owned ? bytes : Buffer.from(bytes);
}

/** The properties of the stream. */
export interface SplitterOptions {
  /** The connection's version; `DEFAULT_FRAME_VERSION` when absent. */
  version?: number;
  /** First value of `maxPayloadBytes`; `MAX_FRAME_PAYLOAD_BYTES` when absent. */
  maxPayloadBytes?: number;
  /**
   * Whether frames in several pieces are assembled in one memory, one after the other, because nobody keeps
   * them; false when absent. A stream of large frames otherwise takes fresh memory for each of them.
   */
  sharesAssembly?: boolean;
  /** Stream offset of the first byte fed, when the stream is joined in its middle; 0 when absent. */
  offset?: number;
}

/** Takes a stream by `push`, and `end` behind its last byte. */
export class FrameSplitter {
  /**
   * The limit for both lengths of each header that is yet to come, bytes; may be changed at any time, also in
   * the callback.
   */
  maxPayloadBytes: number;

  readonly #version: number;
  readonly #sharesAssembly: boolean;
  readonly #head = Buffer.alloc(FRAME_HEADER_BYTES);
  #header: FrameHeader | undefined;
  /** Memory for the unfinished frame; with `sharesAssembly` it stays for the next ones. */
  #assembly: Buffer | undefined;
  #held = 0;
  #frameStart: number;

  /** Begins at a frame's start. */
  constructor(options: SplitterOptions = {}) {
    this.#version = options.version ?? DEFAULT_FRAME_VERSION;
    this.#sharesAssembly = options.sharesAssembly ?? false;
    this.maxPayloadBytes = options.maxPayloadBytes ?? MAX_FRAME_PAYLOAD_BYTES;
    this.#frameStart = options.offset ?? 0;
  }

  /**
   * Stream offset where the frame begins that is unfinished or yet to come: all before it has been handed
   * out.
   */
  get frameStart(): number {
    return this.#frameStart;
  }

  /** Bytes of an unfinished frame held back. */
  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Takes the stream's next bytes and calls `onFrame` for each frame that is complete with them, in order.
   * Throws the `FCRP_*` code of a bad header as soon as its first wrong byte is there, with its stream
   * offset; after a throw (also one of the callback's) the stream cannot continue.
   */
  push(chunk: Uint8Array, onFrame: (frame: SplitFrame) => void): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let position = 0;
    while (position < bytes.length) {
      const taken =
        this.#held === 0
          ? this.#takeWhole(bytes, position, onFrame)
          : this.#takePiece(bytes, position, onFrame);
      position += taken;
    }
  }

  /**
   * Ends the stream. Throws when that is inside a frame: `FCRP_SHORT_HEADER` or `FCRP_TRUNCATED`, with the
   * stream offset where the unfinished frame begins, how many bytes it should have and how many came.
   */
  end(): void {
    if (this.#held === 0) return;
    const header = this.#header;
    const expected = FRAME_HEADER_BYTES + (header?.payloadBytes ?? 0);
    throw new FastcacheError(
      header === undefined ? 'FCRP_SHORT_HEADER' : 'FCRP_TRUNCATED',
      header === undefined
        ? `The stream ends inside the header of its last frame, after ${this.#held} of ${expected} bytes.`
        : `The stream ends inside its last frame, after ${this.#held} of ${expected} bytes.`,
      { offset: this.#frameStart, expected, found: this.#held },
    );
  }

  /** Hands out the frame that begins here when it lies whole in the chunk; else holds its beginning back. */
  #takeWhole(bytes: Buffer, position: number, onFrame: (frame: SplitFrame) => void): number {
    const left = bytes.length - position;
    if (left < FRAME_HEADER_BYTES) return this.#takeHead(bytes, position);
    const header = this.#decodeHeader(position === 0 ? bytes : bytes.subarray(position));
    const total = FRAME_HEADER_BYTES + header.payloadBytes;
    if (left < total) {
      this.#header = header;
      return this.#hold(bytes, position, left, total);
    }
    this.#handOut(header, bytes.subarray(position, position + total), false, onFrame);
    return total;
  }

  /** Takes what belongs to the frame that has begun, and hands it out when that completes it. */
  #takePiece(bytes: Buffer, position: number, onFrame: (frame: SplitFrame) => void): number {
    let taken = 0;
    if (this.#header === undefined) {
      taken = this.#takeHead(bytes, position);
      if (this.#held < FRAME_HEADER_BYTES) return taken;
    }
    const header = this.#header ?? this.#decodeHeader(this.#head);
    const total = FRAME_HEADER_BYTES + header.payloadBytes;
    if (this.#header === undefined) {
      this.#header = header;
      this.#head.copy(this.#roomFor(FRAME_HEADER_BYTES, total));
    }
    const wanted = Math.min(total - this.#held, bytes.length - position - taken);
    taken += this.#hold(bytes, position + taken, wanted, total);
    if (this.#held === total) {
      const assembly = this.#assembly!;
      this.#header = undefined;
      this.#held = 0;
      if (!this.#sharesAssembly || assembly.length > SHARED_ASSEMBLY_MAX_BYTES) this.#assembly = undefined;
      this.#handOut(header, assembly.subarray(0, total), !this.#sharesAssembly, onFrame);
    }
    return taken;
  }

  /** Moves bytes into `head`, which is checked as far as it goes. */
  #takeHead(bytes: Buffer, position: number): number {
    const taken = bytes.copy(this.#head, this.#held, position, position + FRAME_HEADER_BYTES - this.#held);
    this.#held += taken;
    this.#placed(() => checkHeaderPrefix(this.#head, this.#held, this.#rules()));
    return taken;
  }

  /** Moves bytes into `assembly`. */
  #hold(bytes: Buffer, position: number, length: number, total: number): number {
    const needed = this.#held + length;
    bytes.copy(this.#roomFor(needed, total), this.#held, position, position + length);
    this.#held = needed;
    return length;
  }

  /**
   * Returns `assembly` with room for `needed` bytes: it at least doubles when it must grow and, unless it is
   * shared, ends at exactly `total` bytes.
   */
  #roomFor(needed: number, total: number): Buffer {
    const current = this.#assembly;
    if (current !== undefined && current.length >= needed) return current;
    const size = Math.min(total, Math.max(ASSEMBLY_MIN_BYTES, needed, (current?.length ?? 0) * 2));
    const grown = Buffer.allocUnsafeSlow(size);
    current?.copy(grown, 0, 0, this.#held);
    this.#assembly = grown;
    return grown;
  }

  #handOut(header: FrameHeader, bytes: Buffer, owned: boolean, onFrame: (frame: SplitFrame) => void): void {
    const offset = this.#frameStart;
    this.#frameStart += bytes.length;
    onFrame({ header, bytes, wirePayload: bytes.subarray(FRAME_HEADER_BYTES), offset, owned });
  }

  #decodeHeader(bytes: Buffer): FrameHeader {
    return this.#placed(() => decodeHeader(bytes, this.#rules()));
  }

  #rules(): { version: number; maxPayloadBytes: number } {
    return { version: this.#version, maxPayloadBytes: this.maxPayloadBytes };
  }

  #placed<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw error instanceof FastcacheError ? error.at(this.#frameStart) : error;
    }
  }
}
