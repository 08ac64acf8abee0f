/**
 * A verdict as monitoring reads it: the state and its worst cause in one line, with performance data; then
 * all causes.
 */
import type { LagLimits, Verdict } from '../../status/watermarks-check.js';
import { escapeText } from '../terminal/escape.js';

/** Line ends included. */
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

/** `lag_ms=3ms;500;1000;0`: value, what is a warning, what is critical, the least that it can be. */
function performanceText(name: string, value: number, unit: string, limit: number | undefined): string {
  const limits = limit === undefined ? ';' : `${limit / 2};${limit}`;
  return `${name}=${value}${unit};${limits};0`;
}

/** A bar would begin the performance data. */
function plainText(text: string): string {
  return escapeText(text).replaceAll('|', '\\x7c');
}
