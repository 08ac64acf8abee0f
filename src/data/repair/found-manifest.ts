/** Makes the manifest of a directory that has lost its own, from what the files themselves say. */
import { stat } from 'node:fs/promises';
import { goesBackTo, type History } from '../../replication/history.js';
import { hasReached } from '../../replication/watermarks.js';
import type { DataFiles } from '../data-files.js';
import {
  type BaseEntry,
  baseName,
  type Follows,
  type Manifest,
  type SegmentEntry,
  segmentName,
} from '../manifest.js';
import { beginningOf, type SegmentBeginning, SegmentFault } from '../segment-beginning.js';

const UNKNOWN_HISTORY = '0'.repeat(32);

/**
 * Returns the manifest that fits the files of a directory. The time of a segment is that at
 * which its file was made, of a base that at which it was last written. Rejects with system errors.
 */
export async function foundManifest(files: DataFiles): Promise<Manifest> {
  const names = await files.list();
  const segments: SegmentEntry[] = [];
  const beginnings = new Map<number, SegmentBeginning>();
  let before: History | undefined;
  const numbers = numbersOf(names, 'segment');
  for (const number of numbers) {
    const name = segmentName(number);
    const beginning = await beginningOrNone(files, name);
    if (beginning !== undefined) beginnings.set(number, beginning);
    const history = beginning?.history ?? before;
    const isLast = number === numbers.at(-1);
    const { size, birthtimeMs } = await stat(files.pathOf(name));
    segments.push({
      number,
      bytes: isLast ? null : size,
      follows: beginning === undefined ? 'segment' : followsOf(beginning, before),
      history: history?.id ?? UNKNOWN_HISTORY,
      begunAtMs: Math.floor(birthtimeMs),
    });
    before = history;
  }
  const bases: BaseEntry[] = [];
  for (const number of numbersOf(names, 'base')) {
    const base = await foundBase(files, number, beginnings);
    if (base !== undefined) bases.push(base);
  }
  return { isClean: false, segments, bases };
}

/** Returns the entry of a base; undefined where no segment can be applied to it. */
async function foundBase(
  files: DataFiles,
  number: number,
  segments: ReadonlyMap<number, SegmentBeginning>,
): Promise<BaseEntry | undefined> {
  const name = baseName(number);
  const beginning = await beginningOrNone(files, name);
  if (beginning === undefined) return undefined;
  const { history, watermarks } = beginning;
  const isBefore = (each: SegmentBeginning) =>
    each.history.id === history.id && hasReached(watermarks, each.watermarks);
  const segment = [...segments].findLast(([, each]) => isBefore(each))?.[0];
  if (segment === undefined) return undefined;
  const { size, mtimeMs } = await stat(files.pathOf(name));
  return { number, bytes: size, segment, history: history.id, keys: 0, madeAtMs: Math.floor(mtimeMs) };
}

function followsOf({ history, watermarks }: SegmentBeginning, before: History | undefined): Follows {
  if (before !== undefined && goesBackTo(history, before.id)) return 'segment';
  const isEmpty = Array.from(watermarks).every((at) => at === history.base);
  return isEmpty && history.previous === undefined ? 'nothing' : 'base';
}

/** Returns the beginning of a dump; undefined: it cannot be read, or names no history. */
export async function beginningOrNone(files: DataFiles, name: string): Promise<SegmentBeginning | undefined> {
  try {
    return await beginningOf(files, name);
  } catch (error) {
    if (error instanceof SegmentFault) return undefined;
    throw error;
  }
}

function numbersOf(names: readonly string[], kind: 'segment' | 'base'): number[] {
  const pattern = new RegExp(`^${kind}-(\\d{8,15})\\.fcrp$`);
  const numbers = names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
  return numbers.sort((one, other) => one - other);
}
