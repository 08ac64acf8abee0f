/** Renders what a comparison has found, for a person and as JSON (docs/command-line.md, "JSON"). */
import chalk from 'chalk';
import type { Comparison } from '../../compare/compare.js';
import type { DifferenceSort, KeyDifference, Pair } from '../../compare/confirm.js';
import { isBeyondRepair } from '../../compare/repair.js';
import { escapeText, quoteBytes } from '../terminal/escape.js';
import { bytesMember, toJson } from '../terminal/json.js';
import { countText, formatNumber, hashText } from '../terminal/text.js';

const KEY_COLUMNS = 80;
const LONG_KEY_COLUMNS = 40;

const SENTENCES: Record<DifferenceSort, string> = {
  'only-first': 'only in the first ',
  'only-second': 'only in the second',
  value: 'another value     ',
  expiry: 'another expiry    ',
  'value-and-expiry': 'value and expiry  ',
};

/**
 * Returns the lines of a comparison; behind a repair (`published` keys) `last` is the comparison after it.
 */
export function comparisonText(
  names: Pair<string>,
  first: Comparison,
  published: number | undefined,
  last: Comparison,
): string {
  const lines = first.differences.map((difference) =>
    chalk.yellow(`${SENTENCES[difference.sort]}  ${keyText(difference)}`),
  );
  const title = chalk.bold(names.map((name) => escapeText(name)).join(' ↔ '));
  lines.push(`${title}: ${verdictText(first)}`, ...notesOf(first));
  if (published === undefined || first.isEqual) return lines.join('\n');
  const again = `${countText(published, 'key', 'keys')} published again`;
  lines.push(`${title}: ${again}; now ${verdictText(last)}`);
  return [...lines, ...notesOf(last), ...leftOf(last)].join('\n');
}

/** Returns one document. */
export function comparisonJson(
  names: Pair<string>,
  first: Comparison,
  published: number | undefined,
  last: Comparison,
): string {
  const sides = names.map((name, index) => ({ name, keys: first.keys[index] }));
  const { isOneHistory, partsLeft, unexplainedShards, changingKeys, behindKeys } = first;
  const head = toJson({ sides, isEqual: first.isEqual, isOneHistory });
  const differences = first.differences.map(differenceJson).join(',\n');
  const rest = {
    isWhole: partsLeft === 0,
    unexplainedShards,
    changingKeys,
    behindKeys,
    ...(published !== undefined && {
      publishedKeys: published,
      isRepaired: last.isEqual,
      beyondRepair: last.differences.filter(isBeyondRepair).length,
    }),
  };
  return `${head.slice(0, -1)},"differences":[${differences}],${toJson(rest).slice(1)}`;
}

function differenceJson({ sort, key, long, shard }: KeyDifference): string {
  const member = long
    ? `${bytesMember('keyBeginning', key)},"keyBytes":${long.keyBytes},"keyHash":"${hashText(long.keyHash)}"`
    : bytesMember('key', key);
  return `\n{${member},"differs":"${sort}","shard":${shard}}`;
}

function keyText({ key, long }: KeyDifference): string {
  if (long === undefined) return quoteBytes(key, KEY_COLUMNS);
  return `${quoteBytes(key, LONG_KEY_COLUMNS, long.keyBytes)}, hash ${hashText(long.keyHash)}`;
}

/** Returns a line for keys that a repair has left as they were. */
function leftOf({ differences }: Comparison): string[] {
  const left = differences.filter(isBeyondRepair).length;
  if (left === 0) return [];
  const keys = countText(left, 'key of more than 32 KiB is', 'keys of more than 32 KiB are');
  const text = `${keys} only in the second, and not deleted there: set and delete each at the first`;
  return [chalk.yellow(`  ${text}`)];
}

function verdictText({ isEqual, differences, partsLeft, behindKeys, unexplainedShards, keys }: Comparison) {
  if (isEqual) return chalk.green(`equal, ${countText(keys[0], 'key', 'keys')}`);
  const count = differences.length;
  if (count === 0 && unexplainedShards.length > 0) return chalk.red('they differ');
  if (count === 0 && behindKeys > 0) return chalk.yellow('not known');
  const differ = count === 1 ? 'key differs' : 'keys differ';
  return chalk.red(`${partsLeft > 0 ? 'more than ' : ''}${formatNumber(count)} ${differ}`);
}

function notesOf({ partsLeft, unexplainedShards, changingKeys, behindKeys }: Comparison): string[] {
  const notes: string[] = [];
  if (partsLeft > 0) notes.push('  the list ends here: a greater --limit lists more');
  for (const shard of unexplainedShards)
    notes.push(`  shard ${shard} differs at the same sequence, in no key that was found`);
  if (changingKeys > 0) {
    const keys = countText(changingKeys, 'key was', 'keys were');
    notes.push(`  ${keys} changed each time, and cannot be compared`);
  }
  if (behindKeys > 0) {
    const keys = countText(behindKeys, 'key differs', 'keys differ');
    notes.push(`  ${keys} where one is behind the other and does not come on: see \`fastcache watermarks\``);
  }
  return notes.map((note) => chalk.dim(note));
}
