/** A small file that is replaced as a whole, so that it is always one or the other, whatever ends the process. */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { FastcacheError } from '../errors.js';

/**
 * The bytes of a file, `maxBytes` + 1 of them at most; undefined when there is none, and it could be written. Throws
 * `READ_FAILED`, `WRITE_FAILED`.
 */
export function readStateFile(path: string, maxBytes: number): Buffer | undefined {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
  let fd: number;
  try {
    // What is no regular file might never answer.
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

/** The new bytes are on the disk, under this name, when it returns. Throws `WRITE_FAILED`; the old ones are then still there. */
export function replaceStateFile(path: string, bytes: Uint8Array): void {
  const beside = `${path}.new`;
  try {
    withFile(beside, 'w', (fd) => {
      writeFileSync(fd, bytes);
      fsyncSync(fd);
    });
    renameSync(beside, path);
    // So that the new name outlives a power cut too.
    withFile(dirname(path), 'r', fsyncSync);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

function withFile(path: string, flags: string, run: (fd: number) => void): void {
  const fd = openSync(path, flags);
  try {
    run(fd);
  } finally {
    closeSync(fd);
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
