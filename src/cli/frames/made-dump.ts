/**
 * Renders the content of a dump that was made of others, and the parts of these that it lacks, for the
 * commands that make one.
 */
import chalk from 'chalk';
import type { Clock } from '../../clock.js';
import type { MadeDump } from '../../dump/make/made-dump.js';
import { EXIT_BAD_FRAMES } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText } from '../terminal/text.js';
import { lossesJson, lossLines, omittedLine } from './losses.js';

/** The arguments and flags of every command that makes a dump of others. */
export interface MakingInvocation {
  /** Path of the dump to write. */
  target: string;
  /** Whether `target` is overwritten. */
  force: boolean;
  /** The mode of the new file; undefined: as it was, or the default. */
  mode: number | undefined;
  /** The most losses of a dump that is read, and the most gaps, to list; the others are counted. */
  maxFaults: number;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

/** Returns the exit status of a command that has made a dump: 0, or 65 when anything was lost. */
export function madeStatus({ inputs }: MadeDump): number {
  return inputs.every(({ losses }) => losses.count === 0) ? 0 : EXIT_BAD_FRAMES;
}

/** Returns the one JSON document of `frames cut` and `frames merge`; `more` are members of its own. */
export function madeJson(made: MadeDump, more: object): string {
  const { output: target, frames, records, entries, bytes } = made;
  const inputs = made.inputs.map(({ file, losses }) => ({ input: file, ...lossesJson(losses) }));
  return `${toJson({ target, frames, records, entries, bytes, ...more, inputs, ...remainingJson(made) })}\n`;
}

/** Returns the report of `frames cut` and `frames merge` for a person. */
export function madeText(made: MadeDump, notes: readonly string[]): string {
  const { output: target, frames, records, entries, bytes, inputs } = made;
  const content = [
    countText(frames, 'frame', 'frames'),
    countText(records, 'record', 'records'),
    ...(entries > 0 ? [countText(entries, 'snapshot entry', 'snapshot entries')] : []),
    countText(bytes, 'byte', 'bytes'),
  ];
  const lines = [`${escapeText(target)}: ${content.join(', ')}`, ...notes.map((note) => chalk.yellow(note))];
  for (const { file, losses } of inputs) {
    if (losses.count > 0) lines.push(`of ${escapeText(file)}:`, ...lossLines(losses));
  }
  return `${[...lines, ...remainingLines(made)].join('\n')}\n`;
}

/** Returns the members of the JSON that describe what `frames verify` will find in the new dump. */
export function remainingJson({ remaining, sequences }: MadeDump): object {
  return {
    remainingCount: remaining.count,
    remaining: remaining.items.map(({ code, message, offset, expected, found }) => ({
      code,
      message,
      offset,
      expected,
      found,
    })),
    sequences,
  };
}

/**
 * Returns what `frames verify` will find in the new dump as lines for a person; none when there is nothing.
 */
export function remainingLines({ remaining, output }: MadeDump): string[] {
  if (remaining.count === 0) return [];
  return [
    `faults of ${escapeText(output)} that remain:`,
    ...remaining.items.map(
      ({ message, code, offset }) => `  byte ${offset}: ${escapeText(message)} (${code})`,
    ),
    ...omittedLine(remaining.omitted),
  ];
}
