/** `frames cut`: a range or a filter of dumps as a dump of its own. */
import type { FrameFilter } from '../../dump/choose/filter.js';
import { refuseTornSnapshots } from '../../dump/choose/picker.js';
import { cutDump } from '../../dump/make/cut-dump.js';
import { asUsage } from '../command/option-flags.js';
import { untilExit } from '../command/shutdown.js';
import { refuseStdinTwice } from '../command/values.js';
import { type MakingInvocation, madeJson, madeStatus, madeText } from './made-dump.js';
import { ProgressLine } from './progress.js';

/** What `frames cut` is asked for. */
export interface CutInvocation extends MakingInvocation {
  /** `-` is stdin. They are cut one after the other. */
  files: readonly string[];
  filter: FrameFilter;
  /** Items of all files together, or frames where no items can be chosen. */
  limit: number;
}

/**
 * Resolves with the exit status: 0, or 65 when there was damage. Rejects as `cutDump`, and with a
 * `UsageError`.
 */
export async function runCut(invocation: CutInvocation): Promise<number> {
  const { files, target, force, filter, limit, maxFaults, json, output, terminal, clock } = invocation;
  refuseStdinTwice(files);
  asUsage(() => refuseTornSnapshots(filter));
  const progress = new ProgressLine(terminal, clock, 'cutting');
  const making = { output: target, force, filter, limit, maxFaults, onProgress: progress.show };
  const cut = await untilExit((signal) => cutDump(files, { ...making, signal })).finally(() =>
    progress.close(),
  );
  const { isSnapshotLeftOut } = cut;
  const notes = isSnapshotLeftOut ? ['the snapshot that --limit ends in is left out'] : [];
  await output.write(json ? madeJson(cut, { snapshotLeftOut: isSnapshotLeftOut }) : madeText(cut, notes));
  return madeStatus(cut);
}
