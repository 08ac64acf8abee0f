/**
 * `frames cut`: a range or a filter of dumps as a dump of its own. Damage is stepped over and told, as `frames salvage` does,
 * for nobody can say what stood there.
 */

import { BatchCheck } from '../../dump/check/batch-check.js';
import { FrameCheck } from '../../dump/check/frame-check.js';
import type { FrameFilter } from '../../dump/choose/filter.js';
import { FramePicker } from '../../dump/choose/picker.js';
import { DumpOutput } from '../../dump/make/dump-output.js';
import { DumpLosses } from '../../dump/make/losses.js';
import { DumpSalvager } from '../../dump/make/salvager.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import { walkChunks } from '../../dump/read/walk.js';
import { EXIT_BAD_FRAMES } from '../../errors.js';
import { asUsage } from '../command/option-flags.js';
import { refuseStdinTwice } from '../command/values.js';
import { ReadProgress } from '../terminal/read-progress.js';
import { madeJson, madeText, type ReadDump } from './made-dump.js';
import { type MakingOptions, verifyWritten } from './written-dump.js';

export interface CutOptions extends MakingOptions {
  /** `-` is stdin. They are cut one after the other. */
  files: readonly string[];
  filter: FrameFilter;
  /** Of all files together: items, or frames where no items can be chosen. Behind the last nothing is read. */
  limit: number;
}

/**
 * Resolves with the exit status: 0, or 65 when there was damage. Throws `NO_INPUT`, `READ_FAILED`, `BAD_OPTION`,
 * `WRITE_FAILED`, and a `UsageError` for what cannot be cut; then no file is left.
 */
export async function cutDumps(options: CutOptions): Promise<number> {
  const { files, target, force, filter, limit, json, output } = options;
  refuseStdinTwice(files);
  const picker = asUsage(() => new FramePicker(filter, limit));
  const written = new DumpOutput(files, target, force);
  try {
    const read: ReadDump[] = [];
    let isSnapshotLeftOut = false;
    for (const file of files) {
      if (isOver(picker)) break;
      const cut = await cutDump(file, written, picker, options);
      read.push({ file: dumpName(file), losses: cut.losses });
      isSnapshotLeftOut = cut.isSnapshotLeftOut;
    }
    const dump = await verifyWritten(written, options);
    written.finish();
    const notes = isSnapshotLeftOut ? ['the snapshot that --limit ends in is left out'] : [];
    await output.write(
      json
        ? madeJson({ target, dump, read, more: { snapshotLeftOut: isSnapshotLeftOut } })
        : madeText({ target, dump, read, notes }),
    );
    return read.every(({ losses }) => losses.count === 0) ? 0 : EXIT_BAD_FRAMES;
  } finally {
    written.discard();
  }
}

function isOver(picker: FramePicker, salvager?: DumpSalvager): boolean {
  return picker.isFull || (picker.isAtLimit && salvager?.isInSnapshot !== true);
}

async function cutDump(
  file: string,
  written: DumpOutput,
  picker: FramePicker,
  { maxFaults, terminal, clock }: CutOptions,
): Promise<{ losses: DumpLosses; isSnapshotLeftOut: boolean }> {
  const losses = new DumpLosses(maxFaults);
  let isSnapshotLeftOut = false;
  const check = new FrameCheck(new BatchCheck());
  const salvager = new DumpSalvager(
    check,
    written,
    (loss) => {
      if (picker.isFull) isSnapshotLeftOut = true;
      else losses.add(loss);
    },
    (frame) => picker.pick(frame, check),
  );
  const progress = new ReadProgress(terminal, clock, 'cutting', file);
  const onRead = (bytes: number) => progress.read(bytes);
  try {
    walk: for await (const stretches of walkChunks({ file, checks: check, onRead })) {
      for (const stretch of stretches) {
        if (stretch.type === 'damage' || picker.takes(stretch.frame.header.kind)) salvager.take(stretch);
        if (isOver(picker, salvager)) break walk;
      }
    }
  } finally {
    progress.close();
  }
  salvager.end();
  return { losses, isSnapshotLeftOut };
}
