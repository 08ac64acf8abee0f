/** Renders the report of a replay, for a person and for programs. */
import chalk from 'chalk';
import type { Place, Refusal, ReplayCounts } from '../../replay/counts.js';
import { LAPSING_BOUNDS } from '../../replay/lapsing-keys.js';
import type { ReplayResult } from '../../replay/replay-dump.js';
import { errorJson } from '../command/error-rendering.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import { countText, formatNumber } from '../terminal/text.js';

/** The result of a replay, with the server and state file that it was run with. */
export interface ReplayReport extends ReplayResult {
  /** The server, `host:port`. */
  to: string;
  stateFile: string | undefined;
}

/** Returns the report as one JSON document. */
export function replayJson(report: ReplayReport): string {
  const {
    to,
    counts,
    refusals,
    sent,
    answered,
    resumed,
    unsettled,
    unnoted,
    interrupted = null,
    fault,
  } = report;
  return `${toJson({
    to,
    ...counts,
    sent,
    answered,
    resumed,
    unsettled,
    unnoted,
    refusals,
    interrupted,
    ...(fault === undefined ? { error: null } : errorJson(fault)),
  })}\n`;
}

/** Returns the report as lines for a person. */
export function replayText(report: ReplayReport): string {
  const { to, counts, refusals, sent, answered, resumed, interrupted, stateFile } = report;
  const { records, entries, commands, expired, skipped } = counts;
  const named = Object.entries(commands).filter(([, count]) => count > 0);
  const listed = named.map(([name, count]) => `${formatNumber(count)} ${name.toUpperCase()}`);
  const of = [
    ...(records > 0 || entries === 0 ? [countText(records, 'record', 'records')] : []),
    ...(entries > 0 ? [countText(entries, 'snapshot entry', 'snapshot entries')] : []),
  ];
  const lines = [
    `${escapeText(to)}: ${of.join(' and ')}${listed.length > 0 ? `, as ${listed.join(', ')}` : ''}`,
    ...(resumed ? [`  ${countText(sent, 'command', 'commands')} of these in this run, the rest before`] : []),
    ...(sent > answered ? [chalk.red(`  ${formatNumber(sent - answered)} sent, and not answered`)] : []),
    ...(expired > 0 ? [`  ${formatNumber(expired)} deleted, for they have expired since`] : []),
    ...graceTexts(report),
    ...(skipped > 0
      ? [
          `  ${countText(skipped, 'record was', 'records were')} skipped: ` +
            'their shards had reached their sequences',
        ]
      : []),
    ...replacementTexts(counts),
    ...refusals.map(refusalText),
  ];
  if (interrupted !== undefined) {
    const goesOn = stateFile === undefined ? '' : '; the same command goes on from there';
    lines.push(chalk.yellow(`interrupted at ${placeText(interrupted)}${goesOn}`));
  }
  return `${lines.join('\n')}\n`;
}

function graceTexts({ unsettled, unnoted, stateFile }: ReplayReport): string[] {
  const lines: string[] = [];
  if (unsettled > 0) {
    const ending = stateFile === undefined ? 'the server' : 'the resumed replay, or else the server,';
    const have = countText(unsettled, 'key that has expired lives on', 'keys that have expired live on');
    lines.push(chalk.yellow(`  ${have} by a grace, which ${ending} ends`));
  }
  if (unnoted > 0) {
    const { keys, keyBytes } = LAPSING_BOUNDS;
    const were = countText(unnoted, 'more was given a grace', 'more were given a grace');
    const most = `no more than ${formatNumber(keys)} keys and ${formatNumber(keyBytes)} bytes of them`;
    lines.push(chalk.yellow(`  ${were} that the server ends: ${most} are noted`));
  }
  return lines;
}

function replacementTexts({ replacements, lastReplacement }: ReplayCounts): string[] {
  if (lastReplacement === null) return [];
  const which = replacements === 1 ? 'a snapshot' : `the last of ${formatNumber(replacements)} snapshots`;
  return [
    chalk.yellow(
      `  ${which} at ${placeText(lastReplacement)} replaced what was before it: ` +
        'keys that it lacks stay at the server',
    ),
    '    (frames state gives the content as it was in the end)',
  ];
}

function refusalText({ message, count, ...first }: Refusal): string {
  const refused = chalk.red(`${formatNumber(count)} refused`);
  return `  ${refused}: ${escapeText(message)} (first: ${placeText(first)})`;
}

function placeText({ file, offset }: Place): string {
  return `byte ${offset} of ${escapeText(file)}`;
}
