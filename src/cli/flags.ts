/** The kinds of flags that the commands are made of, and the environment variable that each one has (cli.md). */
import { Flags } from '@oclif/core';
import { formatSize, parseCount, parseHostPort, parseShards, parseSize, type Range } from './values.js';

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

/** `host:port`, `[v6]:port` or `:port`, in its canonical spelling. */
export function addressFlag(summary: string, address: string) {
  return Flags.custom<string>({
    summary,
    helpValue: '<host:port>',
    parse: async (text) => parseHostPort(text),
  })({ default: address });
}

/** A power of two. */
export function shardsFlag(summary: string, shards: number) {
  return Flags.custom<number>({
    summary,
    helpValue: '<number>',
    parse: async (text) => parseShards(text),
  })({ default: shards });
}

/** One word of `options`. */
export function choiceFlag<const T extends string>(
  summary: string,
  options: readonly T[],
  choice: NoInfer<T>,
) {
  return Flags.option({ summary, options, helpValue: options.join('|') })({ default: choice });
}

export function fileFlag(summary: string) {
  return Flags.string({ summary, helpValue: '<file>' });
}
