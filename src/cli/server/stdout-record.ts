/**
 * Finds out whether a dump is recorded to stdout (`--record /dev/stdout`), so that nothing else goes there.
 */
import { fstatSync, statSync } from 'node:fs';
import { UsageError } from '../command/values.js';

const STDOUT = 1;

/**
 * Returns whether `record` is the pipe or file that stdout is. Throws a `UsageError` when that is to carry
 * changes as well.
 */
export function isRecordedToStdout({ record, changes }: Readonly<Record<string, unknown>>): boolean {
  if (typeof record !== 'string') return false;
  const target = statSync(record, { throwIfNoEntry: false });
  const stdout = fstatSync(STDOUT);
  const isSame = target?.dev === stdout.dev && target.ino === stdout.ino && !stdout.isCharacterDevice();
  if (isSame && changes === true)
    throw new UsageError('--record and --changes both want stdout; record to a file');
  return isSame;
}
