/**
 * Loads what a data directory had at a moment, for a server. Nothing of it is locked or changed: another
 * server may have it (docs/operations.md, "Data directory").
 */
import type { KeySpace } from '../dump/fold/key-space-fold.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import type { DataFiles } from './data-files.js';
import { noDirectory, nothingThen } from './directory-dumps.js';
import { bytesOfContent, loadContent } from './load-content.js';
import { readManifest } from './manifest.js';
import { contentChoices, manifestThen, mayShowElse } from './past-manifest.js';

/** The directory that is loaded, and the store for its content. */
export interface PastOptions {
  readonly files: DataFiles;
  /** Unix ms. */
  readonly untilMs: number;
  /** Makes an empty store of so many shards, for a follower. */
  createStore(shards: number): ShardEngine;
  /** Called as files are read, with the bytes until then and those of all. */
  onRead(bytes: number, totalBytes: number): void;
}

/** The content that was loaded. */
export interface LoadedPast {
  readonly keySpace: KeySpace;
  /** Damage that the content does without: behind the moment, or in a base in whose place an older one is. */
  readonly damage: readonly FastcacheError[];
  /** The shards that are not what the digests in the files say, each once, with file and offset. */
  readonly differences: readonly FastcacheError[];
}

/**
 * Loads the content of a moment. Throws NO_INPUT where there is no directory, BAD_OPTION where it has nothing
 * of that time, and as `loadContent`.
 */
export async function loadPast({ files, untilMs, createStore, onRead }: PastOptions): Promise<LoadedPast> {
  const manifest = await readManifest(files);
  const directory = files.pathOf('');
  if (manifest === undefined) throw noDirectory(directory);
  const limits = { untilMs: BigInt(untilMs) };
  let fault = nothingThen(directory);
  const passedOver: FastcacheError[] = [];
  for (const content of contentChoices(await manifestThen(files, manifest, limits.untilMs))) {
    const total = await bytesOfContent(files, content);
    try {
      const read = (bytes: number) => onRead(bytes, total);
      const loaded = await loadContent({ files, content, createStore, onRead: read, limits });
      const { keySpace, damage, differences } = loaded;
      return { keySpace, damage: [...passedOver, ...damage], differences };
    } catch (error) {
      // No record proves that a base is of before that time: an older one, with more records, may show it.
      if (!(error instanceof FastcacheError) || !mayShowElse(files, content, error)) throw error;
      fault = error;
      if (error.code === 'DATA_DAMAGED') passedOver.push(error);
    }
  }
  throw fault;
}
