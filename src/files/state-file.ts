/**
 * A small file that is replaced as a whole, so that it is always the old one or the new one, whatever ends
 * the process.
 */
import { accessSync, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FastcacheError } from '../errors.js';
import { DEFAULT_FILE_MODE } from './file-mode.js';

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

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** The file beside a state is a new one each time, and no link is followed: others may have put one there. */
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

type StateHandle = Pick<FileHandle, 'writeFile' | 'sync' | 'close'>;

/** The part of `node:fs/promises` by which a file is replaced on a disk. */
export interface StateDisk {
  open(path: string, flags: number, mode?: number): Promise<StateHandle>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

const systemDisk: StateDisk = { open, rename, unlink };

/**
 * Resolves when the new bytes are on the disk, under this name, in a file of `mode`. Throws `WRITE_FAILED`;
 * the old ones are then still there, and nothing beside them. Each step is on the disk before the next one,
 * whatever ends the process or the machine between two of them.
 */
export async function replaceStateFile(
  path: string,
  bytes: Uint8Array,
  mode = DEFAULT_FILE_MODE,
  disk = systemDisk,
): Promise<void> {
  try {
    await writeBeside(path, bytes, mode, disk);
    // The folder is synced so that the new name outlives a power cut too.
    await sync(dirname(path), disk);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

/**
 * Resolves when a file that was read is on the disk, under this name: a process that was killed may have left
 * it before it was. Throws `WRITE_FAILED`.
 */
export async function syncStateFile(path: string, disk = systemDisk): Promise<void> {
  try {
    await sync(path, disk);
    await sync(dirname(path), disk);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

async function sync(path: string, disk: StateDisk): Promise<void> {
  const file = await disk.open(path, O_RDONLY | O_NONBLOCK);
  await closing(file, () => file.sync());
}

async function writeBeside(path: string, bytes: Uint8Array, mode: number, disk: StateDisk): Promise<void> {
  const beside = `${path}.new`;
  const file = await openNew(disk, beside, mode);
  try {
    await closing(file, async () => {
      await file.writeFile(bytes);
      await file.sync();
    });
    await disk.rename(beside, path);
  } catch (cause) {
    // A full disk has taken the file and not its bytes.
    await disk.unlink(beside).catch(() => {});
    throw cause;
  }
}

/** Creates the file. One that an earlier run has left is removed; so is a link, but not what it leads to. */
async function openNew(disk: StateDisk, path: string, mode: number): Promise<StateHandle> {
  try {
    return await disk.open(path, NEW_FILE, mode);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    await disk.unlink(path);
    return disk.open(path, NEW_FILE, mode);
  }
}

async function closing(file: StateHandle, run: () => Promise<void>): Promise<void> {
  try {
    await run();
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
