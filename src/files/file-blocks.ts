/** Reads a file in large blocks, in the memory of two: the next one is read while one is worked on. */
import { type FileHandle, open } from 'node:fs/promises';

/** Clients that are served between two blocks wait for one: some milliseconds, as a server loads it. */
const BLOCK_BYTES_MAX = 1_048_576;
const BLOCK_BYTES_MIN = 4_096;

/**
 * Yields the bytes of an open file, which need not have positions, from `from` on and before `until`; a block
 * is valid until the next one is requested. Closes the file at the end. Throws system errors.
 */
export async function* fileBlocks(
  file: FileHandle,
  from?: number,
  until = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer, void, void> {
  let position = from;
  const read = async (block: Buffer) => {
    const length = Math.max(0, Math.min(block.length, until - (position ?? 0)));
    const { bytesRead } = await file.read(block, 0, length, position ?? null);
    if (position !== undefined) position += bytesRead;
    return block.subarray(0, bytesRead);
  };
  const begin = (block: Buffer) => {
    const reading = read(block);
    // The caller gets a fault only when it asks for this block, behind its work on the one before.
    reading.catch(() => {});
    return reading;
  };
  let reading: Promise<Buffer> | undefined;
  try {
    const bytes = await blockBytesOf(file, from);
    let [block, other] = [Buffer.allocUnsafeSlow(bytes), Buffer.allocUnsafeSlow(bytes)];
    for (reading = begin(block); ; [block, other] = [other, block]) {
      const read = await reading;
      if (read.length === 0) return;
      reading = begin(other);
      yield read;
    }
  } finally {
    await reading?.catch(() => {});
    await file.close();
  }
}

/** Opens a file and yields its bytes, as `fileBlocks`. */
export async function* blocksOf(path: string): AsyncGenerator<Buffer, void, void> {
  yield* fileBlocks(await open(path));
}

async function blockBytesOf(file: FileHandle, from = 0): Promise<number> {
  const stats = await file.stat();
  const bytes = stats.isFile() ? stats.size - from : BLOCK_BYTES_MAX;
  return Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, bytes));
}
