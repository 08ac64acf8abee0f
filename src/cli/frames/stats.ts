/**
 * Runs `frames stats` and `frames decode --stats`, which count what dumps hold and write the counts of each
 * one at its end.
 */
import { countFrames, type DumpCounts } from '../../dump/count/count-dump.js';
import { dumpName, readDumpChunks } from '../../dump/read/dump-reader.js';
import { FollowedDump } from '../../dump/read/follow.js';
import { refuseStdinTwice } from '../command/values.js';
import { statsRenderings } from '../rendering/stats.js';
import { ReadProgress } from '../terminal/read-progress.js';
import type { ShowInvocation } from './decode.js';
import { noteNothingChosen } from './nothing-chosen.js';

/**
 * Writes the counts of all files; resolves with the exit status: that of the first fault, 0 when there was
 * none.
 */
export async function runStats(invocation: ShowInvocation): Promise<number> {
  const { files, format, filter, follow, maxPayloadBytes, output, report, note } = invocation;
  refuseStdinTwice(files);
  const rendering = statsRenderings[format](files.length > 1 || follow !== undefined);
  let left = invocation.limit;
  let status = 0;
  let counted = 0;
  await output.write(rendering.begin);
  for (const file of files) {
    const dump = follow && new FollowedDump(file, { ...follow, maxPayloadBytes });
    do {
      if (left === 0) break;
      await output.write(rendering.beginFile(dumpName(file)));
      const chunks = dump?.chunks() ?? readDumpChunks(file, { maxPayloadBytes });
      const counts = await countFile(file, chunks, left, invocation);
      const { records, entries, frames } = counts.total;
      const shown = filter.mayShowItems ? records + entries : frames;
      counted += shown;
      left -= shown;
      await output.write(rendering.counts(counts));
      if (counts.fault === undefined) continue;
      const faultStatus = await report(counts.fault);
      status ||= faultStatus;
    } while (dump?.goesOn);
  }
  await output.write(rendering.end);
  noteNothingChosen(filter.isChoice && status === 0, counted, note);
  return status;
}

async function countFile(
  file: string,
  chunks: Parameters<typeof countFrames>[0],
  limit: number,
  { filter, follow, terminal, clock }: ShowInvocation,
): Promise<DumpCounts> {
  const progress = follow === undefined ? new ReadProgress(terminal, clock, 'counting', file) : undefined;
  try {
    const onRead = (bytes: number) => progress?.read(bytes);
    return await countFrames(chunks, { filter, limit, file: dumpName(file), onRead });
  } finally {
    progress?.close();
  }
}
