/** The flags of `replica follow` that make it a tap, `--changes`, `--prefix` and `--state` (cli.md), and what they make of it. */
import { Flags } from '@oclif/core';
import type { Timers } from '../../clock.js';
import { fileFlag } from '../command/flags.js';
import { UsageError } from '../command/values.js';
import type { Output } from '../terminal/output.js';
import { ChangeLines } from './change-lines.js';

export function tapFlags() {
  return {
    changes: Flags.boolean({
      summary: 'Write each change that is applied to stdout, as NDJSON.',
      default: false,
    }),
    prefix: Flags.string({
      summary: 'With --changes: only of keys that start so.',
      helpValue: '<text>',
    }),
    state: fileFlag(
      'With --record or --changes: keep in this file how far they are, so that the next run goes on from there; no content is held.',
    ),
  };
}

export interface TapFlags {
  changes: boolean;
  prefix: string | undefined;
  state: string | undefined;
  record: string | undefined;
}

/** Throws a `UsageError` for flags that do not go together; `typed` are those on the command line (`typedFlags`). */
export function checkTapFlags({ changes, state, record }: TapFlags, typed: ReadonlySet<string>): void {
  if (typed.has('prefix') && !changes)
    throw new UsageError('--prefix chooses among --changes; add --changes');
  if (state === undefined) return;
  if (state === '' || state === '-')
    throw new UsageError(`--state: expected the name of a file; got "${state}"`);
  if (!changes && record === undefined) {
    throw new UsageError('--state keeps how far --record or --changes are; add one of them');
  }
  for (const flag of ['listen', 'bind']) {
    if (typed.has(flag)) {
      throw new UsageError(
        `with --state no content is held that --${flag} could serve; leave one of them out`,
      );
    }
  }
}

/** Where changes go; undefined without `--changes`. */
export function changeLines(
  { changes, prefix }: TapFlags,
  output: Output,
  timers: Timers,
): ChangeLines | undefined {
  if (!changes) return undefined;
  return new ChangeLines({ output, timers, prefix: prefix === undefined ? undefined : Buffer.from(prefix) });
}
