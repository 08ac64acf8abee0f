/**
 * Compares the key spaces of two dumps, or of a dump and something else, as of one moment, the later of the
 * two: a key that has only expired is no difference.
 */
import { setImmediate } from 'node:timers/promises';
import type { DumpSources, ReadingOptions } from '../read/dump-reader.js';
import { readKeySpace } from './fold-dump.js';
import { FoldedKeySpace } from './folded-key-space.js';
import { type Difference, type DifferenceCounts, differences } from './key-space-diff.js';

/** The options of `diffKeySpaces`. */
export interface DiffOptions extends ReadingOptions {
  /** Called with each difference; where it returns a promise, that is waited for. */
  onDifference?: ((difference: Difference) => void | Promise<void>) | undefined;
  /** Called now and then with the number of keys that have been compared so far. */
  onCompared?: ((keys: number) => void) | undefined;
}

/** The result of `diffKeySpaces`: how many keys were added, removed and changed, and how many are equal. */
export interface KeySpaceDiff extends DifferenceCounts {
  isEqual: boolean;
  /** Unix ms of the moment of the comparison; null when neither key space has a time. */
  atMs: number | null;
  /** Keys of the first that had expired by then, and are no difference. */
  expiredBefore: number;
  /** Keys of the second that had expired by then, and are no difference. */
  expiredAfter: number;
}

/**
 * Compares what `before` and `after` lead to: dumps, or key spaces that `foldDump` returned. Whether a dump
 * is a snapshot or a recorded stream makes no difference, nor how many shards there are. Rejects as
 * `foldDump`. Memory is that of both.
 *
 * ```js
 * const { added, removed, changed } = await diffKeySpaces('monday.fcrp', 'tuesday.fcrp', {
 *   onDifference: ({ type, key }) => console.log(type, `${key}`),
 * });
 * ```
 */
export async function diffKeySpaces(
  before: DumpSources | FoldedKeySpace,
  after: DumpSources | FoldedKeySpace,
  options: DiffOptions = {},
): Promise<KeySpaceDiff> {
  const { onDifference, onCompared, signal, onProgress } = options;
  const first = await keySpaceOf(before, { signal, onProgress });
  const second = await keySpaceOf(after, { signal, onProgress });
  const atMs = latest(first.atMs, second.atMs);
  const expiredBefore = first.expire(atMs ?? 0);
  const expiredAfter = second.expire(atMs ?? 0);
  const counts: DifferenceCounts = { added: 0, removed: 0, changed: 0, equal: 0 };
  for (const found of differences(first.store, second.store, counts)) {
    for (const difference of found) {
      const shown = onDifference?.(difference);
      if (shown !== undefined) await shown;
    }
    onCompared?.(counts.equal + counts.changed + counts.removed + counts.added);
    // The event loop runs between steps, so that a signal can arrive.
    await setImmediate();
    signal?.throwIfAborted();
  }
  const isEqual = counts.added + counts.removed + counts.changed === 0;
  return { ...counts, isEqual, atMs: atMs ?? null, expiredBefore, expiredAfter };
}

async function keySpaceOf(
  source: DumpSources | FoldedKeySpace,
  reading: ReadingOptions,
): Promise<FoldedKeySpace> {
  return source instanceof FoldedKeySpace ? source : readKeySpace(source, reading);
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}
