/** Defines the flags of `frames state`, and the options that they set together. */
import * as Flags from '@oclif/core/flags';
import type { DumpLimits } from '../../dump/choose/batch-limit.js';
import type { FileMode } from '../../files/file-mode.js';
import { DEFAULT_ZSTD_LEVEL, MAX_ZSTD_LEVEL, MIN_ZSTD_LEVEL } from '../../limits.js';
import { choiceFlag, countFlag, modeFlag, modeOf, valueFlag, withEnvironment } from '../command/flags.js';
import { parseSequence, parseTime, UsageError } from '../command/values.js';
import { type ValueForm, valueForms } from '../terminal/text.js';
import { type StateFormat, type StateInvocation, stateFormats } from './state.js';

/** The flags of `frames state`. */
export const stateFlags = withEnvironment({
  end: valueFlag({
    summary: 'The key space at this sequence of each shard.',
    helpValue: '<sequence>',
    parse: parseSequence,
  }),
  until: valueFlag({
    summary: 'The key space at this time: Unix ms, or ISO 8601 (UTC where it names no zone).',
    helpValue: '<time>',
    parse: parseTime,
  }),
  format: choiceFlag('Entries, one JSON object a line, or a dump.', stateFormats, 'ndjson'),
  values: choiceFlag('How to show values in JSON; none shows their lengths.', valueForms, 'text'),
  output: Flags.string({
    char: 'o',
    summary: 'The file to write; - is stdout.',
    helpValue: '<file>',
    default: '-',
  }),
  force: Flags.boolean({ summary: 'Overwrite the output.', default: false }),
  mode: modeFlag(),
  compression: choiceFlag('Compression of a dump.', ['none', 'zstd'], 'none'),
  'zstd-level': countFlag({
    summary: 'Level of zstd.',
    default: DEFAULT_ZSTD_LEVEL,
    min: MIN_ZSTD_LEVEL,
    max: MAX_ZSTD_LEVEL,
  }),
});

/** The values of `stateFlags`. */
export interface StateFlagValues {
  end?: bigint | undefined;
  until?: bigint | undefined;
  format: StateFormat;
  values: ValueForm;
  output: string;
  force: boolean;
  mode?: FileMode | undefined;
  compression: 'none' | 'zstd';
  'zstd-level': number;
}

/** The circumstances in which the flags were given. */
export interface StateSurroundings {
  /** The flags that were set, on the command line or by the environment. */
  given: ReadonlySet<string>;
  json: boolean;
  /** Whether stdout is a terminal. */
  terminal: boolean;
}

/** Returns the options that the flags set. Throws a `UsageError` where they contradict each other. */
export function stateOptions(
  flags: StateFlagValues,
  { given, json, terminal }: StateSurroundings,
): Pick<StateInvocation, 'format' | 'values' | 'encoding' | 'target' | 'force' | 'mode' | 'json'> & {
  limits: DumpLimits;
} {
  const { format, values, output: target, force } = flags;
  const limits: DumpLimits = { endSequence: flags.end, untilMs: flags.until };
  if (target === '') throw new UsageError('expected the name of a file for --output; got ""');
  const toStdout = target === '-';
  if (format === 'dump' && toStdout && json) {
    throw new UsageError('--json and --format dump both want stdout; give the dump a file with --output');
  }
  if (format === 'dump' && toStdout && terminal) {
    throw new UsageError('a dump is binary and not for a terminal; give it a file with --output');
  }
  if (format === 'dump') refuse('values', '--format ndjson', given);
  else {
    refuse('compression', '--format dump', given);
    refuse('zstd-level', '--format dump', given);
  }
  if (toStdout) refuse('force', '--output', given);
  if (toStdout) refuse('mode', '--output', given);
  return {
    limits,
    format,
    values,
    encoding: { compression: flags.compression, level: flags['zstd-level'] },
    target,
    force,
    mode: modeOf(flags.mode),
    json,
  };
}

function refuse(flag: keyof StateFlagValues, needed: string, given: ReadonlySet<string>): void {
  if (given.has(flag)) throw new UsageError(`--${flag} has no meaning without ${needed}`);
}
