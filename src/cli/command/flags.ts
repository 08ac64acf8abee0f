/** The kinds of flags that the commands are made of, and the environment variable that each one has (cli.md). */
import { Flags } from '@oclif/core';
import type { OptionFlag } from '@oclif/core/interfaces';
import { evictionPolicies } from '../../engine/memory-limit.js';
import {
  DEFAULT_BACKLOG_BYTES,
  DEFAULT_MAX_REPLICAS,
  DEFAULT_MAX_VALUE_BYTES,
  DEFAULT_SNAPSHOT_CHUNK_BYTES,
  DEFAULT_SUBSCRIBER_QUEUE_BYTES,
  DEFAULT_SUBSCRIBER_QUEUE_FRAMES,
  MAX_FRAME_PAYLOAD_BYTES,
  MIN_SNAPSHOT_CHUNK_BYTES,
} from '../../limits.js';
import type { ServingOptions } from '../../server/config.js';
import {
  formatSize,
  parseCount,
  parseHostPort,
  parseList,
  parseOutputFile,
  parseShards,
  parseSize,
  type Range,
  UsageError,
} from './values.js';

/** A key and a value of this size together, with the record around them, fit into a frame. */
const LARGEST_MAX_VALUE_BYTES = MAX_FRAME_PAYLOAD_BYTES / 2 - 1_048_576;

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

/** Values with commas between them; the flag may also be given several times. `listed` joins what comes of it. */
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

export function listed<T extends string | number>(values: Listed<T> | undefined): T[] | undefined {
  return values === undefined ? undefined : ([values].flat(2) as T[]);
}

/** `host:port`, `[v6]:port` or `:port`, in its canonical spelling. */
export function addressFlag(summary: string, address: string) {
  return Flags.custom<string>({
    summary,
    helpValue: '<host:port>',
    parse: async (text) => parseHostPort(text),
  })({ default: address });
}

/** As that, and no default. */
export function optionalAddressFlag(summary: string) {
  return Flags.custom<string>({
    summary,
    helpValue: '<host:port>',
    parse: async (text) => parseHostPort(text),
  })();
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

/** `--listen` and `--no-listen`, the Redis-protocol port of a server; `listenAddress` reads them. */
export function listenFlags(summary: string, address: string) {
  return {
    listen: addressFlag(summary, address),
    'no-listen': Flags.boolean({ summary: 'No Redis-protocol port.', default: false }),
  };
}

/** The address to listen on, or false: what the arguments say before what the environment says. */
export function listenAddress({
  flags,
  raw,
}: {
  flags: { listen: string; 'no-listen': boolean };
  raw: RawTokens;
}): string | false {
  const typed = typedFlags({ raw });
  if (typed.has('listen') && typed.has('no-listen')) {
    throw new UsageError('--listen and --no-listen exclude each other');
  }
  return flags['no-listen'] && !typed.has('listen') ? false : flags.listen;
}

type RawTokens = readonly ({ type: 'flag'; flag: string } | { type: 'arg' })[];

/** The names of the flags that stand on the command line. One that the environment alone sets is none that can be out of place. */
export function typedFlags({ raw }: { raw: RawTokens }): Set<string> {
  return new Set(raw.flatMap((token) => (token.type === 'flag' ? [token.flag] : [])));
}

/** What both kinds of server have. */
export function serverFlags() {
  return {
    record: Flags.custom<string>({
      summary:
        'Write the frames of the stream to this dump as well; one that is there is replaced, unless a state goes on with it.',
      helpValue: '<file>',
      parse: async (file) => parseOutputFile(file),
    })(),
    'max-memory': sizeFlag({
      summary:
        'Memory for keys, values and tables, which a replica keeps to once promoted; 0: as much as there is, just under 4gb.',
      default: 0,
    }),
    eviction: choiceFlag(
      'What goes when that is full: nothing (writes are refused), keys long unused, any keys, or those that expire next.',
      evictionPolicies,
      'noeviction',
    ),
    metrics: optionalAddressFlag(
      'Serve /metrics (Prometheus), /healthz and /readyz over HTTP here; port 0 picks a free one.',
    ),
    'token-file': fileFlag('The token that replicas present to the primary; FASTCACHE_TOKEN does the same.'),
    'password-file': fileFlag(
      'The password that clients present with AUTH; FASTCACHE_PASSWORD does the same.',
    ),
    insecure: Flags.boolean({
      summary: 'Allow addresses beyond this machine although nothing is encrypted.',
    }),
    'max-value': sizeFlag({
      summary: 'The longest value or argument that a client may send.',
      default: DEFAULT_MAX_VALUE_BYTES,
      min: 1,
      max: LARGEST_MAX_VALUE_BYTES,
    }),
  };
}

/** What whoever serves replicas has; `servingOptions` reads them. */
export function servingFlags() {
  return {
    backlog: sizeFlag({
      summary: 'Frames kept for replicas that come back; a shard has its equal share.',
      default: DEFAULT_BACKLOG_BYTES,
    }),
    'snapshot-chunk': sizeFlag({
      summary: 'About the size of a snapshot chunk; replicas of ours get at most 256kb in one.',
      default: DEFAULT_SNAPSHOT_CHUNK_BYTES,
      min: MIN_SNAPSHOT_CHUNK_BYTES,
      max: MAX_FRAME_PAYLOAD_BYTES / 4,
    }),
    'max-replicas': countFlag({
      summary: 'Replicas at one time.',
      default: DEFAULT_MAX_REPLICAS,
      min: 1,
      max: 65_535,
    }),
    'subscriber-queue': countFlag({
      summary: 'A replica with more frames than this waiting is cut off.',
      default: DEFAULT_SUBSCRIBER_QUEUE_FRAMES,
      min: 1,
    }),
    'subscriber-bytes': sizeFlag({
      summary: 'A replica with more bytes than this waiting is cut off.',
      default: DEFAULT_SUBSCRIBER_QUEUE_BYTES,
      min: 1,
    }),
  };
}

export function servingOptions(flags: {
  backlog: number;
  'snapshot-chunk': number;
  'max-replicas': number;
  'subscriber-queue': number;
  'subscriber-bytes': number;
}): ServingOptions {
  return {
    backlogBytes: flags.backlog,
    snapshotChunkBytes: flags['snapshot-chunk'],
    maxReplicas: flags['max-replicas'],
    subscriberQueueFrames: flags['subscriber-queue'],
    subscriberQueueBytes: flags['subscriber-bytes'],
  };
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
