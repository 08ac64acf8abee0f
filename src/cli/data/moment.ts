/** The moment of a data directory that flags name. */
import type { Moment } from '../../data/past-content.js';
import { UsageError } from '../command/values.js';
import { unescapeText } from '../terminal/escape.js';

/** The values of the flags. */
export interface MomentFlags {
  /** Unix ms. */
  at: bigint | undefined;
  watermarks: readonly bigint[] | undefined;
  /** KEY or KEY=VALUE. */
  before: string | undefined;
}

/**
 * Returns the moment; `format` is that of the output, and `given` are the flags that were set. Throws a
 * `UsageError` where they contradict each other.
 */
export function momentOf(
  { at, watermarks, before }: MomentFlags,
  format: 'dump' | 'directory',
  given: ReadonlySet<string>,
): Moment {
  const selectors = ['at', 'watermarks', 'before'].filter((flag) => given.has(flag));
  if (selectors.length > 1) {
    const names = selectors.map((flag) => `--${flag}`).join(' and ');
    throw new UsageError(`${names} each name a moment: give one of them`);
  }
  for (const flag of ['force', 'mode']) {
    if (format === 'directory' && given.has(flag)) {
      throw new UsageError(
        `--${flag} is for a dump: a directory is never written over, and is for its owner alone`,
      );
    }
  }
  return { atMs: at, watermarks, before: before === undefined ? undefined : soughtValue(before) };
}

function soughtValue(text: string): NonNullable<Moment['before']> {
  const equals = text.indexOf('=');
  const key = unescapeText(equals === -1 ? text : text.slice(0, equals));
  return { key, value: equals === -1 ? undefined : unescapeText(text.slice(equals + 1)) };
}
