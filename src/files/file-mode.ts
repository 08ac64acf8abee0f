/**
 * The modes of files that are made. Dumps, states and outputs hold keys and values, so that by default only
 * their owner may read and write them.
 */

/** The modes that can be asked for, as `chmod` writes them. */
export const fileModes = ['600', '640', '644', '660', '664'] as const;
/** A mode that can be asked for. */
export type FileMode = (typeof fileModes)[number];

/** The mode of a file that is made where none is asked for. */
export const DEFAULT_FILE_MODE = 0o600;

/** Returns a mode as the system takes it. */
export function modeBits(mode: FileMode): number {
  return Number.parseInt(mode, 8);
}
