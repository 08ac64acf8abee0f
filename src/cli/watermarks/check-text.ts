/**
 * A verdict in the form that monitoring reads: a line with the state, its worst cause and performance data,
 * then all causes.
 */
import type { LagLimits, Verdict } from '../../status/watermarks-check.js';
import { escapeText } from '../terminal/escape.js';

/** The lines of a verdict, line ends included. */
export function checkText(verdict: Verdict, limits: LagLimits): string {
  const { state, findings, worstLagMs, worstLagRecords } = verdict;
  const [first, ...others] = findings.map(({ text }) => plainText(text));
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const performance = [
    performanceText('lag_ms', worstLagMs, 'ms', limits.maxLagMs),
    performanceText('lag_records', worstLagRecords, '', limits.maxLagRecords),
  ].join(' ');
  const details = others.map((text, index) => `${findings[index + 1]!.state}: ${text}\n`);
  return `fastcache ${state}: ${first}${more} | ${performance}\n${details.join('')}`;
}

/**
 * Performance data, `lag_ms=3ms;500;1000;0`: the value, the warning limit, the critical limit, the minimum. A
 * value that is not known is `U`.
 */
function performanceText(
  name: string,
  value: number | null,
  unit: string,
  limit: number | undefined,
): string {
  const limits = limit === undefined ? ';' : `${limit / 2};${limit}`;
  return `${name}=${value === null ? 'U' : `${value}${unit}`};${limits};0`;
}

/** Escapes a text and its bars, because a bar begins the performance data. */
function plainText(text: string): string {
  return escapeText(text).replaceAll('|', '\\x7c');
}
