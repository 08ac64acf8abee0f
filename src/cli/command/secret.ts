/**
 * The sources of a command's secrets: files, or the environment. There are no flags for secrets themselves,
 * because everybody on the machine can read the arguments of a process.
 */
import { readFileSync, statSync } from 'node:fs';
import { FastcacheError } from '../../errors.js';
import { serverOptions } from '../../server/options.js';
import { environmentName } from './flags.js';
import { UsageError } from './values.js';

/** The name of a secret in the options of servers, and that of the source of an import. */
export type Secret = 'token' | 'password' | 'sentinelPassword' | 'sourcePassword';

/** The secret that replicas present to a primary. */
export const TOKEN: Secret = 'token';
/** The secret that an import presents to its source. */
export const SOURCE_PASSWORD: Secret = 'sourcePassword';
/** The secret that clients present with AUTH. */
export const PASSWORD: Secret = 'password';

/**
 * The secret in `file` (one line end at its end is not part of it), else in its variable, else undefined.
 * Calls `warn` when others may read the file. Throws `NO_INPUT`, and `UsageError` for an empty or oversized
 * secret.
 */
export function readSecret(
  secret: Secret,
  file: string | undefined,
  warn: (message: string) => void,
): string | undefined {
  if (file === undefined) {
    const variable = environmentName(nameOf(secret));
    const text = process.env[variable];
    return text ? checked(secret, text, variable) : undefined;
  }
  const text = readSecretFile(secret, file, warn).replace(/\r?\n$/, '');
  return checked(secret, text, `the ${wordsOf(secret)} file ${file}`);
}

/** The name on the command line: `sentinel-password`. */
function nameOf(secret: Secret): string {
  if (secret === 'sourcePassword') return 'source-password';
  return serverOptions[secret].flag!.replace(/-file$/, '');
}

/** The name for people: `sentinel password`. */
function wordsOf(secret: Secret): string {
  return nameOf(secret).replaceAll('-', ' ');
}

function readSecretFile(secret: Secret, file: string, warn: (message: string) => void): string {
  const name = wordsOf(secret);
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

function checked(name: Secret, text: string, source: string): string {
  const { expected, found, accepts } = serverOptions[name === 'sourcePassword' ? 'password' : name];
  if (accepts(text, 'primary')) return text;
  throw new UsageError(`${source} must hold ${expected}; it ${found(text)}`);
}
