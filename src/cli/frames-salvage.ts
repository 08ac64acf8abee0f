/** `frames salvage`: copies what is whole of a damaged dump to another, and says what was lost. */
import { DumpOutput } from '../dump/dump-output.js';
import { dumpName } from '../dump/dump-reader.js';
import { BatchCheck } from '../engine/batch-check.js';
import { EXIT_BAD_FRAMES } from '../errors.js';
import { DumpLosses } from './dump-losses.js';
import { DumpSalvager } from './dump-salvager.js';
import { walkDump } from './dump-walk.js';
import { escapeText } from './escape.js';
import { FrameCheck } from './frame-check.js';
import { toJson } from './json.js';
import { ReadProgress } from './read-progress.js';
import { countText } from './text.js';
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
  return { input: dumpName(input), target, frames, bytes, ...losses.json(), ...remainingJson(dump) };
}

function salvagedText(dump: WrittenDump, losses: DumpLosses, { input, target }: SalvageOptions): string {
  const kept = `${countText(dump.frames, 'frame', 'frames')}, ${countText(dump.bytes, 'byte', 'bytes')}`;
  const lines = [
    `${escapeText(target)}: ${kept} of ${escapeText(dumpName(input))}`,
    ...losses.lines(),
    ...remainingLines(dump, target),
  ];
  return `${lines.join('\n')}\n`;
}
