/**
 * Makes a data directory of its own, beside its place, which it takes when it is whole: at no moment is there
 * half a directory, and nothing is ever written over.
 */
import { lstatSync, rmSync } from 'node:fs';
import { mkdtemp, open, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FoldedKeySpace } from '../dump/fold/folded-key-space.js';
import { FastcacheError } from '../errors.js';
import { DEFAULT_FILE_MODE } from '../files/file-mode.js';
import { encodeHelloFrame } from '../frame/hello.js';
import type { History } from '../replication/history.js';
import { proofFrame } from '../replication/link/digest-frames.js';
import type { DataFiles } from './data-files.js';
import { DumpFile } from './dump-file.js';
import { baseName, type Manifest, replaceManifest, segmentName } from './manifest.js';
import { markedPairs } from './segment-proofs.js';
import { markName } from './sync-mark.js';
import { systemDataFiles } from './system-data-files.js';

/**
 * Makes a directory at `target` with what `fill` writes to its files, and with the manifest that this
 * resolves with; resolves with the same. `signal` ends it, and removes what is half written at once. Throws
 * BAD_OPTION where something is there already, WRITE_FAILED, and what `fill` throws; then nothing is left.
 */
export async function makeDirectory<Made extends { readonly manifest: Manifest }>(
  target: string,
  signal: AbortSignal,
  fill: (files: DataFiles) => Promise<Made>,
): Promise<Made> {
  const place = resolve(target);
  refuseExisting(place, target);
  /** The directory that was made here, and is not whole; undefined: none. */
  let partial: string | undefined;
  const discard = () => {
    if (partial !== undefined) rmSync(partial, { recursive: true, force: true });
  };
  signal.addEventListener('abort', discard);
  try {
    // A name that nothing has: another process may have the same id in another container.
    partial = await mkdtemp(`${place}.partial-`);
    if (signal.aborted) discard();
    const files = systemDataFiles(partial, DEFAULT_FILE_MODE);
    const made = await fill(files);
    await replaceManifest(files, made.manifest);
    refuseExisting(place, target);
    await rename(partial, place);
    partial = place;
    const parent = await open(dirname(place));
    await parent.sync().finally(() => parent.close());
    partial = undefined;
    return made;
  } catch (cause) {
    if (cause instanceof FastcacheError || (cause as NodeJS.ErrnoException).code === undefined) throw cause;
    const message = `The directory cannot be written: ${(cause as Error).message}.`;
    throw new FastcacheError('WRITE_FAILED', message, { file: target, cause });
  } finally {
    signal.removeEventListener('abort', discard);
    discard();
  }
}

/** The content that a directory is to begin with. */
export interface BeginningContent {
  readonly keySpace: FoldedKeySpace;
  /** The history of the content, which the one of the server that starts with it continues. */
  readonly history: History;
  /** Unix ms, for the manifest. */
  readonly nowMs: number;
}

/**
 * Fills a directory with content: a base, and the segment that is applied to it, which has no records. Its
 * server begins a history that continues this one where it is.
 */
export async function writeContent(
  files: DataFiles,
  { keySpace, history, nowMs }: BeginningContent,
): Promise<Manifest> {
  const { watermarks, keys, store } = keySpace;
  const margin = new Map(markedPairs(history, store.routing, false));
  const hello = encodeHelloFrame({ role: 'replica', watermarks }, { margin });
  const bytes = await writeDump(files, segmentName(1), [hello]);
  const proof = proofFrame(store, watermarks);
  const rest = proof === undefined ? [] : [proof];
  const baseBytes = await writeDump(files, baseName(1), [hello], keySpace.frames(), rest);
  const madeAtMs = Math.floor(nowMs);
  const { id } = history;
  return {
    isClean: false,
    segments: [{ number: 1, bytes, follows: 'base', history: id, begunAtMs: madeAtMs }],
    bases: [{ number: 1, bytes: baseBytes, segment: 1, history: id, keys, madeAtMs }],
  };
}

/** Writes a dump with its index; resolves with its bytes when it is on the disk. */
export async function writeDump(
  files: DataFiles,
  name: string,
  ...parts: readonly (Iterable<Buffer> | AsyncIterable<Buffer>)[]
): Promise<number> {
  // A dump that is not whole is removed with the whole directory.
  const dump = await DumpFile.create(files, name, async () => {});
  try {
    for (const part of parts) for await (const piece of part) await dump.append([piece]);
    await dump.seal();
    await files.remove(markName(name));
    return dump.bytes;
  } finally {
    await dump.close();
  }
}

function refuseExisting(place: string, target: string): void {
  if (lstatSync(place, { throwIfNoEntry: false }) === undefined) return;
  const message =
    'There is something already: a directory is never written over. Name one that is not there.';
  throw new FastcacheError('BAD_OPTION', message, { file: target });
}
