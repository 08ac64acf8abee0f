/**
 * The files of a directory that its manifest does not name (docs/data-directory.md, "Files"). Files that a
 * crash left unfinished are removed, and all others are put aside, since the manifest may be an older one
 * that was put back.
 */
import { decodeHeader } from '../frame/header.js';
import { indexPath } from '../frame/index-entry.js';
import { FRAME_HEADER_BYTES } from '../limits.js';
import type { DataFiles } from './data-files.js';
import { baseName, dumpOf, type Manifest, segmentName } from './manifest.js';
import { filesOfDump, markName } from './sync-mark.js';

/**
 * Clears a directory of files that `kept` does not name; `found` is the manifest that it was opened with.
 * Returns sentences for the operator, also about files that cannot be removed, which is tried again at the
 * next start. Rejects with system errors where something cannot be put aside.
 */
export async function clearLeftovers(files: DataFiles, found: Manifest, kept: Manifest): Promise<string[]> {
  const dumps = new Set([
    ...kept.segments.map(({ number }) => segmentName(number)),
    ...kept.bases.map(({ number }) => baseName(number)),
  ]);
  const notes: string[] = [];
  const names = await files.list();
  for (const name of names) {
    if (dumpOf(name) === undefined || dumps.has(name)) continue;
    if (await isDispensable(files, name, found)) notes.push(...(await removed(files, filesOfDump(name))));
    else notes.push(await putAside(files, name));
  }
  // A mark is of a dump that is written to, and an index is of a dump that is there.
  for (const name of names) {
    const [, dump = '', part] = /^(.*)\.(idx|synced)$/.exec(name) ?? [];
    if (dumpOf(dump) !== undefined && (part === 'synced' || !dumps.has(dump)))
      notes.push(...(await removed(files, [name])));
  }
  return notes;
}

/** Whether a segment has more than the Hello with which it was made: frames follow once it is named. */
export async function hasFrames(files: DataFiles, name: string): Promise<boolean> {
  const head = (await files.read(name, FRAME_HEADER_BYTES))?.subarray(0, FRAME_HEADER_BYTES);
  if (head === undefined || head.length < FRAME_HEADER_BYTES) return false;
  try {
    // Behind the Hello may be room in which no frame came.
    const behind = await files.read(
      name,
      FRAME_HEADER_BYTES,
      FRAME_HEADER_BYTES + decodeHeader(head).payloadBytes,
    );
    return behind?.some((byte) => byte !== 0) === true;
  } catch {
    // A crash may leave zeros where the Hello is to be.
    return head.some((byte) => byte !== 0);
  }
}

/** Removes files, as far as they are there; returns what to say of those that cannot be removed. */
async function removed(files: DataFiles, names: readonly string[]): Promise<string[]> {
  const notes: string[] = [];
  for (const name of names) {
    await files.remove(name).catch((error: Error) => {
      notes.push(
        `${files.pathOf(name)} is needed no more, and was not removed: ${error.message}. Each start tries it again`,
      );
    });
  }
  return notes;
}

/** Whether nothing is lost with a dump that no manifest names. */
async function isDispensable(files: DataFiles, name: string, found: Manifest): Promise<boolean> {
  const { kind, number } = dumpOf(name)!;
  const named = kind === 'base' ? found.bases : found.segments;
  // A manifest that names a later one has dropped this one on purpose.
  if (number < (named.at(-1)?.number ?? 0) && !named.some((entry) => entry.number === number)) return true;
  // A base has a mark beside it until it is whole, and is named only then.
  if (kind === 'base') return (await files.size(markName(name))) !== undefined;
  return !(await hasFrames(files, name));
}

/** Gives a dump a name by which it does not count; returns what to say of it. */
async function putAside(files: DataFiles, name: string): Promise<string> {
  const names = new Set(await files.list());
  let count = 1;
  while (names.has(asideName(name, count))) count += 1;
  const aside = asideName(name, count);
  // The index first: a crash in between leaves the dump to be put aside, beside its index.
  if (names.has(indexPath(name))) await files.rename(indexPath(name), indexPath(aside));
  await files.rename(name, aside);
  return (
    `${files.pathOf(name)} is not what the manifest counts, which may be an older one: it is kept in ` +
    `${files.pathOf(aside)}. \`fastcache frames verify\` says what it has; remove it once nothing of it is needed`
  );
}

function asideName(name: string, count: number): string {
  return `${name}.aside-${count}`;
}
