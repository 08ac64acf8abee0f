/** What a hostile frame is (see hostile-frames.ts). */
import type { ErrorCode } from '../../src/errors.js';

export interface HostileFrame {
  /** File name without `.fcrp`. */
  name: string;
  code: ErrorCode;
  /** Byte offset of the fault in the file; the frame's when the fault is inside a compressed payload. */
  offset: number;
  /** What is wrong with it, for the README. */
  how: string;
  bytes: Buffer;
  /**
   * Who refuses it: a reader of streams; a reader of one frame that is all at hand; or, past the codec, who
   * applies it.
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
