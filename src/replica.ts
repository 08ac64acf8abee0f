/** A replica, embedded or behind the command line: follows a primary and is read at memory speed. */
import { systemSeams } from './clock.js';
import { type ReplicaConfig, type ReplicaOptions, replicaConfig } from './config.js';
import { Housekeeping } from './engine/housekeeping.js';
import { ShardEngine } from './engine/shard-engine.js';
import { Events, type ReplicaEvents } from './events.js';
import {
  DEFAULT_BACKLOG_BYTES,
  DEFAULT_BATCH_MAX_BYTES,
  DEFAULT_BATCH_MAX_DELAY_US,
  DEFAULT_BATCH_MAX_RECORDS,
  DEFAULT_ZSTD_LEVEL,
} from './limits.js';
import { PrimaryRole } from './primary-role.js';
import { ReplicaRole } from './replica-role.js';
import { Follower, type FollowerState } from './replication/follower.js';
import { newHistory } from './replication/history.js';
import { type MetricsSnapshot, ReplicationMetrics } from './replication/metrics.js';
import { Publisher } from './replication/publisher.js';
import type { Recorder } from './replication/recorder.js';
import type { Holding } from './replication/replica-session.js';
import { Later } from './resp/command.js';
import type { RespServer } from './resp/server.js';
import type { Settings } from './resp/settings.js';
import {
  type Bytes,
  createFront,
  createSettings,
  createStatus,
  keyBytes,
  limitMemory,
  openMetrics,
  openRecorder,
  randomSeed,
  type Status,
} from './server-parts.js';
import { formatAddress, parseAddress } from './transport/address.js';
import type { Address, Listener } from './transport/connection.js';
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
  /** `host:port` where `/metrics`, `/healthz` and `/readyz` are served, undefined without `metrics`. */
  readonly metricsAddress: string | undefined;
  readonly #parts: ReplicaParts;

  /**
   * Resolves when it listens, if it is to; connecting to the primary goes on by itself, and starts over when it fails.
   * Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED (`record`).
   */
  static async follow(address: string, options: ReplicaOptions = {}): Promise<Replica> {
    const parts = buildParts(replicaConfig(address, options));
    try {
      const listenAddress = await parts.server?.listen();
      parts.metricsPort = await openMetrics({ ...parts, role: () => roleOf(parts).figures() });
      const replica = new Replica(parts, listenAddress);
      // In the next turn, so that whoever waits for this replica hears of its first event.
      systemSeams.timers.endOfTurn(() => {
        if (!parts.isClosed) parts.follower?.start();
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
    this.metricsAddress = parts.metricsPort?.address;
  }

  /** Where following stands; undefined once it is promoted. */
  get state(): FollowerState | undefined {
    return this.#parts.follower?.state;
  }

  /** The history of what is held; undefined when nothing is, or a Rust primary's, which has none. */
  get history(): string | undefined {
    return this.#parts.promoted?.publisher.history.id ?? this.#parts.follower?.holding?.history;
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
    const { promoted, follower } = this.#parts;
    return promoted?.publisher.watermarks() ?? follower?.holding?.store.watermarks() ?? [];
  }

  /** Follows another primary; what is held stays readable, and is continued if that primary can. Throws BAD_OPTION. */
  follow(address: string): void {
    follow(this.#parts, parseAddress(address));
  }

  /** Leaves the primary and takes writes from clients, in a new history that continues the old one. */
  promote(): void {
    promote(this.#parts);
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

  /** Leaves the primary and closes its own ports and the dump; what is held stays readable by `get`. */
  close(): Promise<void> {
    return closeParts(this.#parts);
  }
}

interface ReplicaParts {
  config: ReplicaConfig;
  events: Events<ReplicaEvents>;
  metrics: ReplicationMetrics;
  recorder: Recorder | undefined;
  /** Undefined once it is promoted. */
  follower: Follower | undefined;
  following: ReplicaRole | undefined;
  promoted: PrimaryRole | undefined;
  /** What is read: empty at first, then what the follower holds. */
  engine: ShardEngine;
  /** Of all its stores, so that clients' SCAN cursors outlive a snapshot. */
  seed: bigint;
  housekeeping: Housekeeping;
  server: RespServer | undefined;
  /** Set when it is open. */
  metricsPort: Listener | undefined;
  settings: Settings;
  status: Status;
  isClosed: boolean;
}

function buildParts(config: ReplicaConfig): ReplicaParts {
  const { clock, timers, random } = systemSeams;
  const seed = randomSeed(random);
  const events = new Events<ReplicaEvents>(clock);
  const metrics = new ReplicationMetrics();
  const settings = createSettings({
    config,
    engine: () => parts.engine,
    port: () => parts.server?.port ?? 0,
  });
  const parts: ReplicaParts = {
    config,
    events,
    metrics,
    recorder: openRecorder(config, events.log),
    follower: undefined,
    following: undefined,
    promoted: undefined,
    engine: createEngine({ config, seed }, 1),
    seed,
    housekeeping: new Housekeeping({
      timers,
      engine: () => parts.engine,
      // A Rust primary emits nothing for a key that expires; who is promoted is the primary.
      sweeps: () =>
        parts.promoted !== undefined ||
        (parts.follower?.holding !== undefined && !parts.follower.primaryIsOurs),
    }),
    server: undefined,
    metricsPort: undefined,
    settings,
    status: createStatus({
      settings,
      engine: () => parts.engine,
      metrics,
      isReplica: () => parts.promoted === undefined,
      isLoading: () => isLoading(parts),
      replicationInfo: () => roleOf(parts).info(),
    }),
    isClosed: false,
  };
  createFollower(parts, config.primary, undefined);
  if (config.listen !== undefined) parts.server = buildServer(parts, config.listen);
  return parts;
}

/** Makes the follower of `primary`, which goes on with what is held; the caller starts it. */
function createFollower(parts: ReplicaParts, primary: Address, holding: Holding | undefined): Follower {
  const { config, events, metrics, recorder } = parts;
  const follower = new Follower({
    ...systemSeams,
    transport: tcpTransport,
    metrics,
    log: events.log,
    address: primary,
    holding,
    connectTimeoutMs: config.connectTimeoutMs,
    reconnectBackoffMs: config.reconnectBackoffMs,
    token: config.token,
    failFast: config.failFast,
    recorder,
    createStore: (shards) => createEngine(parts, shards),
    handlers: {
      connecting: (fields) => events.emit('connecting', fields),
      snapshot: (fields) => events.emit('snapshot', fields),
      swapped: (swapped) => {
        // `createStore` has made it.
        parts.engine = swapped.holding.store as ShardEngine;
      },
      live: (fields) => events.emit('live', fields),
      caughtUp: (fields) => events.emit('caught-up', fields),
      lost: (fields) => events.emit('lost', fields),
      refused: (fields) => events.emit('refused', fields),
      stopped: (fields) => {
        // One that another has taken the place of has nothing more to tell.
        if (parts.follower === follower) events.emit('stopped', fields);
      },
    },
  });
  parts.follower = follower;
  parts.following = new ReplicaRole({ follower, primary, clock: systemSeams.clock });
  return follower;
}

function follow(parts: ReplicaParts, primary: Address): void {
  const { follower, promoted, engine } = parts;
  let holding = follower?.holding;
  if (promoted !== undefined) {
    promoted.publisher.close();
    engine.setReplica(true);
    parts.promoted = undefined;
    holding = { store: engine, history: promoted.publisher.history.id };
  }
  const next = createFollower(parts, primary, holding);
  follower?.stop();
  next.start();
}

function promote(parts: ReplicaParts): void {
  const { config, events, follower, engine, metrics, recorder } = parts;
  if (follower === undefined) return;
  const { history: previousId } = follower.holding ?? {};
  const previous =
    previousId === undefined ? {} : { previous: { id: previousId, watermarks: engine.watermarks() } };
  parts.follower = undefined;
  parts.following = undefined;
  follower.stop();
  const history = { ...newHistory(systemSeams, 'clock'), ...previous };
  engine.setReplica(false);
  engine.setWatermarks(engine.watermarks().map((own) => (own > history.base ? own : history.base)));
  const publisher = new Publisher({
    ...systemSeams,
    store: engine,
    history,
    metrics,
    log: events.log,
    sendPolicy: 'adaptive',
    batchMaxDelayUs: DEFAULT_BATCH_MAX_DELAY_US,
    backlogBytes: DEFAULT_BACKLOG_BYTES,
    encoding: { compression: 'none', level: DEFAULT_ZSTD_LEVEL },
  });
  if (recorder !== undefined) publisher.subscribe(recorder);
  parts.promoted = new PrimaryRole({
    publisher,
    timers: systemSeams.timers,
    door: () => undefined,
    backlogBytes: DEFAULT_BACKLOG_BYTES,
    settings: parts.settings,
  });
  limitMemory(parts.settings, engine);
  events.log.info(
    `promoted: history ${history.id} continues ${previousId ?? 'nothing'} of ${formatAddress(config.primary)}`,
  );
  events.emit('promoted', { history: history.id });
}

function createEngine({ config, seed }: Pick<ReplicaParts, 'config' | 'seed'>, shards: number): ShardEngine {
  const { clock } = systemSeams;
  const engine = new ShardEngine({
    clock,
    seed,
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
  const { config, events } = parts;
  return createFront({
    config,
    address,
    log: events.log,
    settings: parts.settings,
    engine: () => parts.engine,
    status: parts.status,
    replication: {
      isReplica: () => parts.promoted === undefined,
      primaryAddress: () => parts.following?.primary,
      role: () => roleOf(parts).role(),
      wait: (replicas, timeoutMs) =>
        parts.promoted?.wait(replicas, timeoutMs) ??
        new Later((done) => {
          done(0);
          return () => {};
        }),
      follow: (host, port) => {
        follow(parts, { host, port });
        return undefined;
      },
      promote: () => promote(parts),
    },
    situation: {
      get isLoading() {
        return isLoading(parts);
      },
      get isStale() {
        const { follower } = parts;
        return follower !== undefined && !config.servesStaleData && follower.state.name !== 'live';
      },
      get lacksReplicas() {
        return parts.promoted?.lacksReplicas ?? false;
      },
    },
    shutdown: () => events.emit('shutdown', {}),
  });
}

/** Whichever it plays: there is always one. */
function roleOf({ promoted, following }: ReplicaParts): PrimaryRole | ReplicaRole {
  return (promoted ?? following)!;
}

function isLoading({ follower }: ReplicaParts): boolean {
  return follower !== undefined && follower.holding === undefined;
}

async function closeParts(parts: ReplicaParts): Promise<void> {
  parts.isClosed = true;
  parts.housekeeping.stop();
  parts.follower?.stop();
  await parts.metricsPort?.close();
  await parts.server?.close();
  parts.promoted?.publisher.close();
  await parts.recorder?.end();
}
