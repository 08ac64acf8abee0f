/** What a replica is made of and how that works together: follower, relay, doors, and its change to a primary and back. */
import { systemSeams } from '../clock.js';
import { Housekeeping } from '../engine/housekeeping.js';
import { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import {
  DEFAULT_BATCH_MAX_BYTES,
  DEFAULT_BATCH_MAX_DELAY_US,
  DEFAULT_BATCH_MAX_RECORDS,
  DEFAULT_ZSTD_LEVEL,
} from '../limits.js';
import { newNodeId } from '../replication/link/path.js';
import { ReplicationMetrics } from '../replication/metrics.js';
import { TapFeed } from '../replication/outputs/tap-feed.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import { beginHistory } from '../replication/relay/promotion.js';
import { Relay } from '../replication/relay/relay.js';
import { Follower } from '../replication/replica/follower.js';
import type { Holding } from '../replication/replica/holding.js';
import { Publisher } from '../replication/stream/publisher.js';
import { Later } from '../resp/later.js';
import type { RespServer } from '../resp/server.js';
import type { Settings } from '../resp/settings.js';
import { PrimaryRole } from '../status/primary-report.js';
import { ReplicaRole } from '../status/replica-report.js';
import { replicationFields, roleReply } from '../status/replication-info.js';
import { formatAddress } from '../transport/address.js';
import type { Address, Listener } from '../transport/connection.js';
import { tcpTransport } from '../transport/tcp.js';
import type { NodeConfig } from './config.js';
import { Events, type ReplicaEvents } from './events.js';
import { type Outputs, openOutputs } from './outputs.js';
import {
  createFront,
  createSettings,
  createStatus,
  limitMemory,
  OUTPUT_QUEUE_BYTES,
  openDoor,
  randomSeed,
  type Status,
  statusPayload,
} from './ports.js';

/** How the frames of a promoted replica and a relay's snapshots are encoded. */
const NO_COMPRESSION = { compression: 'none', level: DEFAULT_ZSTD_LEVEL } as const;

export interface ReplicaParts {
  config: NodeConfig;
  events: Events<ReplicaEvents>;
  metrics: ReplicationMetrics;
  outputs: Outputs;
  /** Undefined once it is promoted. */
  follower: Follower | undefined;
  following: ReplicaRole | undefined;
  promoted: PrimaryRole | undefined;
  /** While it is promoted: each takes an output from the stream of its own writes. */
  outputsLeave: (() => void)[];
  /** Of this process (replication/path.ts). */
  nodeId: string;
  /** With `bind`: what replicas of this replica are served from. */
  relay: Relay | undefined;
  /** Set when it is open. */
  door: ReplicaListener | undefined;
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

export function buildParts(config: NodeConfig): ReplicaParts {
  const { clock, timers, random } = systemSeams;
  const seed = randomSeed(random);
  const nodeId = newNodeId(random);
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
    outputs: openOutputs({
      config,
      timers,
      log: events.log,
      holding: () => parts.follower?.holding,
      stop: (error) => {
        if (parts.follower !== undefined) parts.follower.stop(error);
        else events.emit('stopped', { error });
      },
    }),
    follower: undefined,
    following: undefined,
    promoted: undefined,
    outputsLeave: [],
    nodeId,
    relay: config.bind && new Relay({ nodeId, backlogBytes: config.backlogBytes, random, log: events.log }),
    door: undefined,
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
      replicationInfo: () => replicationFields(roleOf(parts).report()),
    }),
    isClosed: false,
  };
  createFollower(parts, config.primary!, parts.outputs.holding);
  if (config.listen !== undefined) parts.server = buildServer(parts, config.listen);
  return parts;
}

/** Makes the follower of `primary`, which goes on with what is held; the caller starts it. */
function createFollower(parts: ReplicaParts, primary: Address, holding: Holding | undefined): Follower {
  const { config, events, metrics, outputs, relay } = parts;
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
    recorder: outputs.recorder,
    tap: outputs.tap,
    relay,
    allowEmptySnapshot: config.allowEmptySnapshot,
    createStore: (shards) => outputs.createStore?.(shards) ?? createEngine(parts, shards),
    handlers: {
      connecting: (fields) => events.emit('connecting', fields),
      resync: (fields) => events.emit('resync', fields),
      snapshot: (fields) => {
        outputs.building();
        events.emit('snapshot', fields);
      },
      swapped: ({ holding: { store } }) => {
        if (!(store instanceof ShardEngine)) return;
        store.setFrozen(parts.server?.isPaused ?? false);
        parts.engine = store;
      },
      live: (fields) => {
        outputs.whole();
        outputs.inOrder(() => events.emit('live', fields));
      },
      caughtUp: (fields) => outputs.inOrder(() => events.emit('caught-up', fields)),
      lost: (fields) => events.emit('lost', fields),
      refused: (fields) => events.emit('refused', fields),
      stopped: (fields) => {
        // One that another has taken the place of has nothing more to tell.
        if (parts.follower === follower) events.emit('stopped', fields);
      },
    },
  });
  parts.follower = follower;
  const { clock } = systemSeams;
  const { backlogBytes } = config;
  const served = relay && { stream: () => relay.stream, door: () => parts.door };
  parts.following = new ReplicaRole({ follower, primary, clock, backlogBytes, served });
  return follower;
}

