/** The room behind a segment (src/frame/room.ts), as tests look at it. */
import { bytesWithoutRoom } from '../../src/frame/room.js';

/** Returns the bytes of a segment without the room behind them. */
export async function withoutRoom(bytes: Buffer): Promise<Buffer> {
  const read = async (place: number, length: number) => bytes.subarray(place, place + length);
  return bytes.subarray(0, await bytesWithoutRoom(bytes.length, read));
}
