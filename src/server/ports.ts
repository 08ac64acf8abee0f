/** Pieces that a primary and a replica are both put together from. */
import { createRequire } from 'node:module';
import { type Random, systemSeams } from '../clock.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { FastcacheError } from '../errors.js';
import { openFileSink } from '../files/file-sink.js';
import type { Log } from '../replication/log.js';
import type { ReplicationMetrics } from '../replication/metrics.js';
import { Recorder } from '../replication/outputs/recorder.js';
import { ReplicaListener, type ReplicaListenerOptions } from '../replication/primary/listener.js';
import type { ReplicationHost } from '../resp/command-host.js';
import { CommandStatistics } from '../resp/command-statistics.js';
import { kernelCounts, kernelTotals } from '../resp/kernel-counts.js';
import { type OuterSituation, RespServer } from '../resp/server.js';
import { Settings } from '../resp/settings.js';
import { renderInfo, type ServerStatus } from '../status/info.js';
import { startMetricsServer } from '../status/metrics/metrics-server.js';
import type { PrimaryRole } from '../status/primary-report.js';
import type { ReplicaRole } from '../status/replica-report.js';
import type { NodeReport } from '../status/report.js';
import { type FrontStatus, serverStatus } from '../status/server-status.js';
import { statusDocument } from '../status/status-document.js';
import { encodeStatus } from '../status/status-payload.js';
import type { Address, Listener } from '../transport/connection.js';
import { tcpTransport } from '../transport/tcp.js';
import type { NodeConfig } from './config.js';
import { configOptions } from './config-options.js';

/** A key or a value: bytes, or text as UTF-8. */
export type Bytes = Uint8Array | string;

/** Frames that may wait for a dump's disk, or for who takes a promoted replica's changes. */
export const OUTPUT_QUEUE_BYTES = 256 * 1024 * 1024;
/** Room for several of the longest values in one command, as MSET may carry them. */
const VALUES_IN_A_COMMAND = 4;
const QUERY_BUFFER_BYTES_MIN = 64 * 1024 * 1024;

const { version } = createRequire(import.meta.url)('fastcache/package.json') as { version: string };

export function keyBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

export function randomSeed(random: Random): bigint {
  return (BigInt(random.u32()) << 32n) | BigInt(random.u32());
}

export interface RecorderSetup {
  record: string | undefined;
  /** Goes on behind so many bytes of the dump; else it is begun anew. */
  keptBytes?: number | undefined;
  /** When absent, a fault is logged. */
  onFault?(error: FastcacheError): void;
}

/** The dump that `record` asks for. Throws WRITE_FAILED when it can't be opened. */
export function openRecorder({ record, keptBytes, onFault }: RecorderSetup, log: Log): Recorder | undefined {
  if (record === undefined) return undefined;
  return new Recorder({
    sink: openFileSink(record, keptBytes),
    maxQueuedBytes: OUTPUT_QUEUE_BYTES,
    bytesBefore: keptBytes ?? 0,
    onFault: onFault ?? ((error) => log.error(error.message)),
  });
}

export interface DoorOptions
  extends Pick<ReplicaListenerOptions, 'stream' | 'status' | 'metrics' | 'log' | 'encoding'> {
  config: NodeConfig;
  bind: Address;
}

/** The door for replicas. Throws PORT_TAKEN, LISTEN_FAILED. */
export function openDoor({ config, ...options }: DoorOptions): Promise<ReplicaListener> {
  return ReplicaListener.start({
    transport: tcpTransport,
    clock: systemSeams.clock,
    timers: systemSeams.timers,
    token: config.token,
    maxReplicas: config.maxReplicas,
    snapshotChunkBytes: config.snapshotChunkBytes,
    subscriberQueueFrames: config.subscriberQueueFrames,
    subscriberQueueBytes: config.subscriberQueueBytes,
    ...options,
  });
}

export interface SettingsOptions {
  config: NodeConfig;
  /** The store of this moment. */
  engine(): ShardEngine;
  /** The port really listened on. */
  port(): number;
}

