/** Watermarks as a table for a person: `+n` past the history's base, the exact sequence beside it (design.md, Histories). */
import chalk from 'chalk';
import type { EndpointWatermarks } from '../status/watermarks.js';
import { escapeText } from './escape.js';
import { alignRight, formatNumber } from './text.js';

/** One endpoint's table, line ends included. */
export function watermarksText(answer: EndpointWatermarks): string {
  const { endpoint, role, history, base } = answer;
  const told = history === null ? 'history not told' : `history ${history}`;
  const title = [chalk.bold(escapeText(endpoint)), role, told].join('  ');
  const lines = alignRight(base === null ? plainRows(answer) : rowsPastBase(answer, base));
  return `${title}\n${lines.map((line, index) => (index === 0 ? chalk.dim(line) : line)).join('\n')}\n`;
}

function plainRows({ watermarks }: EndpointWatermarks): string[][] {
  return [
    ['shard', 'watermark'],
    ...watermarks.map((watermark, shard) => [`${shard}`, `${watermark}`]),
    ['total', `${sum(watermarks)}`],
  ];
}

function rowsPastBase({ watermarks }: EndpointWatermarks, base: bigint): string[][] {
  return [
    ['shard', 'past base', 'watermark'],
    ...watermarks.map((watermark, shard) => [`${shard}`, signed(watermark - base), `${watermark}`]),
    ['total', signed(sum(watermarks) - base * BigInt(watermarks.length)), ''],
  ];
}

function sum(watermarks: readonly bigint[]): bigint {
  return watermarks.reduce((total, watermark) => total + watermark, 0n);
}

/** `+1,204`. Below the base, where nobody should be, it is negative. */
function signed(difference: bigint): string {
  return difference < 0n ? `-${formatNumber(-difference)}` : `+${formatNumber(difference)}`;
}
