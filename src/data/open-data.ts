/** Opens a data directory: the lock, the manifest, the content, and what a crash has left behind. */
import { differenceNote } from '../dump/fold/content-proof.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import { indexPath } from '../frame/index-entry.js';
import type { History } from '../replication/history.js';
import { type DumpEnd, uncheckedText } from './checked-dump.js';
import type { DataFiles, DataLock } from './data-files.js';
import { clearLeftovers, hasFrames } from './leftovers.js';
import { bytesOfContent, loadContent } from './load-content.js';
import {
  type Content,
  contentOf,
  dumpOf,
  EMPTY_MANIFEST,
  type Manifest,
  readManifest,
  segmentName,
} from './manifest.js';
import { ManifestKeeper } from './manifest-keeper.js';
import { completeIndex } from './segment-index.js';

/** How a data directory is opened. */
export interface OpenOptions {
  readonly files: DataFiles;
  /** Makes an empty store of so many shards, for a follower. */
  createStore(shards: number): ShardEngine;
  /** Called as files are read, with the bytes until then and those of all. */
  onRead(bytes: number, totalBytes: number): void;
}

/** A directory that this process has, with what was in it. */
export interface OpenedData {
  readonly keeper: ManifestKeeper;
  /** Undefined: there was none. */
  readonly content: { readonly store: ShardEngine; readonly history: History | undefined } | undefined;
  /** Whether nothing was ever kept in it. */
  readonly isNew: boolean;
  /** Whether the history of the content may continue under its own id. */
  readonly isClean: boolean;
  /** Sentences about it for the operator. */
  readonly notes: readonly string[];
}

/**
 * Locks a directory, and makes it where there is none. Throws DATA_IN_USE and WRITE_FAILED.
 */
export async function lockData(files: DataFiles): Promise<DataLock> {
  await asking(files, 'WRITE_FAILED', () => files.prepare());
  const lock = await asking(files, 'WRITE_FAILED', () => files.lock());
  if (lock === undefined) {
    throw new FastcacheError(
      'DATA_IN_USE',
      'Another process has this data directory. Stop that one first, or give this one a directory of its own.',
      { file: files.pathOf('') },
    );
  }
  return lock;
}

/**
 * Reads a directory that is locked. From then on it counts as not closed in order. Throws DATA_DAMAGED,
 * STATE_UNUSABLE, OUT_OF_MEMORY and READ_FAILED.
 */
export function openData(options: OpenOptions): Promise<OpenedData> {
  return asking(options.files, 'READ_FAILED', () => opened(options));
}

async function opened({ files, createStore, onRead }: OpenOptions): Promise<OpenedData> {
  const found = await readManifest(files);
  const manifest = found ?? (await emptyManifest(files));
  const isNew = found === undefined;
  const content = contentOf(manifest);
  const notes: string[] = [];
  const keeper = new ManifestKeeper(files, manifest);
  if (content === undefined) return { keeper, isNew, ...(await begunAnew(files, keeper)) };
  const total = await bytesOfContent(files, content);
  const { keySpace, end, unchecked, differences } = await loadContent({
    files,
    content,
    createStore,
    onRead: (bytes) => onRead(bytes, total),
  });
  const { store, history, newestMs } = keySpace;
  // Nothing was ever written: there is nothing that could continue.
  if (content.base === undefined && newestMs === undefined) {
    return { keeper, isNew, ...(await begunAnew(files, keeper)) };
  }
  for (const { name, offset } of unchecked) {
    const path = files.pathOf(name);
    notes.push(`${indexPath(path)} ${uncheckedText(path, offset)}`);
  }
  notes.push(...differences.map(differenceNote));
  const last = content.segments.at(-1)!;
  const kept = withoutLater(manifest, content, end?.bytes ?? last.bytes ?? 0);
  await asking(files, 'WRITE_FAILED', async () => {
    if (end !== undefined) notes.push(...(await endSegment(files, segmentName(last.number), end)));
    await keeper.update(() => ({ ...kept, isClean: false }));
    notes.push(...(await clearLeftovers(files, manifest, kept)));
  });
  return { keeper, isNew, content: { store, history }, isClean: manifest.isClean, notes };
}

