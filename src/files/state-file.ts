/**
 * A small file that is replaced as a whole, so that it is always the old one or the new one, whatever ends
 * the process.
 */
import { accessSync, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FastcacheError } from '../errors.js';

/**
 * Returns the bytes of a file, `maxBytes` + 1 of them at most; undefined when there is none, and one could be
 * written. Throws `READ_FAILED`, `WRITE_FAILED`.
 */
export function readStateFile(path: string, maxBytes: number): Buffer | undefined {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
  let fd: number;
  try {
    // O_NONBLOCK is there because to open a pipe would otherwise wait for a writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw readFailed(path, cause);
  }
  try {
    if (!fstatSync(fd).isFile()) throw new Error('it is no regular file');
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0; length += read)
      read = readSync(fd, bytes, length, bytes.length - length, null);
    return bytes.subarray(0, length);
  } catch (cause) {
    throw readFailed(path, cause);
  } finally {
    closeSync(fd);
  }
}

/** The part of `node:fs/promises` by which a file is replaced on a disk. */
export interface StateDisk {
  open(path: string, flags: 'w' | 'r'): Promise<Pick<FileHandle, 'writeFile' | 'sync' | 'close'>>;
  rename(from: string, to: string): Promise<void>;
}

/**
 * Resolves when the new bytes are on the disk, under this name. Throws `WRITE_FAILED`; the old ones are then
 * still there. Each step is on the disk before the next one, whatever ends the process or the machine between
 * two of them.
 */
export async function replaceStateFile(
  path: string,
  bytes: Uint8Array,
  disk: StateDisk = { open, rename },
): Promise<void> {
  const beside = `${path}.new`;
  try {
    await withFile(disk, beside, 'w', async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
    await disk.rename(beside, path);
    // The folder is synced so that the new name outlives a power cut too.
    await withFile(disk, dirname(path), 'r', (folder) => folder.sync());
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

type StateHandle = Awaited<ReturnType<StateDisk['open']>>;

async function withFile(
  disk: StateDisk,
  path: string,
  flags: 'w' | 'r',
  run: (file: StateHandle) => Promise<void>,
): Promise<void> {
  const file = await disk.open(path, flags);
  try {
    await run(file);
  } finally {
    await file.close();
  }
}

function readFailed(file: string, cause: unknown): FastcacheError {
  return new FastcacheError('READ_FAILED', `The state cannot be read: ${reasonOf(cause)}.`, { file, cause });
}

function writeFailed(file: string, cause: unknown): FastcacheError {
  return new FastcacheError('WRITE_FAILED', `The state cannot be written: ${reasonOf(cause)}.`, {
    file,
    cause,
  });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
