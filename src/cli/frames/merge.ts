/**
 * `frames merge`: several dumps as one, by time. Held are of each dump a chunk and a frame, however long they are. The order
 * within a dump is kept, whatever its times say.
 */
import { statSync } from 'node:fs';
import { DumpOutput } from '../../dump/make/dump-output.js';
import { MergeSource } from '../../dump/make/merge-source.js';
import { EXIT_BAD_FRAMES, FastcacheError } from '../../errors.js';
import { ReadProgress } from '../terminal/read-progress.js';
import { madeJson, madeText } from './made-dump.js';
import { type MakingOptions, verifyWritten } from './written-dump.js';

export interface MergeOptions extends MakingOptions {
  /** Files, for what has no time of its own is placed by looking ahead. */
  files: readonly string[];
}

/**
 * Resolves with the exit status: 0, or 65 when there was damage. Throws `NO_INPUT`, `READ_FAILED`, `BAD_OPTION`,
 * `WRITE_FAILED`; then no file is left.
 */
export async function mergeDumps(options: MergeOptions): Promise<number> {
  const { files, target, force, json, output } = options;
  for (const file of files) refusePipe(file);
  const written = new DumpOutput(files, target, force);
  try {
    const sources = await mergeInto(written, options);
    const dump = await verifyWritten(written, options);
    written.finish();
    const made = { target, dump, read: sources };
    await output.write(json ? madeJson({ ...made, more: {} }) : madeText({ ...made, notes: [] }));
    return sources.every(({ losses }) => losses.count === 0) ? 0 : EXIT_BAD_FRAMES;
  } finally {
    written.discard();
  }
}

async function mergeInto(output: DumpOutput, options: MergeOptions): Promise<MergeSource[]> {
  const { files, maxFaults, terminal, clock } = options;
  const progress = new ReadProgress(terminal, clock, 'merging', ...files);
  const readBytes = files.map(() => 0);
  const sources = files.map((file, index) => {
    const onRead = (bytes: number) => {
      readBytes[index] = bytes;
      progress.read(readBytes.reduce((sum, each) => sum + each, 0));
    };
    return new MergeSource(file, { output, maxFaults, onRead });
  });
  try {
    for (const source of sources) await source.start();
    for (let next = earliest(sources); next !== undefined; next = earliest(sources)) {
      do {
        await next.take();
      } while (next.isInSnapshot);
    }
    return sources;
  } finally {
    progress.close();
    for (const source of sources) await source.close();
  }
}

/** Of those that are equally early, the one that was named first. */
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
    file: file === '-' ? 'stdin' : file,
  });
}
