/**
 * Merges several dumps into one, by time. It holds a chunk and a frame of each dump, however long it is. The
 * order within a dump is kept, whatever its times are.
 */
import { statSync } from 'node:fs';
import { FastcacheError } from '../../errors.js';
import { dumpName } from '../read/dump-reader.js';
import { type MadeDump, type Making, type MakingOptions, makeDump } from './made-dump.js';
import { MergeSource } from './merge-source.js';

/**
 * Copies the frames of all dumps, byte for byte, to `output`, by the time of each batch's first record.
 * `files` are paths of regular files: a frame without a time of its own is placed by reading ahead. Damage,
 * and all of a snapshot of which anything is lost, is left out and returned. Rejects with `NO_INPUT`,
 * `READ_FAILED`, `BAD_OPTION` (also for a pipe), `WRITE_FAILED`; then no file is left.
 *
 * ```js
 * await mergeDumps(['monday.fcrp', 'tuesday.fcrp'], { output: 'both.fcrp' });
 * ```
 */
export async function mergeDumps(files: readonly string[], options: MakingOptions): Promise<MadeDump> {
  for (const file of files) refusePipe(file);
  return makeDump(files, options, (making) => mergeInto(files, making));
}

async function mergeInto(files: readonly string[], making: Making): Promise<MergeSource[]> {
  const { written: output, maxFaults, signal, onRead } = making;
  const sources = files.map(
    (file) => new MergeSource(file, { output, maxFaults, signal, onRead: (bytes) => onRead(file, bytes) }),
  );
  try {
    for (const source of sources) await source.start();
    for (let next = earliest(sources); next !== undefined; next = earliest(sources)) {
      do {
        await next.take();
      } while (next.isInSnapshot);
    }
    return sources;
  } finally {
    for (const source of sources) await source.close();
  }
}

/** Returns the source with the earliest time; among equal ones, the one that was named first. */
function earliest(sources: readonly MergeSource[]): MergeSource | undefined {
  let first: MergeSource | undefined;
  for (const source of sources) {
    if (!source.isOver && (first === undefined || source.timeMs < first.timeMs)) first = source;
  }
  return first;
}

function refusePipe(file: string): void {
  if (file !== '-' && statSync(file, { throwIfNoEntry: false })?.isFIFO() !== true) return;
  throw new FastcacheError('BAD_OPTION', 'Merging looks ahead in each dump: it takes files, not pipes.', {
    file: dumpName(file),
  });
}
