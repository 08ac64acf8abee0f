/** A replica, embedded or behind the command line: follows a primary and is read at memory speed. */
import { systemSeams } from './clock.js';
import { type ReplicaConfig, type ReplicaOptions, replicaConfig } from './config.js';
import { Housekeeping } from './engine/housekeeping.js';
import { ShardEngine } from './engine/shard-engine.js';
import { Events, type ReplicaEvents } from './events.js';
import { DEFAULT_BATCH_MAX_BYTES, DEFAULT_BATCH_MAX_RECORDS } from './limits.js';
import { Follower, type FollowerState } from './replication/follower.js';
import { type MetricsSnapshot, ReplicationMetrics } from './replication/metrics.js';
import type { Recorder } from './replication/recorder.js';
import { RespServer } from './resp/server.js';
import { type Bytes, inputLimits, keyBytes, openRecorder, randomSeed, serverFace } from './server-parts.js';
import { tcpTransport } from './transport/tcp.js';

/**
 * ```js
 * const replica = await Replica.follow('127.0.0.1:7631');
 * replica.on('caught-up', () => console.log(replica.get('greeting')?.toString()));
 * ```
 */
export class Replica {
  /** `host:port` where clients connect, undefined without `listen`. */
  readonly listenAddress: string | undefined;
  readonly #parts: ReplicaParts;

  /**
   * Resolves when it listens, if it is to; connecting to the primary goes on by itself, and starts over when it fails.
   * Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED (`record`).
   */
  static async follow(address: string, options: ReplicaOptions = {}): Promise<Replica> {
    const parts = buildParts(replicaConfig(address, options));
    try {
      const replica = new Replica(parts, await parts.server?.listen());
      // In the next turn, so that whoever waits for this replica hears of its first event.
      systemSeams.timers.endOfTurn(() => {
        if (!parts.isClosed) parts.follower.start();
      });
      return replica;
    } catch (error) {
      await closeParts(parts);
      throw error;
    }
  }

  private constructor(parts: ReplicaParts, listenAddress: string | undefined) {
    this.#parts = parts;
    this.listenAddress = listenAddress;
  }

  /** Where following stands. */
  get state(): FollowerState {
    return this.#parts.follower.state;
  }

  /** The history of what is held; undefined when nothing is, or a Rust primary's, which has none. */
  get history(): string | undefined {
    return this.#parts.follower.holding?.history;
  }

  /** The primary's shards; 1 until the first content is whole. */
  get shards(): number {
    return this.#parts.engine.shards;
  }

  /** The value, own memory; undefined when there is no such key or it has expired. Touches no socket. Texts are UTF-8. */
  get(key: Bytes): Buffer | undefined {
    return this.#parts.engine.get(keyBytes(key));
  }

  /** Keys that are held, those that have expired and are not deleted yet included. */
  keyCount(): number {
    return this.#parts.engine.keyCount();
  }

  /** Each shard's highest sequence that is applied; empty until the first content is whole. */
  watermarks(): bigint[] {
    return this.#parts.follower.holding?.store.watermarks() ?? [];
  }

  metrics(): MetricsSnapshot {
    return this.#parts.metrics.snapshot();
  }

  on<Name extends keyof ReplicaEvents>(name: Name, listener: (event: ReplicaEvents[Name]) => void): this {
    this.#parts.events.on(name, listener);
    return this;
  }

  off<Name extends keyof ReplicaEvents>(name: Name, listener: (event: ReplicaEvents[Name]) => void): this {
    this.#parts.events.off(name, listener);
    return this;
  }

  /** Leaves the primary and closes the clients' door and the dump; what is held stays readable by `get`. */
  close(): Promise<void> {
    return closeParts(this.#parts);
  }
}

interface ReplicaParts {
  config: ReplicaConfig;
  events: Events<ReplicaEvents>;
  metrics: ReplicationMetrics;
  recorder: Recorder | undefined;
  follower: Follower;
  /** What is read: empty at first, then what the follower holds. */
  engine: ShardEngine;
  housekeeping: Housekeeping;
  server: RespServer | undefined;
  isClosed: boolean;
}

function buildParts(config: ReplicaConfig): ReplicaParts {
  const { clock, timers } = systemSeams;
  const events = new Events<ReplicaEvents>(clock);
  const metrics = new ReplicationMetrics();
  const recorder = openRecorder(config, events.log);
  const follower = new Follower({
    ...systemSeams,
    transport: tcpTransport,
    metrics,
    log: events.log,
    address: config.primary,
    connectTimeoutMs: config.connectTimeoutMs,
    reconnectBackoffMs: config.reconnectBackoffMs,
    token: config.token,
    failFast: config.failFast,
    recorder,
    createStore: (shards) => createEngine(config, shards),
    handlers: {
      connecting: (fields) => events.emit('connecting', fields),
      snapshot: (fields) => events.emit('snapshot', fields),
      swapped: ({ holding }) => {
        // `createStore` has made it.
        parts.engine = holding.store as ShardEngine;
      },
      live: (fields) => events.emit('live', fields),
      caughtUp: (fields) => events.emit('caught-up', fields),
      lost: (fields) => events.emit('lost', fields),
      refused: (fields) => events.emit('refused', fields),
      stopped: (fields) => events.emit('stopped', fields),
    },
  });
  const parts: ReplicaParts = {
    config,
    events,
    metrics,
    recorder,
    follower,
    engine: createEngine(config, 1),
    housekeeping: new Housekeeping({
      timers,
      engine: () => parts.engine,
      // A Rust primary emits nothing for a key that expires.
      sweeps: () => follower.holding !== undefined && !follower.primaryIsOurs,
    }),
    server: undefined,
    isClosed: false,
  };
  if (config.listen !== undefined) parts.server = buildServer(parts, config.listen);
  return parts;
}

function createEngine(config: ReplicaConfig, shards: number): ShardEngine {
  const { clock, random } = systemSeams;
  const engine = new ShardEngine({
    clock,
    seed: randomSeed(random),
    shards,
    route: 'full-key',
    batchMaxRecords: DEFAULT_BATCH_MAX_RECORDS,
    batchMaxBytes: DEFAULT_BATCH_MAX_BYTES,
    maxValueBytes: config.maxValueBytes,
  });
  engine.setReplica(true);
  return engine;
}

function buildServer(parts: ReplicaParts, address: NonNullable<ReplicaConfig['listen']>): RespServer {
  const { config, follower } = parts;
  const engine = () => parts.engine;
  const server: RespServer = new RespServer({
    address,
    engine,
    limits: inputLimits(config),
    face: serverFace({
      clock: systemSeams.clock,
      engine,
      role: 'slave',
      tcpPort: () => server.port,
      clientCount: () => server.clientCount,
      replication: () => ({
        master_host: config.primary.host,
        master_port: config.primary.port,
        master_link_status: follower.state.name === 'live' ? 'up' : 'down',
        master_sync_in_progress: follower.state.name === 'snapshot' ? 1 : 0,
        slave_read_only: 1,
        connected_slaves: 0,
      }),
    }),
  });
  return server;
}

async function closeParts(parts: ReplicaParts): Promise<void> {
  parts.isClosed = true;
  parts.housekeeping.stop();
  parts.follower.stop();
  await parts.server?.close();
  await parts.recorder?.end();
}
