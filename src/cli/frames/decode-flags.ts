/** The flags of `frames decode`, and those of them by which other commands choose as well. */
import * as Flags from '@oclif/core/flags';
import { FrameFilter } from '../../dump/choose/filter.js';
import type { MutationOp } from '../../frame/batch.js';
import { FrameKind, type FrameKindName } from '../../frame/kinds.js';
import { MAX_FRAME_PAYLOAD_BYTES } from '../../limits.js';
import {
  choiceFlag,
  type Listed,
  listed,
  listFlag,
  sizeFlag,
  valueFlag,
  withEnvironment,
} from '../command/flags.js';
import { asUsage } from '../command/option-flags.js';
import { parseCount, parseName, parseSequence, parseTime, UsageError } from '../command/values.js';
import { toJson } from '../terminal/json.js';
import { type ValueForm, valueForms } from '../terminal/text.js';
import { type DecodeFormat, type DecodeInvocation, decodeFormats, type ShowInvocation } from './decode.js';

const kindNames = Object.keys(FrameKind) as FrameKindName[];
const opNames = ['set', 'del', 'expire'] as const;
/** The pause between two looks at a file that is followed, in ms; that of `tail -f`. */
export const FOLLOW_POLL_MS = 1_000;
const LARGEST_SHARD = 0xffff_ffff;

