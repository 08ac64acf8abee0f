/** The flags of `watermarks`, and the modes that they choose: look once, watch, check, wait or forget. */
import * as Flags from '@oclif/core/flags';
import { SERVER_NAME } from '../../replication/link/server-name.js';
import type { CheckRules } from '../../status/watermarks-check.js';
import { environmentName, fileFlag, valueFlag, withEnvironment } from '../command/flags.js';
import { tlsFlags } from '../command/tls-flags.js';
import { parseCount, parseHostPort, parseList, UsageError } from '../command/values.js';
import type { Endpoint } from './endpoint.js';

/** The flags of `watermarks`. */
export const watermarksFlags = withEnvironment({
  'token-file': fileFlag('The token that the primary asks for; FASTCACHE_TOKEN does the same.'),
  ...tlsFlags,
  shards: Flags.boolean({
    summary: 'Show each shard as well: its watermark, and the replica that is furthest behind.',
  }),
  watch: valueFlag({
    summary: 'Look again every so many seconds, 2 when none are given, until SIGINT.',
    helpValue: '[seconds]',
    parse: parseWatchSeconds,
  }),
  check: Flags.boolean({ summary: 'Judge for monitoring: exit 0, 1, 2 or 3.' }),
  'max-lag-ms': valueFlag({
    summary: 'With --check: more is critical, more than half of it a warning.',
    helpValue: '<number>',
    parse: (text) => parseCount(text),
  }),
  'max-lag-records': valueFlag({
    summary: 'With --check: as --max-lag-ms, in records.',
    helpValue: '<number>',
    parse: (text) => parseCount(text),
  }),
  expect: valueFlag({
    summary: 'With --check: how many replicas must be connected, or the names or addresses of those.',
    helpValue: '<number>|<name>,…',
    parse: parseExpected,
  }),
  'ignore-gone': Flags.boolean({ summary: 'With --check: replicas that are gone are no finding.' }),
  wait: Flags.boolean({ summary: 'Wait until all replicas have what the primary has now.' }),
  timeout: valueFlag({
    summary: 'With --wait: give up after so many seconds, 30 when none are given; 0: never.',
    helpValue: '<seconds>',
    parse: parseTimeoutSeconds,
  }),
  forget: Flags.custom<string>({
    summary: 'List a replica no longer that has left: its name or address as it is shown, or gone for all.',
    helpValue: 'gone|<name>|<host:port>',
    parse: async (text) => (SERVER_NAME.test(text) ? text : parseHostPort(text)),
  })(),
});

/** The values of the flags. */
export interface WatermarksFlags {
  shards?: boolean | undefined;
  /** Milliseconds between two looks; undefined without `--watch`. */
  watch?: number | undefined;
  check?: boolean | undefined;
  'max-lag-ms'?: number | undefined;
  'max-lag-records'?: number | undefined;
  expect?: number | readonly string[] | undefined;
  'ignore-gone'?: boolean | undefined;
  wait?: boolean | undefined;
  /** Milliseconds until a wait ends; 0: it does not. */
  timeout?: number | undefined;
  /** `gone`, or the name or address of a replica. */
  forget?: string | undefined;
}

/** The mode that the flags choose. */
export type WatermarksMode =
  | { name: 'look' | 'check' }
  | { name: 'watch'; intervalMs: number }
  | { name: 'wait'; timeoutMs: number }
  | { name: 'forget'; which: string };

/**
 * The mode that the flags ask for. Flags that are `typed` (`typedFlags`) have precedence over those of the
 * environment. Throws a `UsageError` for flags that exclude each other, and for dumps where only servers can
 * be asked.
 */
export function watermarksMode(
  flags: WatermarksFlags,
  typed: ReadonlySet<string>,
  endpoints: readonly Endpoint[],
): WatermarksMode {
  const asked = (['watch', 'check', 'wait', 'forget'] as const).filter((name) => flags[name]);
  const typedModes = asked.filter((name) => typed.has(name));
  const modes = typedModes.length > 0 ? typedModes : asked;
  if (modes.length > 1) throw new UsageError(`--${modes[0]} and --${modes[1]} exclude each other`);
  const [name = 'look'] = modes;
  for (const rule of ['max-lag-ms', 'max-lag-records', 'expect', 'ignore-gone'] as const) {
    if (typed.has(rule) && name !== 'check') throw new UsageError(`--${rule} goes with --check`);
  }
  if (typed.has('shards') && name !== 'look' && name !== 'watch') {
    throw new UsageError(`--shards is for the table, and --${name} shows none`);
  }
  if (typed.has('timeout') && name !== 'wait') throw new UsageError('--timeout goes with --wait');
  if (name !== 'look' && endpoints.some(({ isDump }) => isDump)) {
    throw new UsageError(`--${name} asks servers, host:port; a dump lists no replicas`);
  }
  switch (name) {
    case 'watch':
      return { name, intervalMs: flags.watch! };
    case 'wait':
      return { name, timeoutMs: flags.timeout ?? DEFAULT_TIMEOUT_MS };
    case 'forget':
      return { name, which: flags.forget! };
    default:
      return { name };
  }
}

/** Returns the rules of a check that the flags give. */
export function checkRules(flags: WatermarksFlags): CheckRules {
  return {
    maxLagMs: flags['max-lag-ms'],
    maxLagRecords: flags['max-lag-records'],
    expected: flags.expect,
    ignoresGone: flags['ignore-gone'] ?? false,
  };
}

/** Returns whether arguments, which may be wrong, or the environment ask for a check. */
export function isCheck(argv: readonly string[]): boolean {
  return argv.includes('--check') || process.env[environmentName('check')] !== undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_WATCH_SECONDS = '2';
const LONGEST_WATCH_SECONDS = 3_600;

/**
 * The arguments, with seconds added to a `--watch` that has none: oclif has no flags whose value may be
 * missing.
 */
export function withWatchSeconds(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const filled: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index]!;
    const isWatch = argument === '--watch' && (end === -1 || index < end);
    if (isWatch && !isSeconds(argv[index + 1])) filled.push(`--watch=${DEFAULT_WATCH_SECONDS}`);
    else filled.push(argument);
  }
  return filled;
}

/** Parses seconds, which may have decimals, into milliseconds. */
function parseWatchSeconds(text: string): number {
  const seconds = isSeconds(text) ? Number(text) : Number.NaN;
  if (seconds >= 0.1 && seconds <= LONGEST_WATCH_SECONDS) return Math.round(seconds * 1000);
  throw new UsageError(`expected seconds from 0.1 to ${LONGEST_WATCH_SECONDS}; got "${text}"`);
}

/** Parses a number of replicas, or their names and addresses. */
function parseExpected(text: string): number | readonly string[] {
  if (/^\d+$/.test(text)) return parseCount(text, { max: 65_535 });
  return parseList(text, (name) => (SERVER_NAME.test(name) ? name : parseHostPort(name)));
}

/** Parses whole seconds into milliseconds. */
function parseTimeoutSeconds(text: string): number {
  return parseCount(text, { max: 1_000_000 }) * 1000;
}

function isSeconds(text: string | undefined): boolean {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text);
}
