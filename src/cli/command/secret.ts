/**
 * Where a command's secrets come from: files, or the environment. Never flags of their own, because the arguments of a
 * process are for everybody on the machine to read.
 */
import { readFileSync, statSync } from 'node:fs';
import { FastcacheError } from '../../errors.js';
import { UsageError } from './values.js';

interface Secret {
  /** What a person calls it. */
  readonly name: string;
  readonly variable: string;
  readonly maxBytes: number;
}

/** Longer ones leave no room for the watermarks of 1024 shards in a Hello, which may have 64 KiB. */
export const TOKEN: Secret = { name: 'token', variable: 'FASTCACHE_TOKEN', maxBytes: 4_096 };
/** What AUTH may carry before it has been heard (reference/reliability.md, "Pre-auth"). */
export const PASSWORD: Secret = { name: 'password', variable: 'FASTCACHE_PASSWORD', maxBytes: 4_096 };

/**
 * The secret in `file` (one line end at its end is not part of it), else in its variable, else undefined.
 * Calls `warn` when others may read the file. Throws `NO_INPUT`, and `UsageError` for an empty or oversized secret.
 */
export function readSecret(
  secret: Secret,
  file: string | undefined,
  warn: (message: string) => void,
): string | undefined {
  if (file === undefined) {
    const text = process.env[secret.variable];
    return text ? checked(secret, text, secret.variable) : undefined;
  }
  const text = readSecretFile(secret, file, warn).replace(/\r?\n$/, '');
  return checked(secret, text, `the ${secret.name} file ${file}`);
}

function readSecretFile({ name }: Secret, file: string, warn: (message: string) => void): string {
  try {
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      warn(
        `${file} has mode ${mode.toString(8).padStart(4, '0')}: others may read the ${name}; chmod 600 it`,
      );
    }
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new FastcacheError('NO_INPUT', `The ${name} file cannot be read: ${(cause as Error).message}.`, {
      file,
      cause,
    });
  }
}

function checked({ name, maxBytes }: Secret, text: string, source: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > 0 && bytes <= maxBytes) return text;
  throw new UsageError(`${source} has ${bytes} bytes; a ${name} has 1 to ${maxBytes}`);
}
