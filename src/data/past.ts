/**
 * Loads what a data directory had at a moment. Nothing of it is locked or changed: a server may have it
 * (docs/operations.md, "A look at the past").
 */
import type { KeySpace } from '../dump/fold/key-space-fold.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import type { DataFiles } from './data-files.js';
import { bytesOfContent, loadContent } from './load-content.js';
import { contentsAt, readManifest } from './manifest.js';

/** What is loaded, and into what. */
export interface PastOptions {
  readonly files: DataFiles;
  /** Unix ms. */
  readonly untilMs: number;
  /** Makes an empty store of so many shards, for a follower. */
  createStore(shards: number): ShardEngine;
  /** Called as files are read, with the bytes until then and those of all. */
  onRead(bytes: number, totalBytes: number): void;
}

/**
 * Loads the content of a moment. Throws NO_INPUT where there is no directory, BAD_OPTION where it has nothing
 * of that time, and as `loadContent`.
 */
export async function loadPast({ files, untilMs, createStore, onRead }: PastOptions): Promise<KeySpace> {
  const manifest = await readManifest(files);
  if (manifest === undefined) {
    const message = 'This is no data directory: it has no manifest.';
    throw new FastcacheError('NO_INPUT', message, { file: files.pathOf('') });
  }
  const limits = { untilMs: BigInt(untilMs) };
  let untimed: FastcacheError | undefined;
  for (const content of contentsAt(manifest, limits.untilMs)) {
    const total = await bytesOfContent(files, content);
    try {
      const read = (bytes: number) => onRead(bytes, total);
      return (await loadContent({ files, content, createStore, onRead: read, limits })).keySpace;
    } catch (error) {
      // No record proves that a base is of before that time: an older one, with more records, may show it.
      if (!(error instanceof FastcacheError) || error.code !== 'BAD_OPTION') throw error;
      untimed = error;
    }
  }
  const message = 'The directory has nothing of that time: `fastcache data ls` shows what it has.';
  throw untimed ?? new FastcacheError('BAD_OPTION', message, { file: files.pathOf('') });
}
