/** Renders what a dump that was made of others lacks of them, as JSON and as lines for a person. */
import chalk from 'chalk';
import type { DumpLosses } from '../../dump/make/losses.js';
import type { Loss } from '../../dump/make/salvager.js';
import { escapeText } from '../terminal/escape.js';
import { countText, formatNumber } from '../terminal/text.js';

/**
 * Returns the members of the JSON of `frames cut`, `frames merge` and `frames salvage` that describe losses.
 */
export function lossesJson({ count, bytes, frames, items }: DumpLosses): object {
  return {
    lossCount: count,
    lostBytes: bytes,
    lostFrames: frames,
    losses: items.map(({ fault: { code, message, offset }, ...loss }) => ({
      code,
      message,
      offset,
      ...loss,
    })),
  };
}

/** Returns one line that sums the losses up, and one for each that is listed. */
export function lossLines({ count, bytes, frames, items, omitted }: DumpLosses): string[] {
  if (count === 0) return [chalk.green('nothing was lost')];
  const readable = frames > 0 ? `, ${countText(frames, 'readable frame', 'readable frames')} among them` : '';
  return [
    chalk.red(`lost: ${countText(bytes, 'byte', 'bytes')}${readable}`),
    ...items.map((loss) => `  ${lossText(loss)}`),
    ...omittedLine(omitted),
  ];
}

/** Returns the line about the items that a list does not show, if there are any. */
export function omittedLine(omitted: number): string[] {
  return omitted > 0 ? [`  and ${formatNumber(omitted)} more`] : [];
}

function lossText({ fault, start, end, bytes, isCutTail }: Loss): string {
  const why = isCutTail ? 'the dump merely ends inside its last frame' : escapeText(fault.message);
  return `bytes ${start} to ${end - 1} (${formatNumber(bytes)}): ${why} (${fault.code})`;
}
