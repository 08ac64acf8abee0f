import type { FileHandle } from 'node:fs/promises';
import { bytesWithoutRoom, isSegment } from '../frame/room.js';

/**
 * Returns the offset at which the room of an open file begins (src/frame/room.ts); Infinity: a file of this
 * path has none. Rejects with system errors.
 */
export async function roomStart(file: FileHandle, path: string): Promise<number> {
  if (!isSegment(path)) return Number.POSITIVE_INFINITY;
  return bytesWithoutRoom((await file.stat()).size, async (place, bytes) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, place);
    return buffer.subarray(0, bytesRead);
  });
}
