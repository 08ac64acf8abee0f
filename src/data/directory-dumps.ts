/** Looks into a data directory, of which nothing is changed or locked: a server may have it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FastcacheError } from '../errors.js';
import { DEFAULT_FILE_MODE } from '../files/file-mode.js';
import { indexPath } from '../frame/index-entry.js';
import type { DataFiles } from './data-files.js';
import {
  type BaseEntry,
  baseName,
  type Content,
  type Manifest,
  readManifest,
  type SegmentEntry,
  segmentName,
} from './manifest.js';
import { contentChoices, manifestThen } from './past-manifest.js';
import { systemDataFiles } from './system-data-files.js';

/** A file of frames in a directory. */
export interface DirectoryDump {
  /** Its path. */
  file: string;
  /** Its name in the directory. */
  name: string;
  entry: ({ kind: 'segment' } & SegmentEntry) | ({ kind: 'base' } & BaseEntry);
}

/**
 * Reads the manifest of a directory, all of whose files must be plain ones. Throws NO_INPUT, READ_FAILED,
 * STATE_UNUSABLE.
 */
export async function readDirectory(directory: string): Promise<Manifest> {
  const files = systemDataFiles(directory, DEFAULT_FILE_MODE);
  let manifest: Manifest | undefined;
  try {
    manifest = await readManifest(files);
    if (manifest !== undefined) await refuseOthers(files, manifest);
  } catch (cause) {
    if (cause instanceof FastcacheError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') throw noDirectory(directory);
    throw new FastcacheError('READ_FAILED', `Reading failed: ${message}.`, { file: directory, cause });
  }
  if (manifest === undefined) throw (await isThere(directory)) ? noDirectory(directory) : notThere(directory);
  return manifest;
}

/** Throws READ_FAILED for a file of a manifest that is no plain file: to open a pipe would wait for ever. */
export async function refuseOthers(files: DataFiles, { segments, bases }: Manifest): Promise<void> {
  const names = [
    ...segments.map(({ number }) => segmentName(number)),
    ...bases.map(({ number }) => baseName(number)),
  ];
  for (const name of names) {
    await files.size(name);
    await files.size(indexPath(name));
  }
}

/** Reads in a directory by `read`; a system error becomes READ_FAILED. */
export async function readingIn<T>(directory: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof FastcacheError || (cause as NodeJS.ErrnoException).code === undefined) throw cause;
    const message = `Reading failed: ${(cause as Error).message}.`;
    throw new FastcacheError('READ_FAILED', message, { file: directory, cause });
  }
}

/** Returns all files of a directory, each base before the segment that is applied to it first. */
export function dumpsOf(directory: string, { segments, bases }: Manifest): DirectoryDump[] {
  const dump = (name: string, entry: DirectoryDump['entry']) => ({
    file: join(directory, name),
    name,
    entry,
  });
  return segments.flatMap((segment) => [
    ...bases
      .filter((base) => base.segment === segment.number)
      .map((base) => dump(baseName(base.number), { kind: 'base', ...base })),
    dump(segmentName(segment.number), { kind: 'segment', ...segment }),
  ]);
}

/** Whether the manifest names all of these files still: a server drops those that it no longer needs. */
export async function areStillNamed(directory: string, dumps: readonly DirectoryDump[]): Promise<boolean> {
  const named = new Set(dumpsOf(directory, await readDirectory(directory)).map(({ name }) => name));
  return dumps.every(({ name }) => named.has(name));
}

/**
 * Returns the paths with the files of each directory in its place, as one dump: all segments, and the bases
 * that stand for content that no segment has. Throws as `readDirectory`.
 */
export async function dumpFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (!(await isDirectory(path))) files.push(path);
    else files.push(...oneDump(path, await readDirectory(path)));
  }
  return files;
}

/**
 * Returns as `dumpFiles`, but of directories what the content at a time is made of, or else the present one.
 * Throws BAD_OPTION where a directory has nothing of that time.
 */
export async function contentFiles(paths: readonly string[], untilMs?: bigint): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (!(await isDirectory(path))) {
      files.push(path);
      continue;
    }
    const manifest = await readDirectory(path);
    const dataFiles = systemDataFiles(path, DEFAULT_FILE_MODE);
    const then = untilMs === undefined ? manifest : await manifestThen(dataFiles, manifest, untilMs);
    const [content] = contentChoices(then);
    if (content === undefined) throw nothingThen(path);
    files.push(...filesOf(path, content));
  }
  return files;
}

/** Returns the fault of a directory without anything of the moment that is asked for. */
export function nothingThen(directory: string): FastcacheError {
  const message = 'The directory has nothing of that time: `fastcache data ls` shows what it has.';
  return new FastcacheError('BAD_OPTION', message, { file: directory });
}

/** Whether a path is that of a directory; `-` is stdin. */
export async function isDirectory(path: string): Promise<boolean> {
  if (path === '-') return false;
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** Returns the paths of the files of content, in the order in which they are applied. */
export function filesOf(directory: string, { base, segments }: Content): string[] {
  const names = segments.map(({ number }) => segmentName(number));
  return [...(base === undefined ? [] : [baseName(base.number)]), ...names].map((name) =>
    join(directory, name),
  );
}

function oneDump(directory: string, manifest: Manifest): string[] {
  const isNeeded = ({ entry }: DirectoryDump) => {
    if (entry.kind === 'segment') return true;
    const at = manifest.segments.findIndex(({ number }) => number === entry.segment);
    const { follows } = manifest.segments[at]!;
    const first = manifest.bases.find(({ segment }) => segment === entry.segment);
    const isOldest = follows === 'base' || (at === 0 && follows === 'segment');
    return isOldest && first?.number === entry.number;
  };
  return dumpsOf(directory, manifest)
    .filter(isNeeded)
    .map(({ file }) => file);
}

/** Returns the fault of what is no directory of data. */
export function noDirectory(file: string): FastcacheError {
  return new FastcacheError('NO_INPUT', 'This is no data directory: it has no manifest.', { file });
}

function notThere(file: string): FastcacheError {
  return new FastcacheError('NO_INPUT', 'There is no such directory.', { file });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
