/** Runs `data restore`, which writes what a data directory had at a time to a dump. */

import { contentChoices, readDirectory } from '../../data/directory-dumps.js';
import { FastcacheError } from '../../errors.js';
import { type StateInvocation, writeState } from '../frames/state.js';

/** The arguments and flags of `data restore`. */
export interface RestoreInvocation extends Omit<StateInvocation, 'files' | 'limits' | 'format' | 'values'> {
  directory: string;
  /** Unix ms; undefined: what the directory has now. */
  atMs: bigint | undefined;
}

/** Writes the dump. Rejects as `writeState` and `readDirectory`. */
export async function runRestore({ directory, atMs, ...others }: RestoreInvocation): Promise<void> {
  const choices = contentChoices(directory, await readDirectory(directory), atMs);
  for (const [at, files] of choices.entries()) {
    try {
      const limits = { untilMs: atMs };
      await writeState({ ...others, files, limits, format: 'dump', values: 'none' });
      return;
    } catch (error) {
      // No record proves that a base is of before that time: an older one, with more records, may show it.
      const isUntimed =
        error instanceof FastcacheError && error.code === 'BAD_OPTION' && error.offset !== undefined;
      if (!isUntimed || at === choices.length - 1) throw error;
    }
  }
}
