/** A primary, embedded or behind the command line: store, publisher, doors for replicas and for clients. */
import { systemSeams } from '../clock.js';
import { Housekeeping } from '../engine/housekeeping.js';
import { outOfMemory } from '../engine/kernel.js';
import { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import { NO_EXPIRY } from '../frame/batch.js';
import { type History, newHistory } from '../replication/history.js';
import { newNodeId } from '../replication/link/path.js';
import { type MetricsSnapshot, ReplicationMetrics } from '../replication/metrics.js';
import type { Recorder } from '../replication/outputs/recorder.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import { Publisher } from '../replication/stream/publisher.js';
import type { RespServer } from '../resp/server.js';
import type { Settings } from '../resp/settings.js';
import { PrimaryRole } from '../status/primary-report.js';
import { replicationFields, roleReply } from '../status/replication-info.js';
import type { ReplicaStatus } from '../status/report.js';
import type { Listener } from '../transport/connection.js';
import { type NodeConfig, primaryConfig } from './config.js';
import { Events, type PrimaryEvents } from './events.js';
import { loadEngine, recordContent, withContent } from './load.js';
import type { PrimaryOptions } from './options.js';
import {
  type Bytes,
  createFront,
  createSettings,
  createStatus,
  keyBytes,
  openDoor,
  openMetrics,
  openRecorder,
  randomSeed,
  type Status,
  statusPayload,
} from './ports.js';

/**
 * ```js
 * const primary = await Primary.start({ bind: '127.0.0.1:0', listen: false });
 * primary.set('greeting', 'hello', { expireAtMs: Date.now() + 60_000 });
 * primary.get('greeting')?.toString(); // 'hello'
 * await primary.close();
 * ```
 */
export class Primary {
  /** `host:port` where replicas connect. */
  readonly bindAddress: string;
  /** `host:port` where clients connect, undefined without `listen`. */
  readonly listenAddress: string | undefined;
  /** `host:port` where `/metrics`, `/healthz` and `/readyz` are served, undefined without `metrics`. */
  readonly metricsAddress: string | undefined;
  readonly #parts: PrimaryParts;

  /**
   * Resolves when it listens.
   * Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED (`record`), and with `load`, its file and byte
   * offset named, NO_INPUT, READ_FAILED, OUT_OF_MEMORY and what dumps are refused with (`FCRP_*`, SEQUENCE_GAP, …).
   */
  static async start(options: PrimaryOptions = {}): Promise<Primary> {
    const config = primaryConfig(options);
    const parts = buildParts(config, await startingEngine(config));
    try {
      const bindAddress = (parts.door = await openPrimaryDoor(parts)).address;
      const listenAddress = await parts.server?.listen();
      parts.metricsPort = await openMetrics({ ...parts, report: () => parts.role.report() });
      // Only who has its ports may take a dump's place: it could be that of a primary that runs.
      parts.recorder?.begin();
      if (config.load !== undefined && parts.recorder !== undefined) {
        await recordContent(parts.recorder, parts.engine, encodingOf(config));
      }
      parts.isLoading = false;
      return new Primary(parts, bindAddress, listenAddress);
    } catch (error) {
      await closeParts(parts);
      throw error;
    }
  }

  private constructor(parts: PrimaryParts, bindAddress: string, listenAddress: string | undefined) {
    this.#parts = parts;
    this.bindAddress = bindAddress;
    this.listenAddress = listenAddress;
    this.metricsAddress = parts.metricsPort?.address;
  }

  /** 32 hex digits: the run of sequences that began with this start (design.md, "Histories"). */
  get history(): string {
    return this.#parts.history.id;
  }

  /** The first sequence of every shard is this + 1. */
  get base(): bigint {
    return this.#parts.history.base;
  }

  get shards(): number {
    return this.#parts.engine.shards;
  }

  /** The value, own memory; undefined when there is no such key or it has expired. Texts are UTF-8. */
  get(key: Bytes): Buffer | undefined {
    return this.#parts.engine.get(keyBytes(key));
  }

  /**
   * Sets a key; without `expireAtMs` (Unix ms) it never expires, with one in the past it is deleted.
   * Throws OUT_OF_MEMORY, VALUE_OVER_LIMIT, BAD_OPTION.
   */
  set(key: Bytes, value: Bytes, { expireAtMs }: { expireAtMs?: number } = {}): void {
    const { engine } = this.#parts;
    const [ownKey, ownValue] = [keyBytes(key), keyBytes(value)];
    if (!engine.makeRoom()) throw outOfMemory(ownKey.length + ownValue.length);
    engine.set(ownKey, ownValue, toExpiry(expireAtMs));
  }

  /** Deletes a key; whether it was there. Throws OUT_OF_MEMORY. */
  del(key: Bytes): boolean {
    return this.#parts.engine.del(keyBytes(key));
  }

  /** Sets when a key expires (Unix ms), or with undefined that it never does; whether it was there. Throws OUT_OF_MEMORY, BAD_OPTION. */
  expire(key: Bytes, expireAtMs: number | undefined): boolean {
    return this.#parts.engine.expire(keyBytes(key), toExpiry(expireAtMs));
  }

  /** Keys in the store, those that have expired and are not deleted yet included. */
  keyCount(): number {
    return this.#parts.engine.keyCount();
  }

  /** Each shard's highest sequence that replicas could have; not what still waits in a batch. */
  watermarks(): bigint[] {
    return this.#parts.publisher.watermarks();
  }

  /** Who is connected, and behind them, with the state `gone`, who left within the last hour; no more than 64 of these. */
  replicas(): ReplicaStatus[] {
    const { serving } = this.#parts.role.report();
    return serving === undefined ? [] : [...serving.connected, ...serving.departed];
  }

  metrics(): MetricsSnapshot {
    return this.#parts.metrics.snapshot();
  }

  /** Hands on at once what waits in batches, whatever the send policy. */
  flush(): void {
    this.#parts.publisher.flush();
  }

  on<Name extends keyof PrimaryEvents>(name: Name, listener: (event: PrimaryEvents[Name]) => void): this {
    this.#parts.events.on(name, listener);
    return this;
  }

  off<Name extends keyof PrimaryEvents>(name: Name, listener: (event: PrimaryEvents[Name]) => void): this {
    this.#parts.events.off(name, listener);
    return this;
  }

  /**
   * Lets clients' replies out, publishes what waits, closes all ports and the dump. Throws WRITE_FAILED when that is not
   * whole.
   */
  close(): Promise<void> {
    return closeParts(this.#parts);
  }
}

interface PrimaryParts {
  config: NodeConfig;
  events: Events<PrimaryEvents>;
  engine: ShardEngine;
  history: History;
  metrics: ReplicationMetrics;
  publisher: Publisher;
  recorder: Recorder | undefined;
  role: PrimaryRole;
  settings: Settings;
  status: Status;
  housekeeping: Housekeeping;
  /** What was loaded is being recorded: clients' writes would come between. */
  isLoading: boolean;
  server: RespServer | undefined;
  /** Set when it is open. */
  door: ReplicaListener | undefined;
  /** Set when it is open. */
  metricsPort: Listener | undefined;
}

/** Empty, or with what is loaded. */
async function startingEngine(config: NodeConfig): Promise<ShardEngine> {
  const { load, shards } = config;
  const createEngine = (count: number) =>
    new ShardEngine({
      clock: systemSeams.clock,
      seed: randomSeed(systemSeams.random),
      shards: count,
      route: config.route,
      batchMaxRecords: config.sendPolicy === 'immediate' ? 1 : config.batchMaxRecords,
      batchMaxBytes: config.batchMaxBytes,
      maxValueBytes: config.maxValueBytes,
    });
  return load === undefined ? createEngine(shards) : loadEngine({ config, load, createEngine });
}

function buildParts(config: NodeConfig, engine: ShardEngine): PrimaryParts {
  const { clock, timers, random } = systemSeams;
  const events = new Events<PrimaryEvents>(clock);
  const recorder = openRecorder(config, events.log);
  const fresh = newHistory(systemSeams, config.sequenceBase);
  const history = config.load === undefined ? fresh : withContent(fresh);
  engine.limitMemory({ maxBytes: config.maxMemoryBytes, policy: config.eviction });
  engine.setWatermarks(new Array(config.shards).fill(history.base));
  const metrics = new ReplicationMetrics();
  const publisher = new Publisher({
    store: engine,
    history,
    clock,
    timers,
    metrics,
    log: events.log,
    sendPolicy: config.sendPolicy,
    batchMaxDelayUs: config.batchMaxDelayUs,
    nodeId: newNodeId(random),
    backlogBytes: config.backlogBytes,
    encoding: encodingOf(config),
  });
  if (recorder !== undefined) publisher.subscribe(recorder);
  const settings = createSettings({ config, engine: () => engine, port: () => parts.server?.port ?? 0 });
  const role = new PrimaryRole({
    publisher,
    clock,
    timers,
    door: () => parts.door,
    backlogBytes: config.backlogBytes,
    settings,
  });
  const status = createStatus({
    settings,
    engine: () => engine,
    metrics,
    isReplica: () => false,
    isLoading: () => parts.isLoading,
    replicationInfo: () => replicationFields(role.report()),
  });
  const housekeeping = new Housekeeping({ timers, engine: () => engine, sweeps: () => true });
  const parts: PrimaryParts = {
    config,
    events,
    engine,
    history,
    metrics,
    publisher,
    recorder,
    role,
    settings,
    status,
    housekeeping,
    isLoading: config.load !== undefined,
    server: undefined,
    door: undefined,
    metricsPort: undefined,
  };
  if (config.listen !== undefined) parts.server = buildServer(parts, config.listen);
  return parts;
}

function buildServer(parts: PrimaryParts, address: NonNullable<NodeConfig['listen']>): RespServer {
  const { engine, events, role, settings, status } = parts;
  return createFront({
    address,
    log: events.log,
    settings,
    engine: () => engine,
    status,
    replication: {
      isReplica: () => false,
      primaryAddress: () => undefined,
      role: () => roleReply(role.report()),
      wait: (replicas, timeoutMs) => role.wait(replicas, timeoutMs),
      follow: () => 'ERR a primary does not become a replica: start one with fastcache replica follow',
      promote: () => {},
    },
    situation: {
      get isLoading() {
        return parts.isLoading;
      },
      isStale: false,
      get lacksReplicas() {
        return role.lacksReplicas;
      },
    },
    shutdown: () => events.emit('shutdown', {}),
  });
}

function openPrimaryDoor({
  config,
  publisher,
  metrics,
  events,
  role,
}: PrimaryParts): Promise<ReplicaListener> {
  const bind = config.bind!;
  return openDoor({
    config,
    bind,
    metrics,
    log: events.log,
    encoding: encodingOf(config),
    stream: () => publisher,
    status: () => statusPayload(role, metrics),
  });
}

async function closeParts(parts: PrimaryParts): Promise<void> {
  const { server, publisher, door, recorder, housekeeping, metricsPort } = parts;
  housekeeping.stop();
  await metricsPort?.close();
  await server?.close();
  publisher.close();
  await door?.close();
  await recorder?.end();
}

function encodingOf(config: NodeConfig) {
  return { compression: config.compression, level: config.zstdLevel };
}

/** Throws BAD_OPTION. */
function toExpiry(expireAtMs: number | undefined): bigint {
  if (expireAtMs !== undefined && !(Math.abs(expireAtMs) <= Number.MAX_SAFE_INTEGER)) {
    throw new FastcacheError('BAD_OPTION', `expireAtMs must be Unix milliseconds; it is ${expireAtMs}.`);
  }
  return expireAtMs === undefined ? NO_EXPIRY : BigInt(Math.max(0, Math.trunc(expireAtMs)));
}
