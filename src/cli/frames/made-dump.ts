/** What a dump that was made of others holds, and what of these it lacks, as `frames cut` and `frames merge` tell it. */
import chalk from 'chalk';
import type { DumpLosses } from '../../dump/make/losses.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import { countText } from '../terminal/text.js';
import { lossesJson, lossLines } from './losses.js';
import { remainingJson, remainingLines, type WrittenDump } from './written-dump.js';

/** A dump that was read, up to where that ended. */
export interface ReadDump {
  /** As a person knows it. */
  file: string;
  losses: DumpLosses;
}

export interface MadeDump {
  target: string;
  dump: WrittenDump;
  read: readonly ReadDump[];
}

export function madeJson({ target, dump, read, more }: MadeDump & { more: object }): string {
  const { frames, records, entries, bytes } = dump;
  const inputs = read.map(({ file, losses }) => ({ input: file, ...lossesJson(losses) }));
  return `${toJson({ target, frames, records, entries, bytes, ...more, inputs, ...remainingJson(dump) })}\n`;
}

export function madeText({ target, dump, read, notes }: MadeDump & { notes: readonly string[] }): string {
  const { frames, records, entries, bytes } = dump;
  const content = [
    countText(frames, 'frame', 'frames'),
    countText(records, 'record', 'records'),
    ...(entries > 0 ? [countText(entries, 'snapshot entry', 'snapshot entries')] : []),
    countText(bytes, 'byte', 'bytes'),
  ];
  const lines = [`${escapeText(target)}: ${content.join(', ')}`, ...notes.map((note) => chalk.yellow(note))];
  for (const { file, losses } of read) {
    if (losses.count > 0) lines.push(`of ${escapeText(file)}:`, ...lossLines(losses));
  }
  return `${[...lines, ...remainingLines(dump, target)].join('\n')}\n`;
}