/** The flags by which records, entries and frames are chosen. */
const matchFlags = {
  start: valueFlag({
    summary: 'Only records from this sequence on.',
    helpValue: '<sequence>',
    parse: parseSequence,
  }),
  end: valueFlag({
    summary: 'Only records up to this sequence, it included.',
    helpValue: '<sequence>',
    parse: parseSequence,
  }),
  since: valueFlag({
    summary: 'Only records from this time on: Unix ms, or ISO 8601 (UTC where it names no zone).',
    helpValue: '<time>',
    parse: parseTime,
  }),
  until: valueFlag({
    summary: 'Only records up to this time, it included.',
    helpValue: '<time>',
    parse: parseTime,
  }),
  shard: listFlag({
    summary: 'Only records of these shards.',
    helpValue: '<number,…>',
    parse: (text) => parseCount(text, { max: LARGEST_SHARD }),
  }),
  kind: listFlag({
    summary: `Only frames of these kinds: ${kindNames.join(', ')}.`,
    helpValue: '<kind,…>',
    parse: (text) => parseName(text, kindNames),
  }),
  op: listFlag({
    summary: `Only records of these ops: ${opNames.join(', ')}.`,
    helpValue: '<op,…>',
    parse: (text) => parseName(text, opNames),
  }),
  key: Flags.string({
    summary: 'Only keys that this pattern of Redis matches; may be given several times.',
    helpValue: '<glob>',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

/** The flags by which records, entries and frames are chosen, and the flag that limits their number. */
export const filterFlags = {
  ...matchFlags,
  limit: valueFlag({
    summary: 'Stop behind so many records and entries (frames, where none of these are shown).',
    helpValue: '<number>',
    parse: (text) => parseCount(text, { min: 1 }),
  }),
};

const maxFrameFlag = sizeFlag({
  summary: 'Refuse frames that announce more than this, compressed or not.',
  default: MAX_FRAME_PAYLOAD_BYTES,
  min: 1,
  max: MAX_FRAME_PAYLOAD_BYTES,
});

/** The flags of `frames decode`. */
export const decodeFlags = withEnvironment({
  format: choiceFlag('How to print; --json overrides it.', decodeFormats, 'text'),
  ...filterFlags,
  values: choiceFlag('How to show values; none shows their lengths.', valueForms, 'text'),
  frames: Flags.boolean({ summary: 'Frames without their records and entries.', default: false }),
  stats: Flags.boolean({
    summary: 'Show the counts of frames stats, instead of frames and records.',
    default: false,
  }),
  follow: Flags.boolean({
    summary: 'Go on at the end of the file as it grows, is cut back or is replaced, until SIGINT.',
    default: false,
  }),
  quiet: Flags.boolean({ summary: 'Nothing but faults.', default: false }),
  'max-frame': maxFrameFlag,
});

/** The flags of `frames stats`. */
export const statsFlags = withEnvironment({ ...matchFlags, 'max-frame': maxFrameFlag });

type FlagName = keyof typeof decodeFlags;

/** The values of `filterFlags`. */
export interface FilterFlagValues {
  start?: bigint | undefined;
  end?: bigint | undefined;
  since?: bigint | undefined;
  until?: bigint | undefined;
  shard?: Listed<number> | undefined;
  kind?: Listed<FrameKindName> | undefined;
  op?: Listed<MutationOp> | undefined;
  key?: Listed<string> | undefined;
  limit?: number | undefined;
}

/** The values of `statsFlags`. */
export interface StatsFlagValues extends FilterFlagValues {
  /** The most bytes that a frame may announce. */
  'max-frame': number;
}

/** The values of `decodeFlags`. */
export interface DecodeFlagValues extends StatsFlagValues {
  format: DecodeFormat;
  values: ValueForm;
  frames: boolean;
  stats: boolean;
  follow: boolean;
  quiet: boolean;
}

/** The circumstances in which the flags were given. */
export interface FlagSurroundings {
  files: readonly string[];
  /** The flags that were set, on the command line or by the environment. */
  given: ReadonlySet<string>;
  /** Whether --json was given. */
  json: boolean;
  /** Whether stdout is a terminal. */
  terminal: boolean;
}

type StatsOptions = Pick<ShowInvocation, 'files' | 'format' | 'filter' | 'limit' | 'maxPayloadBytes'>;
type ShowOptions = StatsOptions & Pick<DecodeInvocation, 'shows' | 'values'>;

/**
 * Returns the options that the flags of `frames stats` set. Throws a `UsageError` for a filter that nothing
 * can pass.
 */
export function statsOptions(flags: StatsFlagValues, files: readonly string[], json: boolean): StatsOptions {
  return {
    files,
    format: json ? 'json' : 'text',
    ...filterOf(flags),
    maxPayloadBytes: flags['max-frame'],
  };
}

/**
 * Returns the options that the flags of `frames decode` set. Throws a `UsageError` where they contradict each
 * other.
 */
export function decodeOptions(
  flags: DecodeFlagValues,
  { files, given, json, terminal }: FlagSurroundings,
): ShowOptions {
  const format = json ? 'json' : flags.format;
  if (format === 'msgpack' && terminal) {
    throw new UsageError(
      '--format msgpack is binary and not for a terminal; pipe it into a program or a file, or ' +
        'take text or ndjson',
    );
  }
  if (format === 'msgpack' && ['hex', 'base64'].includes(flags.values)) {
    throw new UsageError(
      '--format msgpack carries values as they are; beside it --values takes text or none',
    );
  }
  if (flags.quiet) {
    const chosen = Object.keys(filterFlags) as FlagName[];
    refuseBeside('quiet', 'shows nothing but faults', ['frames', 'stats', 'values', ...chosen], given);
  }
  if (flags.stats) refuseBeside('stats', 'shows counts alone', ['frames', 'values'], given);
  if (flags.frames) refuseBeside('frames', 'shows no values', ['values'], given);
  if (flags.follow) checkFollow(files, json);
  return {
    files,
    format,
    shows: flags.quiet ? 'faults' : flags.frames ? 'frames' : 'items',
    values: flags.values,
    ...filterOf(flags),
    maxPayloadBytes: flags['max-frame'],
  };
}

/**
 * Returns the filter, and the limit of what it chooses. Throws a `UsageError` for a filter that nothing can
 * pass.
 */
export function filterOf(flags: FilterFlagValues): { filter: FrameFilter; limit: number } {
  return {
    filter: asUsage(
      () =>
        new FrameFilter({
          start: flags.start,
          end: flags.end,
          sinceMs: flags.since,
          untilMs: flags.until,
          shards: listed(flags.shard),
          kinds: listed(flags.kind),
          ops: listed(flags.op),
          keys: listed(flags.key),
        }),
    ),
    limit: flags.limit ?? Number.POSITIVE_INFINITY,
  };
}

/** Returns the choice as a text, which is the same for the same choice. */
export function choiceText(flags: FilterFlagValues): string {
  return toJson(
    Object.fromEntries(Object.keys(filterFlags).map((name) => [name, flags[name as keyof FilterFlagValues]])),
  );
}

function checkFollow(files: readonly string[], json: boolean): void {
  if (files.includes('-'))
    throw new UsageError('stdin (-) is read to its end in any case; --follow is for a file');
  if (files.length > 1) throw new UsageError('--follow is for one file');
  if (json) throw new UsageError('--follow has no end, and --json is one document; take --format ndjson');
}

function refuseBeside(
  flag: FlagName,
  reason: string,
  others: readonly FlagName[],
  given: ReadonlySet<string>,
): void {
  const other = others.find((name) => given.has(name));
  if (other === undefined) return;
  throw new UsageError(`--${flag} ${reason}, so --${other} has no meaning beside it; give one of them`);
}
