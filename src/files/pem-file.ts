/** A file with certificates or a key, read as a whole when a server starts or is given new ones. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { FastcacheError } from '../errors.js';

/** Far more than all authorities that a system knows. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The content of a file of PEM. */
export interface PemFile {
  readonly bytes: Buffer;
  /** Whether users other than its owner may read it. */
  readonly isOpenToOthers: boolean;
}

/** Reads a file of PEM. Throws NO_INPUT. */
export function readPemFile(file: string): PemFile {
  try {
    const fd = openSync(file, 'r');
    try {
      const { mode, size } = fstatSync(fd);
      if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, and at most ${MAX_BYTES} are read`);
      return {
        bytes: readFileSync(fd),
        isOpenToOthers: (mode & 0o007) !== 0 && process.platform !== 'win32',
      };
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new FastcacheError('NO_INPUT', `A file of TLS cannot be read: ${(cause as Error).message}.`, {
      file,
      cause,
    });
  }
}
