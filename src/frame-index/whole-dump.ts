/** Looks at a dump that is to be continued. */
import { closeSync, openSync, readSync } from 'node:fs';
import { FastcacheError } from '../errors.js';
import { digestOfEdges, type KnownDump } from '../files/dump-digest.js';
import { measureDump } from './index-file.js';

/**
 * Returns what a dump has, of which all is read that its index does not have. Throws `FCRP_TRUNCATED` and
 * `FCRP_BAD_MAGIC`, with file and byte offset, for one that does not end behind a whole frame, NO_INPUT,
 * READ_FAILED.
 */
export async function wholeDump(file: string): Promise<KnownDump> {
  const { indexedBytes: bytes, dumpBytes, isCut } = await measureDump(file);
  if (dumpBytes > bytes) {
    const message = isCut
      ? 'The dump ends inside its last frame, and cannot be continued: `frames salvage` writes the whole frames to a new one.'
      : 'Here is no frame, and the dump cannot be continued: `frames verify` says what is wrong with it.';
    const code = isCut ? 'FCRP_TRUNCATED' : 'FCRP_BAD_MAGIC';
    throw new FastcacheError(code, message, { file, offset: bytes, found: dumpBytes - bytes });
  }
  const fd = openSync(file, 'r');
  try {
    const sha256 = digestOfEdges((target, at) => readSync(fd, target, 0, target.length, at), bytes);
    if (sha256 !== undefined) return { bytes, sha256 };
    throw new FastcacheError('READ_FAILED', 'The dump has been cut while it was read.', { file });
  } finally {
    closeSync(fd);
  }
}
