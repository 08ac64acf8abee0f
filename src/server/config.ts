/** What a primary and a replica can be told: options with their defaults (cli.md), checked once, by hand. */
import { resolve } from 'node:path';
import { type EvictionPolicy, evictionPolicies } from '../engine/memory-limit.js';
import type { RouteMode } from '../engine/types.js';
import { FastcacheError } from '../errors.js';
import {
  DEFAULT_BACKLOG_BYTES,
  DEFAULT_BATCH_MAX_BYTES,
  DEFAULT_BATCH_MAX_DELAY_US,
  DEFAULT_BATCH_MAX_RECORDS,
  DEFAULT_CONNECT_TIMEOUT_MS,
  DEFAULT_MAX_REPLICAS,
  DEFAULT_MAX_VALUE_BYTES,
  DEFAULT_MIN_REPLICAS_MAX_LAG_SECONDS,
  DEFAULT_RECONNECT_BACKOFF_MS,
  DEFAULT_SHARDS,
  DEFAULT_SNAPSHOT_CHUNK_BYTES,
  DEFAULT_SUBSCRIBER_QUEUE_BYTES,
  DEFAULT_SUBSCRIBER_QUEUE_FRAMES,
  DEFAULT_ZSTD_LEVEL,
  MAX_FRAME_PAYLOAD_BYTES,
  MAX_SHARDS,
  MAX_ZSTD_LEVEL,
  MIN_SNAPSHOT_CHUNK_BYTES,
  MIN_ZSTD_LEVEL,
} from '../limits.js';
import type { SequenceBase } from '../replication/history.js';
import type { ChangeConsumer } from '../replication/outputs/changes.js';
import type { SendPolicy } from '../replication/stream/publisher.js';
import { formatAddress, parseAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';

/** What servers of both roles can be told. */
export interface ServerOptions {
  /** Replicas present it to the primary. */
  token?: string | undefined;
  /** Clients present it with AUTH. */
  password?: string | undefined;
  /** The longest value or argument of a client, bytes; default 64 MiB. */
  maxValueBytes?: number;
  /** For keys, values and tables; default 0: as much as WebAssembly has, just under 4 GiB. A replica keeps to it once promoted. */
  maxMemoryBytes?: number;
  /** What goes when that is full; default `noeviction`: writes are refused. */
  eviction?: EvictionPolicy;
  /** Allows addresses beyond this machine although nothing is encrypted. */
  insecure?: boolean;
  /** A file to which every frame of the stream goes as well. */
  record?: string | undefined;
  /** HTTP with `/metrics`, `/healthz` and `/readyz`: `host:port`, port 0 picks a free one; default none. */
  metrics?: string | false | undefined;
}

/** What whoever serves replicas can be told. */
export interface ServingOptions {
  /** For all shards together; default 64 MiB. */
  backlogBytes?: number;
  /** At least 4 KiB; default 1 MiB. */
  snapshotChunkBytes?: number;
  /** Default 16. */
  maxReplicas?: number;
  /** A replica with more frames waiting is cut off; default 1024. */
  subscriberQueueFrames?: number;
  /** A replica with more bytes waiting is cut off; default 256 MiB. */
  subscriberQueueBytes?: number;
}

export interface PrimaryOptions extends ServerOptions, ServingOptions {
  /** FCRP, for replicas: `host:port`; default `127.0.0.1:7631`, port 0 picks a free one. */
  bind?: string;
  /** The Redis protocol, for clients; default `127.0.0.1:6380`, false for none. */
  listen?: string | false;
  /** A power of two, 1 to 1024; default 4. */
  shards?: number;
  /** Default `full-key`. */
  route?: RouteMode;
  /** Default `none`. */
  compression?: 'none' | 'zstd';
  /** 1 to 22; default 3. */
  zstdLevel?: number;
  /** Default `adaptive` (replication/publisher.ts). */
  sendPolicy?: SendPolicy;
  /** Default 512. */
  batchMaxRecords?: number;
  /** Default 1 MiB. */
  batchMaxBytes?: number;
  /** Default 750; for the policy `batch`. */
  batchMaxDelayUs?: number;
  /** Clients' writes are refused while fewer good replicas are there; default 0. */
  minReplicas?: number;
  /** A replica is good that acknowledged at most so long ago; default 10, 0: clients' writes are never refused. */
  minReplicasMaxLagSeconds?: number;
  /** Default `clock` (design.md, "Histories"). */
  sequenceBase?: SequenceBase;
  /** A dump to start from: its content becomes that of a new history, but for keys that have expired. */
  load?: string | undefined;
  /** Told while that is read: so many of its bytes are. */
  onLoading?: ((bytes: number) => void) | undefined;
}

export interface ReplicaOptions extends ServerOptions, ServingOptions {
  /** FCRP, for replicas of this replica: `host:port`, port 0 picks a free one; default none. */
  bind?: string | false | undefined;
  /** The read-only Redis protocol: `host:port`; default none. */
  listen?: string | false;
  /** Ceiling of the first pause before a reconnect; default 200. */
  reconnectBackoffMs?: number;
  /** Default 500. */
  connectTimeoutMs?: number;
  /** Whether reads are answered while the link to the primary is down; default true. */
  servesStaleData?: boolean;
  /**
   * Takes each change that is applied, in order; the next one waits for its promise, and meanwhile the primary is not read.
   * What it throws ends the following: `stopped`.
   */
  changes?: ChangeConsumer | ChangeConsumer['take'] | undefined;
  /**
   * For `record` and `changes`: a file that says how far they are, about once a second and at the end, so that the next run
   * goes on from there. No content is kept then: there is nothing to `get`, and no `listen` or `bind`.
   */
  state?: string | undefined;
  /** Stop, rather than try again, when the primary refuses the token; default false. */
  failFast?: boolean;
  /** Whether content without a key may replace content that has keys; default false. */
  allowEmptySnapshot?: boolean;
}

/** Options of both roles, each checked and with its default: what a node is made from. */
export interface NodeConfig {
  token: string | undefined;
  password: string | undefined;
  record: string | undefined;
  /** Undefined: no metrics port. */
  metrics: Address | undefined;
  maxValueBytes: number;
  maxMemoryBytes: number;
  eviction: EvictionPolicy;
  backlogBytes: number;
  snapshotChunkBytes: number;
  maxReplicas: number;
  subscriberQueueFrames: number;
  subscriberQueueBytes: number;
  /** Undefined: no port for replicas. */
  bind: Address | undefined;
  /** Undefined: no port for clients. */
  listen: Address | undefined;
  shards: number;
  route: RouteMode;
  compression: 'none' | 'zstd';
  zstdLevel: number;
  sendPolicy: SendPolicy;
  batchMaxRecords: number;
  batchMaxBytes: number;
  batchMaxDelayUs: number;
  minReplicas: number;
  minReplicasMaxLagSeconds: number;
  sequenceBase: SequenceBase;
  load: string | undefined;
  onLoading: ((bytes: number) => void) | undefined;
  /** The primary that it follows from its start on; undefined: it starts as a primary. */
  primary: Address | undefined;
  reconnectBackoffMs: number;
  connectTimeoutMs: number;
  servesStaleData: boolean;
  changes: ChangeConsumer | undefined;
  state: string | undefined;
  failFast: boolean;
  allowEmptySnapshot: boolean;
}

const LISTEN = { primary: '127.0.0.1:6380', bind: '127.0.0.1:7631' };

/** Throws BAD_OPTION, INSECURE_ADDRESS. */
export function primaryConfig(options: PrimaryOptions): NodeConfig {
  return nodeConfig(undefined, { bind: LISTEN.bind, listen: LISTEN.primary, ...options });
}

/** Throws BAD_OPTION, INSECURE_ADDRESS. */
export function replicaConfig(address: string, options: ReplicaOptions): NodeConfig {
  return nodeConfig(parseAddress(address), options);
}

function nodeConfig(
  primary: Address | undefined,
  options: Omit<PrimaryOptions, 'bind'> & ReplicaOptions,
): NodeConfig {
  const { changes, state } = options;
  if (state !== undefined && [options.listen, options.bind].some((address) => (address ?? false) !== false)) {
    throw new FastcacheError('BAD_OPTION', 'With state no content is kept that listen or bind could serve.');
  }
  if (state !== undefined && options.record === undefined && changes === undefined) {
    throw new FastcacheError('BAD_OPTION', 'state says how far record or changes are; neither is given.');
  }
  if (state !== undefined && options.record !== undefined && resolve(state) === resolve(options.record)) {
    throw new FastcacheError('BAD_OPTION', 'record and state are the same file.', { file: state });
  }
  const shards = options.shards ?? DEFAULT_SHARDS;
  if (!Number.isInteger(shards) || !Number.isInteger(Math.log2(shards)) || shards > MAX_SHARDS) {
    throw bad('shards', 'a power of two, 1 to 1024', shards);
  }
  const insecure = options.insecure ?? false;
  return {
    ...serverConfig(options),
    ...servingConfig(options),
    bind: listenAddress(options.bind ?? false, insecure),
    listen: listenAddress(options.listen ?? false, insecure),
    shards,
    route: choice<RouteMode>('route', options.route, ['full-key', 'session-prefix']),
    compression: choice<'none' | 'zstd'>('compression', options.compression, ['none', 'zstd']),
    zstdLevel: count('zstdLevel', options.zstdLevel, DEFAULT_ZSTD_LEVEL, MIN_ZSTD_LEVEL, MAX_ZSTD_LEVEL),
    sendPolicy: choice<SendPolicy>('sendPolicy', options.sendPolicy, ['adaptive', 'batch', 'immediate']),
    batchMaxRecords: count('batchMaxRecords', options.batchMaxRecords, DEFAULT_BATCH_MAX_RECORDS, 1, 2 ** 20),
    batchMaxBytes: count('batchMaxBytes', options.batchMaxBytes, DEFAULT_BATCH_MAX_BYTES, 1, LARGEST_BATCH),
    batchMaxDelayUs: count('batchMaxDelayUs', options.batchMaxDelayUs, DEFAULT_BATCH_MAX_DELAY_US, 1, 6e7),
    minReplicas: count('minReplicas', options.minReplicas, 0, 0, LARGEST_SETTING),
    minReplicasMaxLagSeconds: count(
      'minReplicasMaxLagSeconds',
      options.minReplicasMaxLagSeconds,
      DEFAULT_MIN_REPLICAS_MAX_LAG_SECONDS,
      0,
      LARGEST_SETTING,
    ),
    sequenceBase: choice<SequenceBase>('sequenceBase', options.sequenceBase, ['clock', 'zero']),
    load: options.load,
    onLoading: options.onLoading,
    primary,
    reconnectBackoffMs: count(
      'reconnectBackoffMs',
      options.reconnectBackoffMs,
      DEFAULT_RECONNECT_BACKOFF_MS,
      1,
    ),
    connectTimeoutMs: count('connectTimeoutMs', options.connectTimeoutMs, DEFAULT_CONNECT_TIMEOUT_MS, 1),
    servesStaleData: options.servesStaleData ?? true,
    changes: typeof changes === 'function' ? { take: changes } : changes,
    state,
    failFast: options.failFast ?? false,
    allowEmptySnapshot: options.allowEmptySnapshot ?? false,
  };
}

/** A batch may go over its limit by one record, and a frame must still hold it. */
const LARGEST_BATCH = MAX_FRAME_PAYLOAD_BYTES / 4;

/** What CONFIG SET takes at most. */
const LARGEST_SETTING = 2 ** 31 - 1;

function serverConfig(options: ServerOptions) {
  return {
    token: options.token,
    password: options.password,
    record: options.record,
    metrics: listenAddress(options.metrics ?? false, options.insecure ?? false),
    maxValueBytes: count(
      'maxValueBytes',
      options.maxValueBytes,
      DEFAULT_MAX_VALUE_BYTES,
      1,
      MAX_FRAME_PAYLOAD_BYTES / 2,
    ),
    maxMemoryBytes: count('maxMemoryBytes', options.maxMemoryBytes, 0, 0),
    eviction: choice<EvictionPolicy>('eviction', options.eviction, evictionPolicies),
  };
}

function servingConfig(options: ServingOptions) {
  return {
    backlogBytes: count('backlogBytes', options.backlogBytes, DEFAULT_BACKLOG_BYTES, 0),
    snapshotChunkBytes: count(
      'snapshotChunkBytes',
      options.snapshotChunkBytes,
      DEFAULT_SNAPSHOT_CHUNK_BYTES,
      MIN_SNAPSHOT_CHUNK_BYTES,
      MAX_FRAME_PAYLOAD_BYTES / 4,
    ),
    maxReplicas: count('maxReplicas', options.maxReplicas, DEFAULT_MAX_REPLICAS, 0),
    subscriberQueueFrames: count(
      'subscriberQueueFrames',
      options.subscriberQueueFrames,
      DEFAULT_SUBSCRIBER_QUEUE_FRAMES,
      1,
    ),
    subscriberQueueBytes: count(
      'subscriberQueueBytes',
      options.subscriberQueueBytes,
      DEFAULT_SUBSCRIBER_QUEUE_BYTES,
      1,
    ),
  };
}

function count(
  name: string,
  value: number | undefined,
  fallback: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const chosen = value ?? fallback;
  if (Number.isSafeInteger(chosen) && chosen >= least && chosen <= most) return chosen;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  throw bad(name, `a whole number, ${range}`, chosen);
}

/** One of `choices`, the first of which is what is chosen when nothing is. */
function choice<T extends string>(name: string, value: T | undefined, choices: readonly T[]): T {
  const chosen = value ?? choices[0]!;
  if (choices.includes(chosen)) return chosen;
  throw bad(name, choices.join(' or '), chosen);
}

function bad(name: string, expected: string, found: number | string): FastcacheError {
  return new FastcacheError('BAD_OPTION', `${name} must be ${expected}; it is ${found}.`, {
    expected,
    found,
  });
}

function listenAddress(listen: string | false, insecure: boolean): Address | undefined {
  return listen === false ? undefined : safeAddress(listen, insecure);
}

function safeAddress(text: string, insecure: boolean): Address {
  const address = parseAddress(text);
  if (insecure || isLoopback(address.host)) return address;
  const place = formatAddress(address);
  throw new FastcacheError(
    'INSECURE_ADDRESS',
    `${place} can be reached from other machines, and nothing is encrypted: --insecure (insecure: true) allows it.`,
    { address: place },
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
