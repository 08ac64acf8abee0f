/**
 * Walks a dump that may be damaged: cuts the stream into frames as the splitter does, and where that fails
 * finds the next valid header and continues there, so that one fault does not hide what is behind it.
 *
 * A frame's announced length is trusted when the stream ends or another header is behind the frame. Otherwise
 * the next valid frame is looked for from the byte behind the frame's first on: a length that was damaged, or
 * a frame that was cut, has swallowed others. A frame is valid when its header is and its payload is sound.
 *
 * The walker holds a frame (256 MiB at most, and no more than has come), what may be the next one, and a
 * chunk.
 */
import { FastcacheError } from '../errors.js';
import { FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD_BYTES } from '../limits.js';
import { checkHeaderPrefix, decodeHeader, type FrameHeader } from './header.js';
import { isFrameKind } from './kinds.js';
import type { SplitFrame } from './splitter.js';

/**
 * A stretch of the stream: a frame that has its place, or damage. Stretches come in order and without a byte
 * between.
 */
export type Stretch =
  | { type: 'frame'; frame: SplitFrame }
  | {
      type: 'damage';
      /** The fault, with its stream offset. */
      fault: FastcacheError;
      /** Stream offsets of the first byte, and of the one behind the last. */
      start: number;
      end: number;
      /** True when the stream merely ends inside its last frame. */
      isCutTail: boolean;
    };

/** The checks that the walker cannot make from headers. */
export interface WalkerChecks {
  /**
   * Returns the fault in a frame's payload, with its stream offset; undefined when it can be read to its last
   * field.
   */
  faultOf(frame: SplitFrame): FastcacheError | undefined;
  /** Returns whether bytes that look like a frame, in the midst of damage, are one: as strict as can be. */
  isSound(frame: SplitFrame): boolean;
}

const MAGIC = Buffer.from('FCRP');
/** Bytes of a window that is as good as empty. */
const WINDOW_BYTES = 65_536;
/** A window above this gives its memory back once it has become nearly empty. */
const KEPT_WINDOW_BYTES = 8_388_608;
/**
 * Bytes of payload that may be looked at where no length can be trusted: so many at the start and so many
 * more for each byte of the stream. Without a bound a hostile dump of nested frames would take the square of
 * its size in time.
 */
const SEARCH_BYTES = 2 * MAX_FRAME_PAYLOAD_BYTES;
const SEARCH_BYTES_PER_BYTE = 8;

/** Damage whose end is being looked for. */
interface Trouble {
  start: number;
  fault: FastcacheError;
  /** Stream offset up to which has been searched. */
  searched: number;
  /**
   * A frame at `start` that can be read, with nothing valid behind it: it may have been cut, and hold the
   * next one's start.
   */
  doubtful: SplitFrame | undefined;
}

/**
 * Takes a dump's bytes by `push`, and `end` behind the last; after each of them `stretches` yields what can
 * be said of the bytes that have come.
 */
export class FrameWalker {
  readonly #checks: WalkerChecks;
  #window = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  /** Places in the window: the first byte that is still needed, and the one behind the last. */
  #from = 0;
  #to = 0;
  /** Stream offset of the window's byte `#from`. */
  #offset = 0;
  #isOver = false;
  #trouble: Trouble | undefined;
  #searchBytes = SEARCH_BYTES;

  /** Begins at stream offset 0. */
  constructor(checks: WalkerChecks) {
    this.#checks = checks;
  }

  /**
   * Takes the stream's next bytes, which are copied. Stretches that `stretches` gave before are no longer
   * valid.
   */
  push(chunk: Uint8Array): void {
    this.#searchBytes = Math.min(SEARCH_BYTES, this.#searchBytes + SEARCH_BYTES_PER_BYTE * chunk.length);
    this.#makeRoom(chunk.length);
    this.#window.set(chunk, this.#to);
    this.#to += chunk.length;
  }

  /** Takes note that the stream is over. */
  end(): void {
    this.#isOver = true;
  }

