/**
 * The options of a server, each one row (docs/architecture.md, "Options"). The library's options, the flags
 * and environment variables of `serve`, `primary start` and `replica follow`, the settings of CONFIG and the
 * help are all made from these rows. The comment above a row is its documentation for programs.
 */
import { evictionPolicies } from '../engine/memory-limit.js';
import type { RouteMode } from '../engine/types.js';
import { fileModes } from '../files/file-mode.js';
import * as limits from '../limits.js';
import type { ChangeConsumer } from '../replication/outputs/changes.js';
import type { ForeignHistory } from '../replication/replica/session-options.js';
import type { SendPolicy } from '../replication/stream/publisher.js';
import type { AnyOption } from './option.js';
import {
  address,
  boolean,
  callback,
  choice,
  count,
  events,
  file,
  secret,
  shardCount,
  size,
} from './option.js';
import {
  LARGEST_BATCH_BYTES,
  LARGEST_MAX_VALUE_BYTES,
  LARGEST_SECRET_BYTES,
  LARGEST_SETTING,
} from './option-limits.js';
import { startOptions } from './start-options.js';
import { supervisionOptions } from './supervision-options.js';
import { tlsOptions } from './tls-options.js';

/** Most options matter however a server begins, since each can change its role. */
const ALL = ['primary', 'replica', 'server'] as const;

