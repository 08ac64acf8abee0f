/**
 * The flags with which `replica follow` shows changes (docs/operations.md, "Taps"), and the output made from
 * them.
 */
import * as Flags from '@oclif/core/flags';
import type { Timers } from '../../clock.js';
import { typedFlags } from '../command/flags.js';
import { UsageError } from '../command/values.js';
import type { Output } from '../terminal/output.js';
import { ChangeLines, changeLine } from './change-lines.js';
import type { ParsedFlags } from './flags.js';

/** The flag that narrows `--changes`. */
export function prefixFlag() {
  return Flags.string({ summary: 'With --changes: only of keys that start so.', helpValue: '<text>' });
}

/**
 * Makes the output of changes; undefined without `--changes`. Throws a `UsageError` for a prefix without
 * changes to choose from.
 */
export function changeLines(parsed: ParsedFlags, output: Output, timers: Timers): ChangeLines | undefined {
  const { changes, prefix } = parsed.flags;
  if (changes !== true) {
    if (!typedFlags(parsed).has('prefix')) return undefined;
    throw new UsageError('--prefix chooses among --changes; add --changes');
  }
  return new ChangeLines({
    output,
    timers,
    line: changeLine,
    prefix: typeof prefix === 'string' ? Buffer.from(prefix) : undefined,
  });
}
