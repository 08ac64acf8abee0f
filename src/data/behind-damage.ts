/** The entries in a dump's index of the frames from a damaged one on, and which of those are damaged, too. */
import { FastcacheError } from '../errors.js';
import { INDEX_ENTRY_BYTES, IndexEntries } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { Indexer } from '../frame-index/indexer.js';
import type { DataFiles } from './data-files.js';
import { SegmentIndex } from './segment-index.js';
import { storedEntries } from './stored-entries.js';
import { readMark } from './sync-mark.js';

/** Where the dump is damaged. */
export interface DamagedPlace {
  readonly name: string;
  /** Its length; null: it was not sealed. */
  readonly bytes: number | null;
  /** The offset of the damaged frame. */
  readonly offset: number;
}

/**
 * Whether the index knows of all frames from the damaged one on that they have no record of `untilMs`, Unix
 * ms, or before. Rejects with system errors.
 */
export async function isAllLater(files: DataFiles, place: DamagedPlace, untilMs: bigint): Promise<boolean> {
  const { name, bytes, offset } = place;
  let covered = 0;
  for await (const entries of entriesOf(files, place)) {
    for (let index = 0; index < entries.length; index += 1) {
      if (entries.offset(index) >= offset && !isLater(entries, index, untilMs)) return false;
    }
    covered = entries.end(entries.length - 1);
  }
  // Of a dump that was not sealed, index and seals have all that was surely synced.
  return covered > offset && (bytes === null ? covered >= (await readMark(files, name)) : covered === bytes);
}

/**
 * Yields a fault for each frame behind the damaged one that is not what the index says, as far as that goes.
 * Rejects with system errors.
 */
export async function* damageBehind(
  files: DataFiles,
  place: DamagedPlace,
): AsyncGenerator<FastcacheError, void, void> {
  const { name, offset } = place;
  const blocks = files.blocks(name, offset)[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let at = offset;
  let indexer: Indexer | undefined;
  try {
    for await (const entries of entriesOf(files, place)) {
      for (let index = 0; index < entries.length; index += 1) {
        if (entries.offset(index) < offset) continue;
        // An index that does not fit the damaged frame says nothing of the others.
        if (entries.offset(index) !== at) return;
        const length = entries.bytes(index);
        while (held.length < length) {
          const { value, done } = await blocks.next();
          if (done === true) break;
          held = Buffer.concat([held, value]);
        }
        if (indexer?.frameStart !== at) {
          indexer?.close();
          indexer = new Indexer(at);
        }
        const made = indexer.push(held.subarray(0, length));
        const isWhole = made.length >= INDEX_ENTRY_BYTES && lastOf(made).hash(0) === entries.hash(index);
        if (!isWhole && at > offset) yield damagedFrame(files.pathOf(name), at, length);
        at += length;
        held = held.subarray(length);
      }
    }
  } finally {
    indexer?.close();
    await blocks.return?.();
  }
}

/** Yields what is known of the frames of a dump, as far as that goes. */
async function* entriesOf(
  files: DataFiles,
  { name, bytes }: DamagedPlace,
): AsyncGenerator<IndexEntries, void, void> {
  if (bytes === null) yield* new SegmentIndex(files, name).entries();
  else for await (const entries of storedEntries(files, name)) yield new IndexEntries(entries);
}

function lastOf(made: Buffer): IndexEntries {
  return new IndexEntries(made.subarray(made.length - INDEX_ENTRY_BYTES));
}

function damagedFrame(file: string, offset: number, bytes: number): FastcacheError {
  const message = `It is damaged: a frame of ${bytes} bytes is not what its index says.`;
  return new FastcacheError('DATA_DAMAGED', message, { file, offset });
}

function isLater(entries: IndexEntries, index: number, untilMs: bigint): boolean {
  if (entries.kind(index) !== FrameKind.MutationBatch) return true;
  return entries.isKnown(index) && (entries.count(index) === 0 || entries.earliestMs(index) > untilMs);
}
