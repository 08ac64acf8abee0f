/** `frames salvage`: copies what is whole of a damaged dump to another, and says what was lost. */

import { BatchCheck } from '../../dump/check/batch-check.js';
import { FrameCheck } from '../../dump/check/frame-check.js';
import { DumpOutput } from '../../dump/make/dump-output.js';
import { DumpLosses } from '../../dump/make/losses.js';
import { DumpSalvager } from '../../dump/make/salvager.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import { walkDump } from '../../dump/read/walk.js';
import { EXIT_BAD_FRAMES } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import { ReadProgress } from '../terminal/read-progress.js';
import { countText } from '../terminal/text.js';
import { lossesJson, lossLines } from './losses.js';
import {
  type MakingOptions,
  remainingJson,
  remainingLines,
  verifyWritten,
  type WrittenDump,
} from './written-dump.js';

export interface SalvageOptions extends MakingOptions {
  /** `-` is stdin. */
  input: string;
}

/**
 * Resolves with the exit status: 0 when nothing was lost, 65 when something was. Throws `NO_INPUT`, `READ_FAILED`,
 * `BAD_OPTION`, `WRITE_FAILED`; then no file is left.
 */
export async function salvageDump(options: SalvageOptions): Promise<number> {
  const { input, target, force, json, output } = options;
  const written = new DumpOutput([input], target, force);
  try {
    const losses = await salvageInto(written, options);
    const dump = await verifyWritten(written, options);
    written.finish();
    await output.write(
      json ? `${toJson(salvagedJson(dump, losses, options))}\n` : salvagedText(dump, losses, options),
    );
    return losses.count === 0 ? 0 : EXIT_BAD_FRAMES;
  } finally {
    written.discard();
  }
}

async function salvageInto(written: DumpOutput, options: SalvageOptions): Promise<DumpLosses> {
  const { input, maxFaults, terminal, clock } = options;
  const losses = new DumpLosses(maxFaults);
  const check = new FrameCheck(new BatchCheck());
  const salvager = new DumpSalvager(check, written, (loss) => losses.add(loss));
  const progress = new ReadProgress(terminal, clock, 'salvaging', input);
  try {
    await walkDump({
      file: input,
      checks: check,
      onStretch: (stretch) => salvager.take(stretch),
      onRead: (bytes) => progress.read(bytes),
    });
  } finally {
    progress.close();
  }
  salvager.end();
  return losses;
}

function salvagedJson(dump: WrittenDump, losses: DumpLosses, { input, target }: SalvageOptions): object {
  const { frames, bytes } = dump;
  return { input: dumpName(input), target, frames, bytes, ...lossesJson(losses), ...remainingJson(dump) };
}

function salvagedText(dump: WrittenDump, losses: DumpLosses, { input, target }: SalvageOptions): string {
  const kept = `${countText(dump.frames, 'frame', 'frames')}, ${countText(dump.bytes, 'byte', 'bytes')}`;
  const lines = [
    `${escapeText(target)}: ${kept} of ${escapeText(dumpName(input))}`,
    ...lossLines(losses),
    ...remainingLines(dump, target),
  ];
  return `${lines.join('\n')}\n`;
}
