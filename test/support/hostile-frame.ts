/** The shape of a hostile frame (see hostile-frames.ts). */
import type { ErrorCode } from '../../src/errors.js';

export interface HostileFrame {
  /** File name without `.fcrp`. */
  name: string;
  code: ErrorCode;
  /** Byte offset of the fault in the file; the frame's when the fault is inside a compressed payload. */
  offset: number;
  /** Its fault, for the README. */
  how: string;
  bytes: Buffer;
  /**
   * The part that refuses it: a reader of streams; a reader of one frame that is all at hand; or, past the
   * codec, the store that applies it.
   */
  refusedBy: 'stream' | 'frame' | 'store';
}

/** A frame that a reader of streams refuses. */
export function hostile(
  name: string,
  code: ErrorCode,
  offset: number,
  how: string,
  bytes: Buffer,
): HostileFrame {
  return { name, code, offset, how, bytes, refusedBy: 'stream' };
}
