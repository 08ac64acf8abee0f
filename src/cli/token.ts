/**
 * Where a command's token comes from: a file, or FASTCACHE_TOKEN. Never a flag of its own, because the arguments of a
 * process are for everybody on the machine to read.
 */
import { readFileSync, statSync } from 'node:fs';
import { FastcacheError } from '../errors.js';
import { UsageError } from './values.js';

/** Longer ones leave no room for the watermarks of 1024 shards in a Hello, which may have 64 KiB. */
const MAX_TOKEN_BYTES = 4_096;

/**
 * The token of `--token-file` (one line end at its end is not part of it), else of FASTCACHE_TOKEN, else undefined.
 * Calls `warn` when others may read the file. Throws `NO_INPUT`, and `UsageError` for an empty or oversized token.
 */
export function readToken(
  tokenFile: string | undefined,
  warn: (message: string) => void,
): string | undefined {
  if (tokenFile === undefined) {
    const token = process.env.FASTCACHE_TOKEN;
    return token ? checkedToken(token, 'FASTCACHE_TOKEN') : undefined;
  }
  const token = readTokenFile(tokenFile, warn).replace(/\r?\n$/, '');
  return checkedToken(token, `the token file ${tokenFile}`);
}

function readTokenFile(file: string, warn: (message: string) => void): string {
  try {
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      warn(`${file} has mode ${mode.toString(8).padStart(4, '0')}: others may read the token; chmod 600 it`);
    }
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new FastcacheError('NO_INPUT', `The token file cannot be read: ${(cause as Error).message}.`, {
      file,
      cause,
    });
  }
}

function checkedToken(token: string, source: string): string {
  const bytes = Buffer.byteLength(token);
  if (bytes > 0 && bytes <= MAX_TOKEN_BYTES) return token;
  throw new UsageError(`${source} has ${bytes} bytes; a token has 1 to ${MAX_TOKEN_BYTES}`);
}
