/**
 * The ports of a node: replicas (FCRP), clients (the Redis protocol) and metrics (HTTP). They stay open in
 * either role.
 */
import { type ComparedStore, StoreAnswers } from '../compare/store-answers.js';
import { StrangerLog } from '../replication/link/stranger-log.js';
import { ReplicaListener } from '../replication/primary/listener.js';
import { Relay } from '../replication/relay/relay.js';
import type { FrameStream } from '../replication/stream/stream.js';
import type { ReplicationHost } from '../resp/command-host.js';
import type { RespServer } from '../resp/server.js';
import type { OuterSituation } from '../resp/situation.js';
import { renderInfo } from '../status/info.js';
import { LoopDelay } from '../status/metrics/loop-delay.js';
import type { Listener } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import type { Keeping } from './keeping.js';
import { encodingOf, type Leading } from './leading.js';
import type { NodeParts } from './parts.js';
import { type ReportedNode, type Status, statusPayload } from './status.js';

/** The parts of a node that its ports serve, as they are when they are read. */
export interface ServedNode
  extends NodeParts,
    ReportedNode,
    Omit<ReplicationHost, 'failover'>,
    OuterSituation {
  /** The stream from which new replicas are served; undefined while there is none. */
  readonly stream: FrameStream | undefined;
  /** The role of a primary; undefined while the node follows. */
  readonly leading: Leading | undefined;
  /** Hands the frames of what was written until now to the replicas' connections. */
  endTurn(): void;
  readonly keeping: Keeping;
  /** Has the owner close it, as a client has asked. */
  shutdown(): void;
}

/** Makes the source from which replicas are served while the node follows; undefined without a port. */
export function createRelay(node: ServedNode): Relay | undefined {
  const { config, nodeId, seams, events } = node;
  // The data directory is written from the same stream.
  if (!servesReplicas(config) && config.data === undefined) return undefined;
  const { backlogBytes } = config;
  return new Relay({
    nodeId,
    backlogBytes,
    random: seams.random,
    log: events.log,
    replaced: (content) => node.keeping.follow(content === 'held'),
  });
}

function servesReplicas({ bind, ...ports }: Pick<NodeConfig, 'bind' | 'listen' | 'listenTls'>): boolean {
  return bind !== undefined || servesClients(ports);
}

function servesClients({ listen, listenTls }: Pick<NodeConfig, 'listen' | 'listenTls'>): boolean {
  return listen !== undefined || listenTls !== undefined;
}

/**
 * Serves replicas, and listens to them on `bind` if there is one; undefined for a node without ports. Throws
 * PORT_TAKEN, LISTEN_FAILED.
 */
export async function listenToReplicas(node: ServedNode): Promise<ReplicaListener | undefined> {
  const { config, seams, metrics, events } = node;
  if (!servesReplicas(config)) return undefined;
  return ReplicaListener.start({
    transport: seams.transport,
    clock: seams.clock,
    timers: seams.timers,
    metrics,
    log: events.log,
    bind: config.bind,
    token: config.token,
    isFresh: () => node.settings.hasFreshHistory,
    maxReplicas: config.maxReplicas,
    snapshotChunkBytes: config.snapshotChunkBytes,
    subscriberQueueFrames: config.subscriberQueueFrames || Number.POSITIVE_INFINITY,
    subscriberQueueBytes: config.subscriberQueueBytes,
    encoding: encodingOf(config),
    route: config.route,
    // Content that is still being loaded, from a disk or from replicas, is not served before it is whole.
    stream: () => (node.isLoading ? undefined : node.stream),
    isRelay: () => node.leading === undefined,
    begun: {
      // A relay hands on what its primary has begun.
      get isBegun() {
        return node.leading === undefined || node.keeping.isBegun;
      },
      onChange: (run) => node.keeping.onSynced(run),
    },
    archive: () => node.keeping.archive,
    status: (isBrief) => statusPayload(node, isBrief),
    comparer: () => new StoreAnswers(() => comparedStore(node)),
    failovers: node.failover,
  });
}

/** Returns what `verify` compares of a node; undefined while it has nothing that is whole. */
function comparedStore(node: ServedNode): ComparedStore | undefined {
  const { engine, stream, leading, failover } = node;
  if (node.isLoading || stream === undefined || stream.store !== engine) return undefined;
  const isPrimary = leading !== undefined;
  return { engine, isPrimary, history: stream.history.id, publishesNot: publishesNot(isPrimary, failover) };
}

function publishesNot(isPrimary: boolean, { state }: ServedNode['failover']): string | undefined {
  if (!isPrimary) return 'It is no primary.';
  return state === 'no-failover' ? undefined : 'It hands over to a replica.';
}

/** Makes the Redis-protocol server, which does not listen yet; undefined without a port of clients. */
export function createClientServer(node: ServedNode, status: Status): RespServer | undefined {
  const { config, seams, events, settings } = node;
  if (!servesClients(config)) return undefined;
  return seams.createRespServer({
    address: config.listen,
    secure: config.listenTls && { address: config.listenTls, sockets: seams.tls!.transport },
    clock: seams.clock,
    timers: seams.timers,
    random: seams.random,
    log: events.log,
    settings,
    engine: () => node.engine,
    replication: node,
    situation: node,
    publish: () => node.endTurn(),
    answersUntilUs: () => node.leading?.answersUntilUs() ?? Infinity,
    durability: node.keeping,
    shutdown: () => node.shutdown(),
    info: (server, sections) => renderInfo(status(server), sections),
    // A client that needs a password to read here needs it to be a replica as well.
    acceptReplica: (connection) => node.listener?.accept(connection, settings.password),
  });
}

/**
 * Serves metrics; undefined without `metrics`. `server` is the Redis-protocol server, if there is one. Throws
 * PORT_TAKEN, LISTEN_FAILED.
 */
export async function serveMetrics(
  node: ServedNode,
  status: Status,
  server: RespServer | undefined,
): Promise<Listener | undefined> {
  const { config, seams, metrics, events } = node;
  if (config.metrics === undefined) return undefined;
  const loopDelay = new LoopDelay(seams);
  const strangers = new StrangerLog(events.log, seams.timers);
  const stop = () => {
    loopDelay.stop();
    strangers.stop();
  };
  const report = () => node.report();
  const model = () => ({
    status: status(server),
    replication: metrics.snapshot(),
    node: report(),
    loopDelays: loopDelay.counts,
  });
  const https = config.metricsTls && {
    tls: seams.tls!.transport,
    warn: (kind: string, message: string) => strangers.warn(kind, message),
  };
  try {
    const listener = await seams.startMetricsServer(config.metrics, { model, report }, https || undefined);
    return {
      address: listener.address,
      close() {
        stop();
        return listener.close();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}
