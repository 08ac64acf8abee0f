/**
 * Room behind the frames of a segment (docs/data-directory.md, "Room"): zeros that are on the disk before the
 * frames that take their place. It begins behind a seal, and is no content.
 */
import { decodeHeader } from './header.js';
import { FrameKind } from './kinds.js';
import { SEAL_FRAME_BYTES } from './seal.js';

/** So much room is made at once. */
export const ROOM_BYTES = 1_048_576;
/** There is at most so much: half of it is used before more is made. */
const ROOM_MAX_BYTES = 2 * ROOM_BYTES;
/** Zeros are looked for in steps of so many bytes. */
const STEP_BYTES = 65_536;
/** A seal may end in zeros: a hash, and behind a hash of zeros the upper bytes of the count. */
const SEAL_ZEROS_MAX = 11;

/** Reads bytes of a file from a place on; fewer where it ends. */
export type ReadAt = (place: number, bytes: number) => Promise<Buffer>;

/** Whether a file of this path may have room behind it. */
export function isSegment(path: string): boolean {
  return /(?:^|[\\/])segment-\d{8,}\.fcrp$/.test(path);
}

/** Returns the bytes of a segment of `size` without the room behind it. Rejects as `read` does. */
export async function bytesWithoutRoom(size: number, read: ReadAt): Promise<number> {
  if (size < SEAL_FRAME_BYTES) return size;
  const last = await read(size - 1, 1);
  if (last[0] !== 0) return size;
  const end = await endOfOthers(size, read);
  const from = Math.max(0, end - SEAL_FRAME_BYTES);
  const behind = await read(from, SEAL_FRAME_BYTES + SEAL_ZEROS_MAX);
  for (let zeros = 0; zeros <= SEAL_ZEROS_MAX && end + zeros <= size; zeros += 1) {
    const at = end + zeros - SEAL_FRAME_BYTES - from;
    if (at >= 0 && beginsWithSeal(behind.subarray(at))) return end + zeros;
  }
  return size;
}

function beginsWithSeal(bytes: Buffer): boolean {
  try {
    return decodeHeader(bytes).kind === FrameKind.Seal;
  } catch {
    return false;
  }
}

/** Returns how many of the first `length` bytes there are before the zeros at their end. */
export function bytesBeforeZeros(bytes: Uint8Array, length: number): number {
  let end = length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}

/** Returns the offset behind the last byte that is no zero, if it is near the end. */
async function endOfOthers(size: number, read: ReadAt): Promise<number> {
  const least = Math.max(0, size - ROOM_MAX_BYTES);
  for (let end = size; end > least; ) {
    const start = Math.max(least, end - STEP_BYTES);
    const bytes = await read(start, end - start);
    const others = bytesBeforeZeros(bytes, bytes.length);
    if (others > 0) return start + others;
    end = start;
  }
  return size;
}
