/**
 * Runs `frames salvage`, which copies the whole frames of a damaged dump to another, and reports what was
 * lost.
 */
import type { MadeDump } from '../../dump/make/made-dump.js';
import { salvageDump } from '../../dump/make/salvage-dump.js';
import { untilExit } from '../command/shutdown.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import { countText } from '../terminal/text.js';
import { lossesJson, lossLines } from './losses.js';
import { type MakingInvocation, madeStatus, remainingJson, remainingLines } from './made-dump.js';
import { ProgressLine } from './progress.js';

/** The arguments and flags of `frames salvage`. */
export interface SalvageInvocation extends MakingInvocation {
  /** Path of the damaged dump; `-` is stdin. */
  input: string;
}

/**
 * Salvages the dump. Resolves with the exit status: 0 when nothing was lost, 65 when something was. Rejects
 * as `salvageDump`.
 */
export async function runSalvage(invocation: SalvageInvocation): Promise<number> {
  const { input, target, force, mode, maxFaults, json, output, terminal, clock } = invocation;
  const progress = new ProgressLine(terminal, clock, 'salvaging');
  const making = { output: target, force, mode, maxFaults, onProgress: progress.show };
  const saved = await untilExit((signal) => salvageDump(input, { ...making, signal })).finally(() =>
    progress.close(),
  );
  await output.write(json ? salvagedJson(saved) : salvagedText(saved));
  return madeStatus(saved);
}

function salvagedJson(saved: MadeDump): string {
  const { output: target, frames, bytes } = saved;
  const { file: input, losses } = saved.inputs[0]!;
  return `${toJson({ input, target, frames, bytes, ...lossesJson(losses), ...remainingJson(saved) })}\n`;
}

function salvagedText(saved: MadeDump): string {
  const { output: target, frames, bytes } = saved;
  const { file: input, losses } = saved.inputs[0]!;
  const kept = `${countText(frames, 'frame', 'frames')}, ${countText(bytes, 'byte', 'bytes')}`;
  const lines = [
    `${escapeText(target)}: ${kept} of ${escapeText(input)}`,
    ...lossLines(losses),
    ...remainingLines(saved),
  ];
  return `${lines.join('\n')}\n`;
}
