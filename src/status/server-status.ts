/** Gathers the status of a running server, for INFO and the metrics, from its parts. */
import type { ClientState } from '../resp/client-state.js';
import type { CommandStatistics } from '../resp/command-statistics.js';
import type { PubSub } from '../resp/pubsub/pubsub.js';
import type { ScriptHost } from '../resp/script-host.js';
import type { Settings } from '../resp/settings.js';
import type { ServerStatus, SyncCounts } from './info.js';

/** The parts of a server from which its status is gathered. */
export interface ServerParts {
  readonly role: 'master' | 'slave';
  readonly version: string;
  readonly nowMs: number;
  readonly uptimeMs: number;
  readonly runId: string;
  readonly isLoading: boolean;
  readonly server: FrontStatus;
  readonly engine: {
    usedBytes(): number;
    keyCount(): number;
    expiringKeyCount(): number;
    averageTtlMs(): number;
  };
  readonly settings: Settings;
  /** The lines of INFO's replication section behind `role`. */
  readonly replication: Record<string, string | number>;
  /** How many of the replicas that came were sent what; absent on a server that serves none. */
  readonly syncs?: SyncCounts;
}

/** The facts that are asked of the Redis server. */
export interface FrontStatus {
  readonly port: number;
  readonly clients: readonly ClientState[];
  readonly statistics: CommandStatistics;
  readonly scripts?: ScriptHost;
  readonly pubsub: Pick<PubSub, 'count'>;
}

/** Gathers the status of a server at this moment. */
export function serverStatus(parts: ServerParts): ServerStatus {
  const { server, engine, settings, role, version, nowMs, uptimeMs, runId, isLoading, replication } = parts;
  const { clients, statistics } = server;
  const cpu = process.cpuUsage();
  return {
    role,
    version,
    nowMs,
    uptimeMs,
    runId,
    isLoading,
    replication,
    tcpPort: server.port,
    connectedClients: clients.length,
    clients: { max: settings.maxClients, blocked: clients.filter(({ isBlocked }) => isBlocked).length },
    usedMemoryBytes: engine.usedBytes(),
    memory: {
      residentBytes: process.memoryUsage.rss(),
      maxBytes: settings.maxMemoryBytes,
      policy: settings.maxMemoryPolicy,
      scripts: {
        count: server.scripts?.runner?.count ?? 0,
        bytes: server.scripts?.runner?.cachedBytes ?? 0,
      },
    },
    keys: engine.keyCount(),
    expiringKeys: engine.expiringKeyCount(),
    averageTtlMs: engine.averageTtlMs(),
    commandsProcessed: statistics.commandsProcessed,
    expiredKeys: statistics.total('expiredKeys'),
    stats: {
      connections: statistics.connections,
      rejectedConnections: statistics.rejectedConnections,
      // The totals count clients that have left; connected ones are added here.
      inputBytes: clients.reduce((sum, { readBytes }) => sum + readBytes, statistics.inputBytes),
      outputBytes: clients.reduce((sum, { writtenBytes }) => sum + writtenBytes, statistics.outputBytes),
      commandsPerSecond: statistics.commandsPerSecond,
      evictedKeys: statistics.total('evictedKeys'),
      keyspaceHits: statistics.total('keyspaceHits'),
      keyspaceMisses: statistics.total('keyspaceMisses'),
      errorReplies: statistics.errorReplies,
      pubsub: {
        channels: server.pubsub.count('channels'),
        patterns: server.pubsub.count('patterns'),
        shardChannels: server.pubsub.count('shardChannels'),
      },
      ...(parts.syncs !== undefined && { syncs: parts.syncs }),
    },
    cpu: { userUs: cpu.user, systemUs: cpu.system },
    commandRows: () => statistics.rows(),
  };
}
