/** Runs `frames cut`, which copies a range or a choice of dumps into a dump of its own. */
import type { FrameFilter } from '../../dump/choose/filter.js';
import { refuseTornSnapshots } from '../../dump/choose/picker.js';
import { cutDump } from '../../dump/make/cut-dump.js';
import { asUsage } from '../command/option-flags.js';
import { untilExit } from '../command/shutdown.js';
import { refuseStdinTwice } from '../command/values.js';
import { type MakingInvocation, madeJson, madeStatus, madeText } from './made-dump.js';
import { noteNothingChosen } from './nothing-chosen.js';
import { ProgressLine } from './progress.js';

/** The arguments and flags of `frames cut`. */
export interface CutInvocation extends MakingInvocation {
  /** Paths of the dumps, cut one after the other; `-` is stdin. */
  files: readonly string[];
  filter: FrameFilter;
  /** The most items that are copied of all files together, or frames where no items can be chosen. */
  limit: number;
  /** Writes a note to stderr. */
  note(text: string): void;
}

/**
 * Cuts the dumps. Resolves with the exit status: 0, or 65 when there was damage. Rejects as `cutDump`, and
 * with a `UsageError`.
 */
export async function runCut(invocation: CutInvocation): Promise<number> {
  const { files, target, force, mode, filter, limit, maxFaults, json, output, terminal, clock, note } =
    invocation;
  refuseStdinTwice(files);
  asUsage(() => refuseTornSnapshots(filter));
  const progress = new ProgressLine(terminal, clock, 'cutting');
  const making = { output: target, force, mode, filter, limit, maxFaults, onProgress: progress.show };
  const cut = await untilExit((signal) => cutDump(files, { ...making, signal })).finally(() =>
    progress.close(),
  );
  const { isSnapshotLeftOut } = cut;
  const notes = isSnapshotLeftOut ? ['the snapshot that --limit ends in is left out'] : [];
  await output.write(json ? madeJson(cut, { snapshotLeftOut: isSnapshotLeftOut }) : madeText(cut, notes));
  noteNothingChosen(filter.isChoice && madeStatus(cut) === 0, cut.frames, note);
  return madeStatus(cut);
}
