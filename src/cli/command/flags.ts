/**
 * The kinds of flags that the commands are made of, and the environment variable that each one has
 * (docs/command-line.md, "Environment").
 */
import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { type FileMode, fileModes, modeBits } from '../../files/file-mode.js';
import { formatSize, type Range } from '../../server/ranges.js';
import { parseCount, parseHostPort, parseList, parseSize } from './values.js';

/** The environment variable of a flag: that of `batch-max-bytes` is `FASTCACHE_BATCH_MAX_BYTES`. */
export function environmentName(flag: string): string {
  return `FASTCACHE_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** Gives each flag its environment variable; oclif then ranks flag over environment over default. */
export function withEnvironment<T extends Record<string, { env?: string }>>(flags: T): T {
  for (const [name, flag] of Object.entries(flags)) flag.env = environmentName(name);
  return flags;
}

interface NumberFlag extends Range {
  summary: string;
  default: number;
}

/** A flag for a size in bytes: `64kb`, `1mb`, `2gb` or a plain number. */
export function sizeFlag({ summary, default: bytes, ...range }: NumberFlag) {
  return Flags.custom<number>({
    summary,
    helpValue: '<size>',
    // The help shows the spelling, not the number; oclif types this as the value although it prints it.
    defaultHelp: async () => formatSize(bytes),
    parse: async (text) => parseSize(text, range),
  })({ default: bytes });
}

/** A flag for a whole number. */
export function countFlag({ summary, default: count, ...range }: NumberFlag) {
  return Flags.custom<number>({
    summary,
    helpValue: '<number>',
    parse: async (text) => parseCount(text, range),
  })({ default: count });
}

interface ValueFlag<T> {
  summary: string;
  helpValue: string;
  parse(text: string): T;
}

/** A flag for a value of any kind, without a default. */
export function valueFlag<T extends bigint | number | readonly string[]>({
  summary,
  helpValue,
  parse,
}: ValueFlag<T>) {
  const flag = Flags.custom<unknown>({ summary, helpValue, parse: async (text) => parse(text) })();
  return flag as OptionFlag<T | undefined>;
}

/**
 * A flag for values with commas between them, which may also be given several times. `listed` joins the
 * values.
 */
export function listFlag<T extends string | number>({ summary, helpValue, parse }: ValueFlag<T>) {
  const flag = Flags.custom<(string | number)[]>({
    summary,
    helpValue,
    multiple: true,
    multipleNonGreedy: true,
    parse: async (text) => parseList(text, parse),
  })();
  return flag as OptionFlag<Listed<T> | undefined>;
}

/**
 * The values that oclif parses from a flag that may be given several times; the environment gives one only.
 */
export type Listed<T> = T | T[] | T[][];

/** The values of a flag that may be given several times, in one list; undefined where it is not given. */
export function listed<T extends string | number>(values: Listed<T> | undefined): T[] | undefined {
  return values === undefined ? undefined : ([values].flat(2) as T[]);
}

/** A flag for an address, `host:port`, `[v6]:port` or `:port`, whose value has the canonical spelling. */
export function addressFlag(summary: string, address: string | undefined) {
  const flag = Flags.custom<string>({
    summary,
    helpValue: '<host:port>',
    parse: async (text) => parseHostPort(text),
  });
  return address === undefined ? flag() : flag({ default: address });
}

/** A flag for one word of `options`; the help shows them, or `helpValue`. */
export function choiceFlag<const T extends string>(
  summary: string,
  options: readonly T[],
  choice: NoInfer<T>,
  helpValue: string = options.join('|'),
) {
  return Flags.option({ summary, options, helpValue })({ default: choice });
}

/** A flag for a text; undefined: there is no default. */
export function textFlag(summary: string, helpValue: string, text: string | undefined) {
  const flag = Flags.custom<string>({ summary, helpValue });
  return text === undefined ? flag() : flag({ default: text });
}

/** A flag for the mode of the file that a command makes. */
export function modeFlag() {
  return Flags.option({
    summary: 'The mode of the file, as chmod has it; 600 when absent, or as it was with --force.',
    options: fileModes,
    helpValue: fileModes.join('|'),
  })();
}

/** Returns the bits of `modeFlag`'s value; undefined where none is given. */
export function modeOf(mode: FileMode | undefined): number | undefined {
  return mode === undefined ? undefined : modeBits(mode);
}

/** A flag for the name of a file to read. */
export function fileFlag(summary: string) {
  return Flags.string({ summary, helpValue: '<file>' });
}

/** The arguments that oclif found on the command line, in their order. */
export type RawTokens = readonly ({ type: 'flag'; flag: string } | { type: 'arg' })[];

/**
 * The names of the flags that are given on the command line. Flags that only the environment sets are left
 * out: they cannot be out of place.
 */
export function typedFlags({ raw }: { raw: RawTokens }): Set<string> {
  return new Set(raw.flatMap((token) => (token.type === 'flag' ? [token.flag] : [])));
}

/** The names of the flags that were set, on the command line or by the environment. */
export function givenFlags({
  flags,
  metadata,
}: {
  flags: Record<string, unknown>;
  metadata: { flags: Record<string, { setFromDefault?: boolean } | undefined> };
}): Set<string> {
  const isGiven = (name: string) => flags[name] !== false && !metadata.flags[name]?.setFromDefault;
  return new Set(Object.keys(flags).filter(isGiven));
}
