/** `frames merge`: several dumps as one, by time. */
import { mergeDumps } from '../../dump/make/merge-dumps.js';
import { untilExit } from '../command/shutdown.js';
import { type MakingInvocation, madeJson, madeStatus, madeText } from './made-dump.js';
import { MergeProgressLine } from './progress.js';

/** What `frames merge` is asked for. */
export interface MergeInvocation extends MakingInvocation {
  files: readonly string[];
}

/** Resolves with the exit status: 0, or 65 when there was damage. Rejects as `mergeDumps`. */
export async function runMerge(invocation: MergeInvocation): Promise<number> {
  const { files, target, force, maxFaults, json, output, terminal, clock } = invocation;
  const progress = new MergeProgressLine(terminal, clock, files);
  const making = { output: target, force, maxFaults, onProgress: progress.show };
  const merged = await untilExit((signal) => mergeDumps(files, { ...making, signal })).finally(() =>
    progress.close(),
  );
  await output.write(json ? madeJson(merged, {}) : madeText(merged, []));
  return madeStatus(merged);
}