/** Every option by its name in the library. */
export const serverOptions = {
  /**
   * Where replicas connect (FCRP), besides the port of clients: `host:port`, port 0 picks a free one. A
   * primary always has such a port, by default `127.0.0.1:7631`; a replica has none by default.
   */
  bind: address({
    on: ALL,
    flag: 'bind',
    summary: 'Where replicas connect (FCRP), besides the port of clients; port 0 picks a free one.',
    neededBy: ['primary'],
    defaults: { primary: '127.0.0.1:7631' },
  }),
  /**
   * Where clients connect (the Redis protocol), and replicas as well: `host:port`, port 0 picks a free one,
   * false for none; default `127.0.0.1:6380` for a primary and none for a replica.
   */
  listen: address({
    on: ALL,
    flag: 'listen',
    summary: 'Where clients connect (Redis protocol), and replicas as well; port 0 picks a free one.',
    noSummary: 'No Redis-protocol port.',
    neededBy: [],
    defaults: { primary: '127.0.0.1:6380', server: '127.0.0.1:6380' },
    commandDefaults: { replica: '127.0.0.1:6381' },
    config: { names: ['bind', 'port'], change: 'fixed' },
  }),
  /** Shards of the store, a power of two from 1 to 1024; default 4. A replica has as many as its primary. */
  shards: shardCount({
    on: ALL,
    flag: 'shards',
    summary: 'Shards of the store, a power of two. A replica has as many as its primary.',
    default: 4,
  }),
  /**
   * The part of a key that picks its shard; default `full-key`. A replica routes by it once it is promoted.
   */
  route: choice<RouteMode, (typeof ALL)[number]>({
    on: ALL,
    flag: 'route',
    summary: 'What of a key picks its shard.',
    choices: ['full-key', 'session-prefix'],
  }),
  /** Compression of the frames that replicas are sent; default `none`. */
  compression: choice({
    on: ALL,
    flag: 'compression',
    summary: 'Compression of what replicas are sent.',
    choices: ['none', 'zstd'],
  }),
  /** Level of zstd, from 1 to 22; default 3. */
  zstdLevel: count({
    on: ALL,
    flag: 'zstd-level',
    summary: 'Level of zstd.',
    min: limits.MIN_ZSTD_LEVEL,
    max: limits.MAX_ZSTD_LEVEL,
    default: limits.DEFAULT_ZSTD_LEVEL,
  }),
  /**
   * When records are sent; default `adaptive`, at the end of the turn. With `batch` they are sent in batches,
   * and with `immediate` each at once.
   */
  sendPolicy: choice<SendPolicy, (typeof ALL)[number]>({
    on: ALL,
    flag: 'send-policy',
    summary: 'When records leave: at the end of the turn, in batches, or each at once.',
    choices: ['adaptive', 'batch', 'immediate'],
  }),
  /** A batch is sent when it has so many records, from 1 to 1048576; default 512. */
  batchMaxRecords: count({
    on: ALL,
    flag: 'batch-max-records',
    summary: 'A batch leaves with this many records.',
    min: 1,
    max: 2 ** 20,
    default: limits.DEFAULT_BATCH_MAX_RECORDS,
  }),
  /** A batch is sent at this size, bytes from 1 to 64mb; default 1mb. */
  batchMaxBytes: size({
    on: ALL,
    flag: 'batch-max-bytes',
    summary: 'A batch leaves at this size.',
    min: 1,
    max: LARGEST_BATCH_BYTES,
    default: limits.DEFAULT_BATCH_MAX_BYTES,
  }),
  /**
   * With the policy `batch` a batch is sent when its first record is this old, µs from 1 to 60000000; default
   * 750.
   */
  batchMaxDelayUs: count({
    on: ALL,
    flag: 'batch-max-delay-us',
    summary: 'With the policy batch, a batch leaves when its first record is this old, in microseconds.',
    min: 1,
    max: 60_000_000,
    default: 750,
  }),
  /** Frames kept for replicas that reconnect, for all shards together, bytes from 0; default 64mb. */
  backlogBytes: size({
    on: ALL,
    flag: 'backlog',
    summary: 'Frames kept for replicas that come back, of all shards together.',
    min: 0,
    default: 64 * 1024 ** 2,
  }),
  /** The approximate size of a snapshot chunk, bytes from 4kb to 64mb; default 1mb. */
  snapshotChunkBytes: size({
    on: ALL,
    flag: 'snapshot-chunk',
    summary: 'About the size of a snapshot chunk; fastcache replicas get at most 256kb in one.',
    min: 4_096,
    max: limits.MAX_FRAME_PAYLOAD_BYTES / 4,
    default: limits.DEFAULT_SNAPSHOT_CHUNK_BYTES,
  }),
  /** Replicas that may be connected at a time, from 1 to 65535; default 16. */
  maxReplicas: count({
    on: ALL,
    flag: 'max-replicas',
    summary: 'Replicas at one time.',
    min: 1,
    max: 65_535,
    default: 16,
  }),
  /** A replica that is more frames behind is given a snapshot, from 0, which is no limit; default 0. */
  subscriberQueueFrames: count({
    on: ALL,
    flag: 'subscriber-queue',
    summary: 'A replica this many frames behind is given a snapshot; 0: only bytes count.',
    min: 0,
    default: 0,
  }),
  /**
   * A replica that is more bytes behind is given a snapshot, a Rust one disconnected, from 1; default 256mb.
   */
  subscriberQueueBytes: size({
    on: ALL,
    flag: 'subscriber-bytes',
    summary: 'A replica this far behind is given a snapshot; a Rust one is cut off.',
    min: 1,
    default: 256 * 1024 ** 2,
  }),
  /**
   * Clients' writes are refused while fewer good replicas are connected, from 0 to 2147483647; default 0.
   */
  minReplicas: count({
    on: ALL,
    flag: 'min-replicas',
    summary: 'Writes are answered NOREPLICAS while fewer replicas than this keep up.',
    min: 0,
    max: LARGEST_SETTING,
    default: 0,
    config: { names: ['min-replicas-to-write', 'min-slaves-to-write'], change: 'settable' },
  }),
  /**
   * A replica is good whose last acknowledgement is at most so many seconds old, from 0 to 2147483647;
   * default 10. With 0 clients' writes are never refused.
   */
  minReplicasMaxLagSeconds: count({
    on: ALL,
    flag: 'min-replicas-max-lag',
    summary: 'A replica keeps up when it acknowledged at most so many seconds ago; 0: none are asked for.',
    min: 0,
    max: LARGEST_SETTING,
    default: 10,
    config: { names: ['min-replicas-max-lag', 'min-slaves-max-lag'], change: 'settable' },
  }),
  ...startOptions,
  ...supervisionOptions,
  /**
   * The action of a replica that holds keys when its primary has a history that is foreign to them; default
   * `refuse`: it keeps them.
   */
  foreignHistory: choice<ForeignHistory, (typeof ALL)[number]>({
    on: ALL,
    flag: 'foreign-history',
    summary: 'What a replica does with a history that does not go back to its own: refuse it, or accept it.',
    choices: ['refuse', 'accept'],
  }),
  /** Stops, instead of trying again, when the primary refuses the token; default false. */
  failFast: boolean({ on: ['replica'], default: false }),
  /** Whether content without a key may replace content that has keys; default false. */
  allowEmptySnapshot: boolean({
    on: ALL,
    flag: 'allow-empty-snapshot',
    summary: 'Take over that a primary has no key at all, although keys are held.',
    default: false,
  }),
  /** Whether reads are answered while the link to the primary is down; default true. */
  servesStaleData: boolean({
    on: ALL,
    flag: 'no-serve-stale-data',
    isFlagNegative: true,
    summary: 'Answer reads with MASTERDOWN while the link to the primary is down.',
    default: true,
    config: { names: ['replica-serve-stale-data', 'slave-serve-stale-data'], change: 'fixed' },
  }),
  /** Ceiling of the first pause before a reconnect, ms from 1 to 5000; default 200. Later ones double. */
  reconnectBackoffMs: count({
    on: ALL,
    flag: 'reconnect-backoff-ms',
    summary: 'The first pause before another try, in milliseconds; later ones double.',
    min: 1,
    max: limits.MAX_RECONNECT_BACKOFF_MS,
    default: limits.DEFAULT_RECONNECT_BACKOFF_MS,
  }),
  /** How long a connection to the primary may take to open, ms from 1 to 60000; default 500. */
  connectTimeoutMs: count({
    on: ALL,
    flag: 'connect-timeout-ms',
    summary: 'How long a connection may take to open, in milliseconds.',
    min: 1,
    max: 60_000,
    default: limits.DEFAULT_CONNECT_TIMEOUT_MS,
  }),
  /**
   * Takes each change that is applied, in order; the next one waits for its promise, and meanwhile the
   * primary is not read. An error that it throws ends the following: `stopped`.
   */
  changes: callback<ChangeConsumer | ChangeConsumer['take'], 'replica'>({
    on: ['replica'],
    flag: 'changes',
    summary: 'Write each change that is applied to stdout, as NDJSON.',
    method: 'take',
  }),
  /**
   * A file for `record` and `changes` that says how far they are, about once a second and at the end, so that
   * the next run continues from there. No content is kept then: there is nothing to `get`, and no `listen` or
   * `bind`.
   */
  state: file({
    on: ['replica'],
    flag: 'state',
    summary:
      'With --record or --changes: keep in this file how far they are, so that the next run continues from there; no content is kept.',
    isWritten: true,
  }),
  /**
   * A file with the id by which a primary knows this node again when it comes back, made where there is none;
   * default: an id for this run alone.
   */
  idFile: file({
    on: ALL,
    flag: 'id-file',
    summary: 'Keep in this file the id by which a primary knows this node again after a restart.',
    isWritten: true,
  }),
  /**
   * A file in which every frame of the stream is recorded, with its index beside it. One that is not empty is
   * refused without `append` or `force`, unless `state` continues it.
   */
  record: file({
    on: ALL,
    flag: 'record',
    summary: 'Write the frames of the stream to this dump as well, and beside it an index, FILE.idx.',
    isWritten: true,
  }),
  /** Whether a dump that is there is continued by `record`. */
  append: boolean({
    on: ALL,
    flag: 'append',
    summary: 'With --record: go on behind what the dump has.',
    default: false,
  }),
  /** Whether a dump that is there is replaced by `record`, once the first frame has come. */
  force: boolean({
    on: ALL,
    flag: 'force',
    summary: 'With --record: replace the dump that is there, once the first frame has come.',
    default: false,
  }),
  /**
   * The mode of files that are made, the dump and the state; default `600`: nobody but their owner may read
   * them.
   */
  fileMode: choice({
    on: ALL,
    flag: 'mode',
    summary: 'Who may read and write the files that are made (a dump, a state), as chmod has it.',
    choices: fileModes,
  }),
  /**
   * The limit of keys, values and tables, bytes from 0; default 0: as much as WebAssembly has, just under 4
   * GiB. A replica observes it once it is promoted.
   */
  maxMemoryBytes: size({
    on: ALL,
    flag: 'max-memory',
    summary:
      'Memory for keys, values and tables, which a replica keeps to once promoted; 0: as much as there is, 3.6gb.',
    min: 0,
    default: 0,
    config: { names: ['maxmemory'], change: 'settable' },
  }),
  /** Which keys are evicted when the memory is full; default `noeviction`: writes are refused. */
  eviction: choice({
    on: ALL,
    flag: 'eviction',
    summary:
      'What goes when that is full: nothing (noeviction: writes are refused), or keys long unused, rarely used or any (allkeys-lru, -lfu, -random), or only such that expire (volatile-lru, -lfu, -random), or what expires next (volatile-ttl).',
    helpValue: '<policy>',
    choices: evictionPolicies,
    config: { names: ['maxmemory-policy'], change: 'settable' },
  }),
  /**
   * Which events of keys clients can subscribe to, in the letters of Redis' `notify-keyspace-events`, such as
   * `KEA`; default none.
   */
  notifyKeyspaceEvents: events({
    on: ALL,
    flag: 'notify-keyspace-events',
    summary: "Publish what happens to keys to channels: Redis' letters, such as KEA for all of it.",
    config: { names: ['notify-keyspace-events'], change: 'settable' },
  }),
  /** HTTP with `/metrics`, `/healthz` and `/readyz`: `host:port`, port 0 picks a free one; default none. */
  metrics: address({
    on: ALL,
    flag: 'metrics',
    summary: 'Serve /metrics (Prometheus), /healthz and /readyz over HTTP here; port 0 picks a free one.',
    neededBy: [],
  }),
  /** The secret that replicas present to the primary; 1 to 4096 bytes. */
  token: secret({
    on: ALL,
    flag: 'token-file',
    summary: 'The token that replicas present to the primary; FASTCACHE_TOKEN does the same.',
    maxBytes: LARGEST_SECRET_BYTES,
  }),
  /** The secret that clients present with AUTH; 1 to 4096 bytes. */
  password: secret({
    on: ALL,
    flag: 'password-file',
    summary: 'The password that clients present with AUTH; FASTCACHE_PASSWORD does the same.',
    maxBytes: LARGEST_SECRET_BYTES,
    config: { names: ['requirepass'], change: 'settable' },
  }),
  ...tlsOptions,
  /**
   * Allows addresses beyond this machine where nothing is encrypted, or anybody may come in; default false.
   */
  insecure: boolean({
    on: ALL,
    flag: 'insecure',
    summary: 'Allow addresses beyond this machine although nothing is encrypted, or anybody may come in.',
    default: false,
  }),
  /** The longest value or argument of a client, bytes from 1 to 127mb; default 64mb. */
  maxValueBytes: size({
    on: ALL,
    flag: 'max-value',
    summary: 'The longest value or argument that a client may send.',
    min: 1,
    max: LARGEST_MAX_VALUE_BYTES,
    default: limits.DEFAULT_MAX_VALUE_BYTES,
    config: { names: ['proto-max-bulk-len'], change: 'immutable' },
  }),
} satisfies Record<string, AnyOption>;

/** Every option with its name, in the order of the rows. */
export const optionRows = Object.entries(serverOptions) as readonly [keyof typeof serverOptions, AnyOption][];