  /**
   * Yields what is settled by the bytes that have come; after `end`, all the rest. To be walked to its end.
   */
  *stretches(): Generator<Stretch, void, void> {
    for (;;) {
      if (this.#trouble !== undefined) {
        const settled = yield* this.#search(this.#trouble);
        if (!settled) return;
      }
      if (this.#held === 0) return;
      const next = this.#next();
      if (next !== undefined) yield next;
      else if (this.#trouble === undefined) return;
    }
  }

  get #held(): number {
    return this.#to - this.#from;
  }

  /** Returns the frame at the window's start; undefined when more must come, or when there is trouble. */
  #next(): Stretch | undefined {
    const start = this.#offset;
    const headerFault = this.#headerFaultAt(start);
    if (headerFault !== undefined) return this.#startTrouble(start, headerFault);
    const frame = this.#frameAt(start);
    if (frame === undefined) return this.#isOver ? this.#startTrouble(start, this.#cutFault()) : undefined;
    const end = endOf(frame);
    const behind = this.#offset + this.#held - end;
    // The header behind it decides whether its length is trusted.
    if (behind < FRAME_HEADER_BYTES && !this.#isOver) return undefined;
    const faultBehind = behind === 0 ? undefined : this.#headerFaultAt(end);
    if (faultBehind !== undefined && !this.#mayLookAt(frame)) {
      return this.#startTrouble(start, lengthMismatch(frame));
    }
    const fault = this.#checks.faultOf(frame);
    if (faultBehind !== undefined) {
      return this.#startTrouble(start, fault ?? faultBehind, fault === undefined ? frame : undefined);
    }
    this.#passTo(end);
    return fault === undefined
      ? { type: 'frame', frame }
      : { type: 'damage', fault, start, end, isCutTail: false };
  }

  #startTrouble(start: number, fault: FastcacheError, doubtful?: SplitFrame): undefined {
    this.#trouble = { start, fault, searched: start + 1, doubtful };
  }

