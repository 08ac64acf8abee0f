/** Defines the flags that set how fast `frames replay` sends. */
import type { Pace } from '../../replay/pacer.js';
import { valueFlag } from '../command/flags.js';
import { parseCount, UsageError } from '../command/values.js';

const LARGEST_FACTOR = 1_000_000;

/** The flags of the pace. */
export const paceFlags = {
  rate: valueFlag({
    summary: 'So many records and entries a second at the most.',
    helpValue: '<number>',
    parse: (text) => parseCount(text, { min: 1 }),
  }),
  pace: valueFlag({
    summary: 'As fast as it was recorded, times this: 1, or 10 for ten times as fast.',
    helpValue: '<factor>',
    parse: parseFactor,
  }),
};

/**
 * Returns the pace that the flags set; undefined when they set none. Throws a `UsageError` when both flags
 * are given.
 */
export function paceOf({
  rate,
  pace,
}: {
  rate?: number | undefined;
  pace?: number | undefined;
}): Pace | undefined {
  if (rate !== undefined && pace !== undefined) {
    throw new UsageError('--rate and --pace exclude each other');
  }
  if (rate !== undefined) return { type: 'rate', perSecond: rate };
  return pace === undefined ? undefined : { type: 'recorded', factor: pace };
}

function parseFactor(text: string): number {
  const factor = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (factor > 0 && factor <= LARGEST_FACTOR) return factor;
  throw new UsageError(`expected a factor above 0, like 1, 0.5 or 10; got "${text}"`);
}