/** What CONFIG shows and sets, from the options that a server was started with; changes take effect on the store. */
export function createSettings({ config, engine, port }: SettingsOptions): Settings {
  const settings = new Settings({
    options: configOptions(config),
    replicaQueueBytes: config.subscriberQueueBytes,
    queryBufferBytes: Math.max(QUERY_BUFFER_BYTES_MIN, VALUES_IN_A_COMMAND * config.maxValueBytes),
    bind: config.listen === undefined ? '' : config.listen.host,
    port,
  });
  settings.onChange((name) => {
    if (name.startsWith('maxmemory')) limitMemory(settings, engine());
  });
  return settings;
}

/** Has a store keep to the limit that the settings name. */
export function limitMemory(settings: Settings, engine: ShardEngine): void {
  engine.limitMemory({
    maxBytes: settings.maxMemoryBytes,
    policy: settings.maxMemoryPolicy,
    samples: settings.maxMemorySamples,
  });
}

export interface StatusOptions {
  settings: Settings;
  engine(): ShardEngine;
  metrics: ReplicationMetrics;
  isReplica(): boolean;
  /** Nothing has come from the primary yet. */
  isLoading(): boolean;
  /** INFO replication behind `role`. */
  replicationInfo(): Record<string, string | number>;
}

/** What INFO and the metrics tell of a server, with its Redis front or, when it has none, without. */
export type Status = (front?: FrontStatus) => ServerStatus;

export function createStatus({ settings, engine, metrics, ...options }: StatusOptions): Status {
  const { clock, random } = systemSeams;
  const startedMs = clock.nowMs();
  const runId = Array.from({ length: 5 }, () => random.u32().toString(16).padStart(8, '0')).join('');
  const noFront: FrontStatus = {
    port: 0,
    clients: [],
    statistics: new CommandStatistics(
      () => kernelCounts(engine()),
      () => kernelTotals(engine(), 0),
    ),
  };
  return (server = noFront) =>
    serverStatus({
      role: options.isReplica() ? 'slave' : 'master',
      version,
      nowMs: clock.nowMs(),
      uptimeMs: clock.nowMs() - startedMs,
      runId,
      isLoading: options.isLoading(),
      server,
      engine: engine(),
      settings,
      replication: options.replicationInfo(),
      syncs: {
        full: metrics.catchUpSnapshotCount,
        partial: metrics.catchUpBacklogCount,
        partialFailed: metrics.resumeFailureCount,
      },
    });
}

/** What a probe is told: the payload of a Status frame; undefined of a replica that has nothing to serve. */
export function statusPayload(
  role: PrimaryRole | ReplicaRole,
  metrics: ReplicationMetrics,
): Uint8Array | undefined {
  const document = statusDocument(role.report(), { version, metrics: metrics.snapshot() });
  return document && encodeStatus(document);
}

export interface FrontOptions {
  address: NonNullable<NodeConfig['listen']>;
  log: Log;
  settings: Settings;
  engine(): ShardEngine;
  status: Status;
  replication: ReplicationHost;
  /** Asked before every run of commands. */
  situation: OuterSituation;
  /** SHUTDOWN asks for it. */
  shutdown(): void;
}

/** The Redis front of either role. */
export function createFront(options: FrontOptions): RespServer {
  const { engine, settings, status } = options;
  const { clock, timers } = systemSeams;
  return new RespServer({
    address: options.address,
    clock,
    timers,
    log: options.log,
    engine,
    settings,
    replication: options.replication,
    situation: options.situation,
    shutdown: options.shutdown,
    info: (server, sections) => renderInfo(status(server), sections),
  });
}

export interface MetricsPortOptions {
  config: NodeConfig;
  status: Status;
  metrics: ReplicationMetrics;
  server: RespServer | undefined;
  report(): NodeReport;
}

/** The port that `metrics` asks for. Throws PORT_TAKEN, LISTEN_FAILED. */
export async function openMetrics(options: MetricsPortOptions): Promise<Listener | undefined> {
  const { config, status, metrics, server, report } = options;
  if (config.metrics === undefined) return undefined;
  const model = () => ({ status: status(server), replication: metrics.snapshot(), node: report() });
  return startMetricsServer(config.metrics, { model, report });
}
