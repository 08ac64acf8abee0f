/** Secrets that could be guessed, which are warned of wherever they come from. */

const SOUND_SECRET_BYTES = 16;

/** Returns the warning of a secret, `name`, of so many bytes; undefined where it has enough or none. */
export function weakSecret(name: string, bytes: number): string | undefined {
  if (bytes === 0 || bytes >= SOUND_SECRET_BYTES) return undefined;
  return `the ${name} has less than ${SOUND_SECRET_BYTES} bytes and might be guessed; openssl rand -hex 32 makes a good one`;
}
