/** Reads what a data directory has, or had at a moment, for tools: nothing of it is changed or locked. */
import { foldedKeySpace } from '../dump/fold/fold-dump.js';
import type { FoldedKeySpace } from '../dump/fold/folded-key-space.js';
import { ToolStores } from '../dump/fold/tool-stores.js';
import type { DumpProgress } from '../dump/read/dump-reader.js';
import { FastcacheError } from '../errors.js';
import { DEFAULT_FILE_MODE } from '../files/file-mode.js';
import type { History } from '../replication/history.js';
import { hasReached } from '../replication/watermarks.js';
import { damagedData } from './checked-dump.js';
import type { DataFiles } from './data-files.js';
import { nothingThen, readDirectory, readingIn } from './directory-dumps.js';
import { loadContent } from './load-content.js';
import { findLoss, type Loss, type SoughtValue } from './lost-value.js';
import { type Manifest, segmentName } from './manifest.js';
import { chainsOf, contentChoices, manifestThen, manifestUpTo, mayShowElse } from './past-manifest.js';
import { readBeginning, SegmentFault } from './segment-beginning.js';
import { systemDataFiles } from './system-data-files.js';

/** A moment of a directory; with nothing set it is now. */
export interface Moment {
  /** Unix ms. */
  readonly atMs?: bigint | undefined;
  /** The sequence that each shard had come to; the index is the shard. */
  readonly watermarks?: readonly bigint[] | undefined;
  /** Right before the last change by which this value was lost. */
  readonly before?: SoughtValue | undefined;
}

/** The content of a directory at a moment. */
export interface PastContent {
  /** With the keys that had expired by then. */
  readonly keySpace: FoldedKeySpace;
  /** The history of which it is; undefined where there was nothing. */
  readonly history: History | undefined;
  /** The change right before which it is, where one was looked for. */
  readonly loss: Loss | undefined;
  /** Damage that the content does without: behind the moment, or in a base in whose place an older one is. */
  readonly damage: readonly FastcacheError[];
  /** The shards that are not what the digests in the files say, each once, with file and offset. */
  readonly differences: readonly FastcacheError[];
}

/** The part of a directory that is read, and how far. */
interface Part {
  readonly manifest: Manifest;
  readonly untilMs?: bigint | undefined;
  readonly endWatermarks?: readonly bigint[] | undefined;
  readonly loss?: Loss | undefined;
}

/**
 * Reads the content of a directory at a moment. Throws NO_INPUT, READ_FAILED and STATE_UNUSABLE for what is
 * no directory; BAD_OPTION where it has nothing of that moment; DATA_DAMAGED for damage that lies before it;
 * and OUT_OF_MEMORY.
 */
export async function readPast(
  directory: string,
  moment: Moment,
  onProgress: (progress: DumpProgress) => void,
): Promise<PastContent> {
  const files = systemDataFiles(directory, DEFAULT_FILE_MODE);
  const manifest = await readDirectory(directory);
  return readingIn(directory, async () => {
    const part = await partAt(files, manifest, moment, (name, bytes) =>
      onProgress({ stage: 'reading', source: files.pathOf(name), bytes }),
    );
    return readPart(directory, part, files, onProgress);
  });
}

async function readPart(
  directory: string,
  { manifest, untilMs, endWatermarks, loss }: Part,
  files: DataFiles,
  onProgress: (progress: DumpProgress) => void,
): Promise<PastContent> {
  const limits = { untilMs, endWatermarks };
  let fault = nothingThen(directory);
  const passedOver: FastcacheError[] = [];
  for (const content of contentChoices(manifest)) {
    const stores = new ToolStores();
    try {
      const { keySpace, damage, differences } = await loadContent({
        files,
        content,
        limits,
        createStore: (shards) => stores.create(shards),
        onRead: (bytes) => onProgress({ stage: 'reading', source: directory, bytes }),
      });
      const { watermarks, history } = keySpace;
      if (endWatermarks !== undefined && watermarks.join() !== endWatermarks.join()) {
        throw unreached(directory, watermarks);
      }
      return {
        keySpace: foldedKeySpace(stores, keySpace, untilMs ?? loss?.timeMs),
        history,
        loss,
        damage: [...passedOver, ...damage],
        differences,
      };
    } catch (error) {
      // An older base may show it: a base does not say itself at which watermarks it is.
      if (!(error instanceof FastcacheError) || !mayShowElse(files, content, error)) throw error;
      fault = error;
      if (error.code === 'DATA_DAMAGED') passedOver.push(error);
    }
  }
  throw fault;
}

async function partAt(
  files: DataFiles,
  manifest: Manifest,
  { atMs, watermarks, before }: Moment,
  onRead: (name: string, bytes: number) => void,
): Promise<Part> {
  if (atMs !== undefined) return { manifest: await manifestThen(files, manifest, atMs), untilMs: atMs };
  if (watermarks !== undefined) {
    const number = await lastSegmentAt(files, manifest, watermarks);
    return { manifest: manifestUpTo(manifest, number), endWatermarks: watermarks };
  }
  if (before === undefined) return { manifest };
  const loss = await findLoss(files, manifest, before, onRead);
  if (loss === undefined) throw neverLost(files.pathOf(''));
  return { manifest: manifestUpTo(manifest, loss.segment), endWatermarks: loss.watermarks, loss };
}

/** Returns the last segment of the newest chain that begins at or before these watermarks; 0: none does. */
async function lastSegmentAt(
  files: DataFiles,
  { segments }: Manifest,
  watermarks: readonly bigint[],
): Promise<number> {
  let shards: number | undefined;
  for (const chain of chainsOf(segments).reverse()) {
    for (const { number } of chain.reverse()) {
      const begun = await beginningOf(files, number);
      if (begun.length === watermarks.length && hasReached(watermarks, begun)) return number;
      shards ??= begun.length;
    }
  }
  if (shards === undefined || shards === watermarks.length) return 0;
  const message = `There must be a watermark for each shard: expected ${shards}, found ${watermarks.length}.`;
  throw new FastcacheError('BAD_OPTION', message, { expected: shards, found: watermarks.length });
}

async function beginningOf(files: DataFiles, number: number): Promise<ArrayLike<bigint>> {
  try {
    return (await readBeginning(files, number)).watermarks;
  } catch (error) {
    throw error instanceof SegmentFault
      ? damagedData(error.message, files.pathOf(segmentName(number)))
      : error;
  }
}

function unreached(directory: string, watermarks: readonly bigint[]): FastcacheError {
  const message =
    `The directory was never at these watermarks: from what is before, it came to ${watermarks.join()}. ` +
    '`fastcache data ls` shows what it has.';
  return new FastcacheError('BAD_OPTION', message, { file: directory });
}

function neverLost(directory: string): FastcacheError {
  const message =
    'In all that the directory has, such a value of this key was never deleted or overwritten: look with ' +
    '`fastcache frames decode --key KEY DIR` what was written.';
  return new FastcacheError('BAD_OPTION', message, { file: directory });
}
