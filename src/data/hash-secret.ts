/**
 * The secret under which a server with this directory hashes keys (docs/data-directory.md, "The hash
 * secret"), kept so that the next start has it again: a base is written in the order of the tables, and a
 * server whose tables have the same order loads it bucket after bucket. Nothing else depends on it, so
 * neither function rejects.
 */
import type { DataFiles } from './data-files.js';
import { replaceFile } from './replace-file.js';

const SECRET = 'hash-secret';
const DIGITS = 32;
/** Others may be let read the data, and never this. */
const SECRET_MODE = 0o600;

/** Returns the secret that the directory has; undefined: there is none that can be used. */
export async function readHashSecret(files: DataFiles): Promise<bigint | undefined> {
  const bytes = await files.read(SECRET, DIGITS + 1).catch(() => undefined);
  const [, digits] = /^([0-9a-f]{32})\n$/.exec(bytes?.toString('latin1') ?? '') ?? [];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}

/** Has the directory keep a secret; where that fails, it has none, and the next start keeps another. */
export async function keepHashSecret(files: DataFiles, secret: bigint): Promise<void> {
  const digits = `${secret.toString(16).padStart(DIGITS, '0')}\n`;
  // The server works without it.
  await replaceFile(files, SECRET, Buffer.from(digits), SECRET_MODE).catch(() => {});
}
