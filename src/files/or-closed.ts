import type { FileHandle } from 'node:fs/promises';

/** Returns what `run` does; where it rejects, the file is closed before this does. */
export async function orClosed<T>(file: FileHandle, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    await file.close();
    throw error;
  }
}
