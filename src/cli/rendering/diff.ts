/** Renders differences of key spaces as lines for a person, as NDJSON, and as one JSON document. */
import chalk from 'chalk';
import type { Difference, DifferenceCounts, KeyContent } from '../../dump/fold/key-space-diff.js';
import { escapeText, quoteBytes } from '../terminal/escape.js';
import { bytesMember, toJson } from '../terminal/json.js';
import { countText, formatNumber, formatTime, type ValueForm } from '../terminal/text.js';
import { contentMembers } from './json.js';
import { KEY_COLUMNS, pairText, valueText } from './text.js';

/** The result of the comparison. */
export interface DiffSummary extends DifferenceCounts {
  /** The name of the first dump or primary. */
  before: string;
  /** The name of the second. */
  after: string;
  /** Unix ms of the moment of the comparison; null when neither key space has a time. */
  atMs: number | null;
  /** Keys of the first that had expired by then. */
  expiredBefore: number;
  /** Keys of the second that had expired by then. */
  expiredAfter: number;
}

/** The texts that a format writes, line ends included. */
export interface DiffRendering {
  begin: string;
  difference(difference: Difference): string;
  end(summary: DiffSummary): string;
}

/** The rendering of each format. */
export const diffRenderings: Record<'text' | 'ndjson' | 'json', (values: ValueForm) => DiffRendering> = {
  text: (values) => ({
    begin: '',
    difference: (difference) => `${differenceText(difference, values)}\n`,
    end: (summary) => `${summaryText(summary)}\n`,
  }),
  ndjson: (values) => ({
    begin: '',
    difference: (difference) => `${differenceLine(difference, values)}\n`,
    end: (summary) => `${toJson({ type: 'summary', ...summary })}\n`,
  }),
  json: (values) => {
    let separator = '\n';
    return {
      begin: '{"differences":[',
      difference(difference) {
        const line = `${separator}${differenceLine(difference, values)}`;
        separator = ',\n';
        return line;
      },
      end: (summary) => `\n],${toJson(summary).slice(1)}\n`,
    };
  },
};

function differenceLine(difference: Difference, values: ValueForm): string {
  const { type, key } = difference;
  const members = [`"type":"${type}"`, bytesMember('key', key)];
  if (type === 'added') members.push(contentMembers(difference.after, values));
  else if (type === 'removed') members.push(contentMembers(difference.before, values));
  else {
    members.push(`"before":{${contentMembers(difference.before, values)}}`);
    members.push(`"after":{${contentMembers(difference.after, values)}}`);
  }
  return `{${members.join(',')}}`;
}

function differenceText(difference: Difference, values: ValueForm): string {
  const { key } = difference;
  switch (difference.type) {
    case 'added':
      return chalk.green(`+ ${entryText(key, difference.after, values)}`);
    case 'removed':
      return chalk.red(`- ${entryText(key, difference.before, values)}`);
    case 'changed':
      return chalk.yellow(`~ ${changeText(key, difference.before, difference.after, values)}`);
  }
}

function entryText(key: Buffer, content: KeyContent, values: ValueForm): string {
  const expiry = content.expireAtMs === null ? '' : `  expires ${formatTime(content.expireAtMs)}`;
  return `${pairText({ key, value: content.value }, values)}${expiry}`;
}

/** Returns the line of a changed key, with its value, its expiry or both, whichever differs. */
function changeText(key: Buffer, before: KeyContent, after: KeyContent, values: ValueForm): string {
  const name = quoteBytes(key, KEY_COLUMNS);
  const value = before.value.equals(after.value)
    ? ''
    : ` = ${valueText(before.value, values)} → ${valueText(after.value, values)}`;
  const expiry =
    before.expireAtMs === after.expireAtMs
      ? ''
      : `  expires ${expiryText(before.expireAtMs)} → ${expiryText(after.expireAtMs)}`;
  return `${name}${value}${expiry}`;
}

function expiryText(expireAtMs: bigint | null): string {
  return expireAtMs === null ? 'never' : formatTime(expireAtMs);
}

function summaryText(summary: DiffSummary): string {
  const { before, after, added, removed, changed, equal, atMs, expiredBefore, expiredAfter } = summary;
  const title = chalk.bold(`${escapeText(before)} → ${escapeText(after)}`);
  const isEqual = added + removed + changed === 0;
  const verdict = isEqual
    ? chalk.green(`equal, ${countText(equal, 'key', 'keys')}`)
    : [
        chalk.green(`${formatNumber(added)} added`),
        chalk.red(`${formatNumber(removed)} removed`),
        chalk.yellow(`${formatNumber(changed)} changed`),
        `${formatNumber(equal)} equal`,
      ].join(', ');
  const lines = [`${title}: ${verdict}`];
  if (expiredBefore + expiredAfter > 0) {
    const at = formatTime(BigInt(atMs ?? 0));
    const ofBoth = `${formatNumber(expiredBefore)} of the first, ${formatNumber(expiredAfter)} of the second`;
    lines.push(chalk.dim(`  expired by ${at} and left out: ${ofBoth}`));
  }
  return lines.join('\n');
}
