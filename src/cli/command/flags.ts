/**
 * The kinds of flags that the commands are made of, and the environment variable that each one has
 * (docs/command-line.md, "Environment").
 */
import { Flags } from '@oclif/core';
import type { OptionFlag } from '@oclif/core/interfaces';
import { formatSize, type Range } from '../../server/ranges.js';
import { parseCount, parseHostPort, parseList, parseSize } from './values.js';

/** `batch-max-bytes` is `FASTCACHE_BATCH_MAX_BYTES`. */
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

/** A size in bytes: `64kb`, `1mb`, `2gb` or a plain number. */
export function sizeFlag({ summary, default: bytes, ...range }: NumberFlag) {
  return Flags.custom<number>({
    summary,
    helpValue: '<size>',
    // The help shows the spelling, not the number; oclif types this as the value although it prints it.
    defaultHelp: async () => formatSize(bytes),
    parse: async (text) => parseSize(text, range),
  })({ default: bytes });
}

/** A whole number. */
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

/** A value of any kind, and no default. */
export function valueFlag<T extends bigint | number>({ summary, helpValue, parse }: ValueFlag<T>) {
  const flag = Flags.custom<bigint | number>({ summary, helpValue, parse: async (text) => parse(text) })();
  return flag as OptionFlag<T | undefined>;
}

/**
 * Values with commas between them; the flag may also be given several times. `listed` joins what comes of it.
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

/** What oclif makes of a flag that may be given several times; from the environment it comes alone. */
export type Listed<T> = T | T[] | T[][];

/** The values of a flag that may be given several times, in one list; undefined where it is not given. */
export function listed<T extends string | number>(values: Listed<T> | undefined): T[] | undefined {
  return values === undefined ? undefined : ([values].flat(2) as T[]);
}

/** `host:port`, `[v6]:port` or `:port`, in its canonical spelling. */
export function addressFlag(summary: string, address: string | undefined) {
  const flag = Flags.custom<string>({
    summary,
    helpValue: '<host:port>',
    parse: async (text) => parseHostPort(text),
  });
  return address === undefined ? flag() : flag({ default: address });
}

/** One word of `options`. */
export function choiceFlag<const T extends string>(
  summary: string,
  options: readonly T[],
  choice: NoInfer<T>,
) {
  return Flags.option({ summary, options, helpValue: options.join('|') })({ default: choice });
}

/** The name of a file to read. */
export function fileFlag(summary: string) {
  return Flags.string({ summary, helpValue: '<file>' });
}

/** What oclif found on the command line, in its order. */
export type RawTokens = readonly ({ type: 'flag'; flag: string } | { type: 'arg' })[];

/**
 * The names of the flags that stand on the command line. One that the environment alone sets is none that can
 * be out of place.
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
