/** Loads the content of a data directory: its newest base, and what its segments add to it. */

import type { DumpLimits } from '../dump/choose/batch-limit.js';
import { ContentProof } from '../dump/fold/content-proof.js';
import { type KeySpace, KeySpaceFold } from '../dump/fold/key-space-fold.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import { type DamagedPlace, damageBehind, isAllLater } from './behind-damage.js';
import { asDamage, CheckedDump, type DumpEnd, type DumpToRead, damagedData } from './checked-dump.js';
import type { DataFiles } from './data-files.js';
import { baseName, type Content, segmentName } from './manifest.js';

/** The directory that is loaded, and the store for its content. */
export interface LoadContentOptions {
  readonly files: DataFiles;
  readonly content: Content;
  /** How far it is loaded; all of it when absent. */
  readonly limits?: DumpLimits | undefined;
  /** Makes an empty store of so many shards, for a follower. */
  createStore(shards: number): ShardEngine;
  /** Called as files are read, with the bytes of all of them until then. */
  onRead(bytes: number): void;
}

/** The content, and where the last segment ends if that was not sealed. */
export interface LoadedContent {
  readonly keySpace: KeySpace;
  /** Undefined: the last segment was sealed. */
  readonly end: DumpEnd | undefined;
  /** Damage that lies behind the limits: the content is whole without it. */
  readonly damage: readonly FastcacheError[];
  /** Dumps in which a changed value would not have been noticed, from that offset on. */
  readonly unchecked: readonly { readonly name: string; readonly offset: number }[];
  /** The shards that are not what the digests in the files say, each once, with file and offset. */
  readonly differences: readonly FastcacheError[];
}

/** Returns the bytes of the files of which content is made. */
export async function bytesOfContent(files: DataFiles, content: Content): Promise<number> {
  let bytes = 0;
  for (const name of namesOf(content)) bytes += (await files.size(name)) ?? 0;
  return bytes;
}

/**
 * Loads content. Throws DATA_DAMAGED, with file and offset, for whatever is not as it was written and no tear
 * at the very end, unless it lies behind the limits; BAD_OPTION, where the files do not show what was there
 * at the limits; OUT_OF_MEMORY; and system errors.
 */
export async function loadContent(options: LoadContentOptions): Promise<LoadedContent> {
  const { files, content, limits = {}, createStore, onRead } = options;
  const differences: FastcacheError[] = [];
  const proof = new ContentProof((fault) => differences.push(fault));
  const fold = new KeySpaceFold({
    createStore,
    // The manifest says when a base was made.
    isTimed: true,
    totalBytes: content.base?.bytes,
    proof,
    ...limits,
  });
  const { base, segments } = content;
  const dumps = [
    ...(base === undefined ? [] : [{ name: baseName(base.number), bytes: base.bytes }]),
    ...segments.map(({ number, bytes }) => ({ name: segmentName(number), bytes })),
  ];
  let bytesBefore = 0;
  let end: DumpEnd | undefined;
  const damage: FastcacheError[] = [];
  const unchecked: { name: string; offset: number }[] = [];
  for (const [at, dump] of dumps.entries()) {
    const path = files.pathOf(dump.name);
    if (dump.bytes === null && at < dumps.length - 1) {
      throw damagedData('it was never sealed, and another segment follows it', path);
    }
    const checked = new CheckedDump(files, dump);
    let bytes = 0;
    try {
      await placed(path, () =>
        checked.frames(
          (frame) => fold.take(frame, path),
          (read) => {
            bytes = read;
            onRead(bytesBefore + read);
          },
        ),
      );
    } catch (error) {
      const isLast = at === dumps.length - 1;
      const place = isLast ? placeOf(dump, error) : undefined;
      if (place === undefined) throw error;
      const isPast = fold.hasReachedWatermarks || (await isAllPast(files, place, limits));
      if (!isPast) throw error;
      damage.push(error as FastcacheError);
      for await (const other of damageBehind(files, place)) damage.push(other);
    }
    bytesBefore += bytes;
    const { uncheckedFrom: offset } = checked;
    if (offset !== undefined) unchecked.push({ name: dump.name, offset });
    if (dump.bytes === null) end = checked.end;
  }
  const keySpace = await placed(files.pathOf(dumps.at(-1)!.name), () => fold.finish());
  return { keySpace, end, damage, unchecked, differences };
}

function namesOf({ base, segments }: Content): string[] {
  const names = segments.map(({ number }) => segmentName(number));
  return base === undefined ? names : [baseName(base.number), ...names];
}

/** Returns where a fault says that a dump is damaged; undefined: it is another fault. */
function placeOf(dump: DumpToRead, error: unknown): DamagedPlace | undefined {
  if (!(error instanceof FastcacheError) || error.code !== 'DATA_DAMAGED') return undefined;
  return error.offset === undefined ? undefined : { ...dump, offset: error.offset };
}

/** Whether nothing lies behind damage that is of the time of the limits. */
async function isAllPast(files: DataFiles, place: DamagedPlace, { untilMs }: DumpLimits): Promise<boolean> {
  return untilMs !== undefined && isAllLater(files, place, untilMs);
}

/** Runs a part of the loading; a fault of frames is one of the directory, in a file of it. */
async function placed<T>(path: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asDamage(error, path);
  }
}
