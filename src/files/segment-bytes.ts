/** How many bytes of a segment's file are frames: behind them may be room (src/frame/room.ts). */
import type { FileHandle } from 'node:fs/promises';
import { bytesWithoutRoom } from '../frame/room.js';

/** Returns the bytes of an open file without the room behind them. Rejects with system errors. */
export async function segmentBytes(file: FileHandle): Promise<number> {
  return bytesWithoutRoom((await file.stat()).size, async (place, bytes) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, place);
    return buffer.subarray(0, bytesRead);
  });
}
