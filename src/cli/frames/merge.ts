/** Runs `frames merge`, which merges several dumps into one, by time. */
import { mergeDumps } from '../../dump/make/merge-dumps.js';
import { untilExit } from '../command/shutdown.js';
import { type MakingInvocation, madeJson, madeStatus, madeText } from './made-dump.js';
import { MergeProgressLine } from './progress.js';

/** The arguments and flags of `frames merge`. */
export interface MergeInvocation extends MakingInvocation {
  files: readonly string[];
}

/**
 * Merges the dumps. Resolves with the exit status: 0, or 65 when there was damage. Rejects as `mergeDumps`.
 */
export async function runMerge(invocation: MergeInvocation): Promise<number> {
  const { files, target, force, mode, maxFaults, json, output, terminal, clock } = invocation;
  const progress = new MergeProgressLine(terminal, clock, files);
  const making = { output: target, force, mode, maxFaults, onProgress: progress.show };
  const merged = await untilExit((signal) => mergeDumps(files, { ...making, signal })).finally(() =>
    progress.close(),
  );
  await output.write(json ? madeJson(merged, {}) : madeText(merged, []));
  return madeStatus(merged);
}
