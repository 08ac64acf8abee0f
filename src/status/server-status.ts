/** Gathers the status of a running server, for INFO and the metrics, from its parts. */
import { totalmem } from 'node:os';
import type { ClientState } from '../resp/client-state.js';
import type { ClientBuffers, Traffic } from '../resp/client-totals.js';
import type { CommandStatistics } from '../resp/command-statistics.js';
import type { Durability } from '../resp/durability.js';
import { latencyPercentile } from '../resp/latencies.js';
import type { MemoryFacts } from '../resp/memory-facts.js';
import type { PubSub } from '../resp/pubsub/pubsub.js';
import { percentileText } from '../resp/setting-formats.js';
import type { Settings } from '../resp/settings.js';
import type { Tracking } from '../resp/tracking/tracking.js';
import type { LoadingReport } from './report.js';
import type {
  ClientsStatus,
  LatencyPercentiles,
  MemoryStatus,
  ServerStatus,
  StatsStatus,
  SyncCounts,
} from './status-facts.js';

/** The parts of a server from which its status is gathered. */
export interface ServerParts {
  readonly role: 'master' | 'slave';
  readonly version: string;
  readonly nowMs: number;
  readonly uptimeMs: number;
  readonly runId: string;
  readonly isLoading: boolean;
  /** How far the start is with loading; undefined once that is over. */
  readonly loading?: LoadingReport | undefined;
  /** Whether a replica takes in new content beside what it has. */
  readonly isReplacing?: boolean;
  readonly server: FrontStatus;
  readonly engine: {
    usedBytes(): number;
    keyCount(): number;
    expiringKeyCount(): number;
    averageTtlMs(): number;
    staleShare(): number;
  };
  readonly lruClock: number;
  /** Records that were written or applied since the start. */
  readonly changes: number;
  /** The state of the files on a disk. */
  readonly durability: Pick<Durability, 'saves' | 'size' | 'fault'>;
  readonly settings: Settings;
  /** The lines of INFO's replication section behind `role`. */
  readonly replication: Record<string, string | number>;
  /** How many of the replicas that came were sent what; absent on a server that serves none. */
  readonly syncs?: SyncCounts;
}

/** The facts that are asked of the Redis server. */
export interface FrontStatus {
  readonly port: number;
  /** Absent: nobody tracks keys. */
  readonly tracking?: Tracking;
  readonly clients: readonly ClientState[];
  readonly statistics: CommandStatistics;
  readonly pubsub: Pick<PubSub, 'count' | 'clientCount'>;
  /** The bytes that clients have sent and were sent, with those of clients that have left. */
  readonly traffic: Traffic;
  /** The bytes that wait for them at present. */
  readonly clientBuffers: ClientBuffers;
  readonly memory: MemoryFacts;
  /** Unix seconds at which the server was made. */
  readonly startedAtSeconds: number;
}

/** Gathers the status of a server at this moment. */
export function serverStatus(parts: ServerParts): ServerStatus {
  const { server, engine, settings, role, version, nowMs, lruClock, uptimeMs, runId, isLoading } = parts;
  const { statistics } = server;
  const cpu = process.cpuUsage();
  return {
    role,
    version,
    nowMs,
    lruClock,
    uptimeMs,
    runId,
    isLoading,
    loading: parts.loading,
    isReplacing: parts.isReplacing === true,
    replication: parts.replication,
    tcpPort: server.port,
    connectedClients: server.clients.length,
    clients: clientsStatus(server, settings),
    usedMemoryBytes: engine.usedBytes(),
    memory: memoryStatus(parts),
    persistence: {
      changes: parts.changes,
      startedAtSeconds: server.startedAtSeconds,
      saves: parts.durability.saves,
      size: parts.durability.size,
      fault: parts.durability.fault,
    },
    keys: engine.keyCount(),
    expiringKeys: engine.expiringKeyCount(),
    averageTtlMs: engine.averageTtlMs(),
    commandsProcessed: statistics.commandsProcessed,
    expiredKeys: statistics.total('expiredKeys'),
    stats: statsStatus(parts),
    cpu: { userUs: cpu.user, systemUs: cpu.system },
    commandRows: () => statistics.rows(),
    errorCounts: () => statistics.errors.entries(),
    ...(statistics.latencies && { latencyRows: () => statistics.latencies!.rows() }),
    latencies: () => (settings.tracksLatency ? latencies(statistics, settings.latencyPercentiles) : []),
  };
}

function clientsStatus(front: FrontStatus, settings: Settings): ClientsStatus {
  const { clients, clientBuffers, pubsub, tracking } = front;
  return {
    max: settings.maxClients,
    blocked: clients.filter(({ isBlocked }) => isBlocked).length,
    pubsub: pubsub.clientCount,
    tracking: tracking?.clientCount ?? 0,
    watching: clients.filter(({ watched }) => watched.size > 0).length,
    watchedKeys: clients.reduce((sum, { watched }) => sum + watched.size, 0),
    maxInputBytes: clientBuffers.maxInputBytes,
    maxOutputBytes: clientBuffers.maxOutputBytes,
  };
}

function memoryStatus({ server, settings }: ServerParts): MemoryStatus {
  return {
    ...server.memory,
    systemBytes: totalmem(),
    maxBytes: settings.maxMemoryBytes,
    policy: settings.maxMemoryPolicy,
  };
}

function statsStatus({ server, engine, syncs }: ServerParts): StatsStatus {
  const { statistics, traffic, tracking } = server;
  return {
    connections: statistics.connections,
    rejectedConnections: statistics.rejectedConnections,
    ...traffic,
    commandsPerSecond: statistics.commandsPerSecond,
    inputBytesPerSecond: statistics.inputBytesPerSecond,
    outputBytesPerSecond: statistics.outputBytesPerSecond,
    staleShare: engine.staleShare(),
    evictedKeys: statistics.total('evictedKeys'),
    keyspaceHits: statistics.total('keyspaceHits'),
    keyspaceMisses: statistics.total('keyspaceMisses'),
    errorReplies: statistics.errors.total,
    tracked: {
      keys: tracking?.keyCount ?? 0,
      items: tracking?.itemCount ?? 0,
      prefixes: tracking?.prefixCount ?? 0,
    },
    pubsub: {
      channels: server.pubsub.count('channels'),
      patterns: server.pubsub.count('patterns'),
      shardChannels: server.pubsub.count('shardChannels'),
    },
    ...(syncs !== undefined && { syncs }),
  };
}

function latencies(statistics: CommandStatistics, percents: readonly number[]): LatencyPercentiles[] {
  return (statistics.latencies?.rows() ?? []).map(({ name, counts }) => ({
    name,
    percentiles: percents.map((percent) => [percentileText(percent), latencyPercentile(counts, percent)]),
  }));
}