export function follow(parts: ReplicaParts, primary: Address): void {
  refuseClosed(parts);
  const { follower, promoted, engine, relay } = parts;
  let holding = follower?.holding;
  if (promoted !== undefined) {
    const { publisher } = promoted;
    // What is still open is theirs; that it ends here is not.
    publisher.flush();
    for (const leave of parts.outputsLeave.splice(0)) leave();
    publisher.close('its primary follows another one now');
    relay?.demoted(publisher);
    engine.setReplica(true);
    parts.promoted = undefined;
    holding = { store: engine, history: publisher.history };
  }
  const next = createFollower(parts, primary, holding);
  follower?.stop();
  next.start();
}

export function promote(parts: ReplicaParts): void {
  refuseClosed(parts);
  const { config, events, follower, following, engine, metrics, outputs, relay, nodeId } = parts;
  if (follower === undefined || following === undefined) return;
  if (outputs.createStore !== undefined) {
    throw new FastcacheError('BAD_OPTION', 'With state no content is kept, which a primary could serve.');
  }
  parts.follower = undefined;
  parts.following = undefined;
  follower.stop();
  const { history, backlog } = beginHistory(systemSeams, engine, follower.holding, relay);
  engine.setReplica(false);
  const publisher = new Publisher({
    ...systemSeams,
    store: engine,
    history,
    metrics,
    log: events.log,
    sendPolicy: 'adaptive',
    batchMaxDelayUs: DEFAULT_BATCH_MAX_DELAY_US,
    nodeId,
    backlogBytes: config.backlogBytes,
    backlog,
    encoding: NO_COMPRESSION,
  });
  // They go on with what is written here; when another is followed, with what comes from there.
  const { recorder, tap } = outputs;
  if (recorder !== undefined) parts.outputsLeave.push(publisher.subscribe(recorder));
  if (tap !== undefined) {
    parts.outputsLeave.push(publisher.subscribe(new TapFeed(tap, OUTPUT_QUEUE_BYTES)));
  }
  parts.promoted = new PrimaryRole({
    publisher,
    ...systemSeams,
    door: () => parts.door,
    backlogBytes: config.backlogBytes,
    settings: parts.settings,
  });
  limitMemory(parts.settings, engine);
  const previous = history.previous?.id ?? 'nothing';
  events.log.info(
    `promoted: history ${history.id} continues ${previous} of ${formatAddress(following.primary)}`,
  );
  events.emit('promoted', { history: history.id });
}

function refuseClosed({ isClosed }: ReplicaParts): void {
  if (isClosed) throw new FastcacheError('BAD_OPTION', 'This replica is closed.');
}

/** The door for replicas of this replica, of either role. Throws PORT_TAKEN, LISTEN_FAILED. */
export async function openReplicaDoor(parts: ReplicaParts): Promise<ReplicaListener | undefined> {
  const { config, metrics, events } = parts;
  const { bind } = config;
  if (bind === undefined) return undefined;
  const stream = () => parts.promoted?.publisher ?? parts.relay?.stream;
  const status = () => statusPayload(roleOf(parts), metrics);
  return openDoor({ config, bind, metrics, log: events.log, encoding: NO_COMPRESSION, stream, status });
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

function buildServer(parts: ReplicaParts, address: NonNullable<NodeConfig['listen']>): RespServer {
  const { config, events } = parts;
  return createFront({
    address,
    log: events.log,
    settings: parts.settings,
    engine: () => parts.engine,
    status: parts.status,
    replication: {
      isReplica: () => parts.promoted === undefined,
      primaryAddress: () => parts.following?.primary,
      role: () => roleReply(roleOf(parts).report()),
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
export function roleOf({ promoted, following }: ReplicaParts): PrimaryRole | ReplicaRole {
  return (promoted ?? following)!;
}

function isLoading({ follower }: ReplicaParts): boolean {
  return follower !== undefined && follower.holding === undefined;
}

export async function closeParts(parts: ReplicaParts): Promise<void> {
  parts.isClosed = true;
  parts.housekeeping.stop();
  parts.follower?.stop();
  await parts.metricsPort?.close();
  await parts.server?.close();
  parts.promoted?.publisher.close();
  await parts.door?.close();
  await parts.outputs.close();
}