async function begunAnew(
  files: DataFiles,
  keeper: ManifestKeeper,
): Promise<Pick<OpenedData, 'content' | 'isClean' | 'notes'>> {
  const found = keeper.manifest;
  return asking(files, 'WRITE_FAILED', async () => {
    await keeper.update(() => EMPTY_MANIFEST);
    const notes = await clearLeftovers(files, found, EMPTY_MANIFEST);
    return { content: undefined, isClean: false, notes };
  });
}

/** A directory without a manifest is a new one, or has lost it. */
async function emptyManifest(files: DataFiles): Promise<Manifest> {
  const names = (await files.list()).filter((name) => dumpOf(name) !== undefined);
  const hasContent = names.length > 1 || (names[0] !== undefined && (await hasFrames(files, names[0])));
  if (!hasContent) return EMPTY_MANIFEST;
  throw new FastcacheError(
    'STATE_UNUSABLE',
    'It is missing, and there are segments. Put it back, or have `fastcache data repair` make a new directory ' +
      'with another, or move the directory away: the server then begins without data.',
    { file: files.pathOf('manifest') },
  );
}

/** Returns the manifest with the content's last segment sealed, and without what was begun in vain. */
function withoutLater(manifest: Manifest, content: Content, bytes: number): Manifest {
  const last = content.segments.at(-1)!;
  const segments = manifest.segments
    .filter(({ number }) => number <= last.number)
    .map((entry) => (entry.number === last.number ? { ...entry, bytes } : entry));
  return { ...manifest, segments };
}

/** Cuts a segment where it ends, and completes its index; returns what to say of it. */
async function endSegment(
  files: DataFiles,
  name: string,
  { bytes, tear, indexBytes }: DumpEnd,
): Promise<string[]> {
  const notes = tear === undefined ? [] : [await keepTear(files, name, bytes, tear)];
  await files.truncate(name, bytes);
  await completeIndex(files, name, indexBytes);
  return notes;
}

/** Copies what is behind `bytes` beside the segment; returns what to say of it. Throws WRITE_FAILED. */
async function keepTear(files: DataFiles, name: string, bytes: number, why: string): Promise<string> {
  const torn = `${name}.torn`;
  try {
    return await copyTear(files, { name, torn, bytes, why });
  } catch (cause) {
    // A full disk has taken a part of it.
    await files.remove(torn).catch(() => {});
    const message =
      `${files.pathOf(name)} ends in a tear at byte ${bytes}, which is to be kept here before it is cut off: ` +
      `${(cause as Error).message}. Nothing was cut. Make room, or mend the disk, and start again.`;
    throw new FastcacheError('WRITE_FAILED', message, { file: files.pathOf(torn), cause });
  }
}

async function copyTear(
  files: DataFiles,
  { name, torn, bytes, why }: { name: string; torn: string; bytes: number; why: string },
): Promise<string> {
  await files.remove(torn);
  const file = await files.create(torn);
  let cut = 0;
  try {
    for await (const block of files.blocks(name, bytes)) {
      await file.append([block]);
      cut += block.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  // The bytes that are cut off next are then nowhere else.
  await files.syncNames();
  return (
    `${files.pathOf(name)} ended in a tear at byte ${bytes}, as a crash leaves it (${why}): the ${cut} bytes ` +
    `behind it were never synced, do not count, and are kept in ${files.pathOf(torn)}`
  );
}

async function asking<T>(
  files: DataFiles,
  code: 'READ_FAILED' | 'WRITE_FAILED',
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof FastcacheError) throw cause;
    const message = `The data directory cannot be used: ${(cause as Error).message}.`;
    throw new FastcacheError(code, message, { file: files.pathOf(''), cause });
  }
}