  /**
   * Looks for the end of the damage. Returns true when it is settled, and the stream continues at the
   * window's start.
   */
  *#search(trouble: Trouble): Generator<Stretch, boolean, void> {
    for (;;) {
      const candidate = this.#candidate(trouble);
      const { doubtful } = trouble;
      if (doubtful !== undefined && trouble.searched >= endOf(doubtful))
        yield* this.#standBy(trouble, doubtful);
      if (candidate === 'later') return false;
      if (candidate === undefined) break;
      if (trouble.doubtful !== undefined && endOf(candidate) <= endOf(trouble.doubtful)) {
        // The candidate is wholly inside a frame that can be read: a value that holds a frame.
        trouble.searched = endOf(candidate);
        continue;
      }
      const fault = this.#faultBefore(trouble, candidate.offset);
      yield this.#settle(trouble.start, candidate.offset, fault, false);
      return true;
    }
    if (trouble.doubtful !== undefined) yield* this.#standBy(trouble, trouble.doubtful);
    const { start, fault } = trouble;
    const isCutTail =
      fault.offset === start && (fault.code === 'FCRP_TRUNCATED' || fault.code === 'FCRP_SHORT_HEADER');
    yield this.#settle(start, this.#offset + this.#held, fault, isCutTail);
    return true;
  }

  /** Yields the doubtful frame as whole; the damage begins behind it. */
  *#standBy(trouble: Trouble, frame: SplitFrame): Generator<Stretch, void, void> {
    yield { type: 'frame', frame: this.#frameAt(frame.offset) ?? frame };
    trouble.doubtful = undefined;
    trouble.start = endOf(frame);
    trouble.searched = Math.max(trouble.searched, trouble.start + 1);
  }

  #settle(start: number, end: number, fault: FastcacheError, isCutTail: boolean): Stretch {
    this.#trouble = undefined;
    this.#passTo(end);
    return { type: 'damage', fault, start, end, isCutTail };
  }

  /**
   * Returns the next valid frame from `searched` on; undefined when there is none, `later` when more must
   * come to decide.
   */
  #candidate(trouble: Trouble): SplitFrame | 'later' | undefined {
    for (;;) {
      const place = this.#window.subarray(0, this.#to).indexOf(MAGIC, this.#placeOf(trouble.searched));
      if (place === -1) {
        // The last three bytes may be the beginning of a magic.
        trouble.searched = Math.max(trouble.searched, this.#offset + this.#held - (MAGIC.length - 1));
        this.#release(trouble);
        return this.#isOver ? undefined : 'later';
      }
      const offset = this.#offset + place - this.#from;
      trouble.searched = offset;
      this.#release(trouble);
      if (this.#mayBeHeader(place) && this.#headerFaultAt(offset) === undefined) {
        const frame = this.#frameAt(offset);
        if (frame === undefined && !this.#isOver) return 'later';
        if (frame !== undefined && this.#mayLookAt(frame) && this.#checks.isSound(frame)) return frame;
      }
      trouble.searched = offset + 1;
    }
  }

  /**
   * Returns whether a header may be here, behind a magic: looks at the bytes that most often show that it is
   * none, without an error for each.
   */
  #mayBeHeader(place: number): boolean {
    const kind = this.#window[place + 5]!;
    return place + FRAME_HEADER_BYTES > this.#to || (this.#window[place + 7] === 0 && isFrameKind(kind));
  }

  /** Returns whether the search may pay for a look at the frame's payload; if so, the price is taken off. */
  #mayLookAt({ header: { payloadBytes, uncompressedBytes } }: SplitFrame): boolean {
    const cost = Math.max(payloadBytes, uncompressedBytes);
    if (cost > this.#searchBytes) return false;
    this.#searchBytes -= cost;
    return true;
  }

  /** Lets go of what is searched and belongs to nothing that is whole. */
  #release(trouble: Trouble): void {
    // A length that is not reached yet may be right until the end of the stream says otherwise.
    if (trouble.doubtful === undefined) this.#passTo(Math.min(trouble.searched, this.#offset + this.#held));
  }

  /** Returns the fault of `trouble`, now that the next frame is known to begin at `next`. */
  #faultBefore({ start, fault, doubtful }: Trouble, next: number): FastcacheError {
    const found = next - start;
    if (doubtful !== undefined) return truncated(start, doubtful.bytes.length, found);
    const field = (fault.offset ?? start) - start;
    // The lengths have four bytes; a field that is cut has no other fault than that.
    const isCutField = field >= 8 && field + 4 > found;
    return found < FRAME_HEADER_BYTES && isCutField ? shortHeader(start, found) : fault;
  }

  /** Returns the fault of a stream that ends inside the frame at the window's start. */
  #cutFault(): FastcacheError {
    const start = this.#offset;
    if (this.#held < FRAME_HEADER_BYTES) return shortHeader(start, this.#held);
    return truncated(start, FRAME_HEADER_BYTES + this.#headerAt(start).payloadBytes, this.#held);
  }

  /** Returns the fault of the header at a stream offset, as far as its bytes have come. */
  #headerFaultAt(offset: number): FastcacheError | undefined {
    const bytes = this.#bytesFrom(offset);
    try {
      if (bytes.length < FRAME_HEADER_BYTES) checkHeaderPrefix(bytes, bytes.length, {});
      else decodeHeader(bytes);
      return undefined;
    } catch (error) {
      if (error instanceof FastcacheError) return error.at(offset);
      throw error;
    }
  }

  /** Returns the frame at a stream offset whose header is sound; undefined when it has not come whole. */
  #frameAt(offset: number): SplitFrame | undefined {
    const bytes = this.#bytesFrom(offset);
    if (bytes.length < FRAME_HEADER_BYTES) return undefined;
    const header = decodeHeader(bytes);
    const total = FRAME_HEADER_BYTES + header.payloadBytes;
    if (bytes.length < total) return undefined;
    const whole = bytes.subarray(0, total);
    return { header, bytes: whole, wirePayload: whole.subarray(FRAME_HEADER_BYTES), offset, owned: false };
  }

  #headerAt(offset: number): FrameHeader {
    return decodeHeader(this.#bytesFrom(offset));
  }

  #bytesFrom(offset: number): Buffer {
    return this.#window.subarray(this.#placeOf(offset), this.#to);
  }

  #placeOf(offset: number): number {
    return this.#from + offset - this.#offset;
  }

  #passTo(offset: number): void {
    this.#from += offset - this.#offset;
    this.#offset = offset;
  }

  /** Makes room for `bytes` behind what is held. */
  #makeRoom(bytes: number): void {
    if (this.#to + bytes <= this.#window.length) return;
    const needed = this.#held + bytes;
    const isWide = this.#window.length > KEPT_WINDOW_BYTES && needed * 4 < this.#window.length;
    const target =
      needed > this.#window.length || isWide
        ? Buffer.allocUnsafeSlow(Math.max(WINDOW_BYTES, needed * 2))
        : this.#window;
    this.#window.copy(target, 0, this.#from, this.#to);
    this.#to = this.#held;
    this.#from = 0;
    this.#window = target;
  }
}

/** Returns the stream offset behind a frame. */
function endOf(frame: SplitFrame): number {
  return frame.offset + frame.bytes.length;
}

function truncated(offset: number, expected: number, found: number): FastcacheError {
  return new FastcacheError('FCRP_TRUNCATED', `The frame ends after ${found} of ${expected} bytes.`, {
    offset,
    expected,
    found,
  });
}

/** Makes the fault of a frame whose payload no check could look into. */
function lengthMismatch({ offset, header: { payloadBytes } }: SplitFrame): FastcacheError {
  return new FastcacheError(
    'FCRP_LENGTH_MISMATCH',
    `The frame announces ${payloadBytes} bytes of payload, and no other frame stands behind them.`,
    { offset: offset + 8, expected: 'a frame', found: payloadBytes },
  );
}

function shortHeader(offset: number, found: number): FastcacheError {
  return new FastcacheError(
    'FCRP_SHORT_HEADER',
    `The frame's header ends after ${found} of ${FRAME_HEADER_BYTES} bytes.`,
    { offset, expected: FRAME_HEADER_BYTES, found },
  );
}
