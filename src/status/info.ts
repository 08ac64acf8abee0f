/**
 * Renders INFO's text (reference: Redis' own field names) from what a server knows of itself. A field of
 * which it knows nothing is left out rather than shown wrongly.
 */
import type { CommandRow } from '../resp/command-statistics.js';
import { REDIS_VERSION } from '../resp/redis-version.js';

/** The facts of a server that INFO and the metrics show, at one moment. */
export interface ServerStatus {
  role: 'master' | 'slave';
  version: string;
  uptimeMs: number;
  tcpPort: number;
  connectedClients: number;
  usedMemoryBytes: number;
  keys: number;
  expiringKeys: number;
  /** Ms that these have left on the average. */
  averageTtlMs: number;
  commandsProcessed: number;
  expiredKeys: number | undefined;
  /** The lines of the replication section behind `role`. */
  replication: Record<string, string | number>;
  nowMs?: number;
  /** The id of this run, 40 hex digits. */
  runId?: string;
  clients?: { blocked: number; max: number };
  memory?: MemoryStatus;
  /** True when nothing has come from the primary yet. */
  isLoading?: boolean;
  stats?: StatsStatus;
  cpu?: { userUs: number; systemUs: number };
  commandRows?: () => readonly CommandRow[];
}

/** Memory of the process, and the store's limit. */
export interface MemoryStatus {
  /** Bytes of the process as a whole. */
  residentBytes: number;
  /** The store's limit, bytes; 0: no limit but the store's own. */
  maxBytes: number;
  policy: string;
  /** The scripts that are cached, and about the bytes that they take. */
  scripts?: { count: number; bytes: number };
}

/** Counters since the start, and the present rate of commands. */
export interface StatsStatus {
  connections: number;
  rejectedConnections: number;
  inputBytes: number;
  outputBytes: number;
  commandsPerSecond: number | undefined;
  evictedKeys: number | undefined;
  keyspaceHits: number | undefined;
  keyspaceMisses: number | undefined;
  errorReplies: number;
  pubsub: PubSubCounts;
  syncs?: SyncCounts;
}

/** How many names have subscribers. */
export interface PubSubCounts {
  channels: number;
  patterns: number;
  shardChannels: number;
}

/** How many of the replicas that came were sent what. */
export interface SyncCounts {
  /** How many were sent a snapshot, also in place of the backlog. */
  full: number;
  /** How many were sent what they lacked, from the backlog. */
  partial: number;
  /** How many had asked to resume and were sent a snapshot. */
  partialFailed: number;
}

type Fields = Record<string, string | number | undefined>;

interface Section {
  readonly title: string;
  readonly isDefault: boolean;
  readonly fields: (status: ServerStatus) => Fields;
}

const EVERYTHING = ['all', 'everything'];

/** Renders the sections that are asked for (lower case), the default ones when none is. */
export function renderInfo(status: ServerStatus, asked: readonly string[]): string {
  const wantsAll = asked.some((name) => EVERYTHING.includes(name));
  const wantsDefault = asked.length === 0 || asked.includes('default');
  return Object.entries(sections)
    .filter(([name, { isDefault }]) => wantsAll || (wantsDefault && isDefault) || asked.includes(name))
    .map(([, section]) => renderSection(section, status))
    .join('\r\n');
}

/** Writes a size for people: `1.50M`. */
export function humanBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 5);
  return power === 0 ? `${bytes}B` : `${(bytes / 1024 ** power).toFixed(2)}${'BKMGTP'[power]}`;
}

function renderSection({ title, fields }: Section, status: ServerStatus): string {
  const lines = Object.entries(fields(status))
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field}:${value}\r\n`);
  return `# ${title}\r\n${lines.join('')}`;
}

/** The sections in Redis' order. */
const sections: Record<string, Section> = {
  server: { title: 'Server', isDefault: true, fields: serverFields },
  clients: { title: 'Clients', isDefault: true, fields: clientFields },
  memory: { title: 'Memory', isDefault: true, fields: memoryFields },
  persistence: { title: 'Persistence', isDefault: true, fields: persistenceFields },
  stats: { title: 'Stats', isDefault: true, fields: statsFields },
  replication: {
    title: 'Replication',
    isDefault: true,
    fields: ({ role, replication }) => ({ role, ...replication }),
  },
  cpu: { title: 'CPU', isDefault: true, fields: cpuFields },
  modules: { title: 'Modules', isDefault: true, fields: () => ({}) },
  commandstats: { title: 'Commandstats', isDefault: false, fields: commandFields },
  cluster: { title: 'Cluster', isDefault: true, fields: () => ({ cluster_enabled: 0 }) },
  keyspace: { title: 'Keyspace', isDefault: true, fields: keyspaceFields },
};

function serverFields({ version, nowMs, runId, uptimeMs, tcpPort }: ServerStatus): Fields {
  const uptimeSeconds = Math.floor(uptimeMs / 1000);
  return {
    redis_version: REDIS_VERSION,
    fastcache_version: version,
    redis_mode: 'standalone',
    arch_bits: 64,
    process_id: process.pid,
    run_id: runId,
    tcp_port: tcpPort,
    server_time_usec: nowMs === undefined ? undefined : Math.floor(nowMs * 1000),
    uptime_in_seconds: uptimeSeconds,
    uptime_in_days: Math.floor(uptimeSeconds / 86_400),
    config_file: '',
    io_threads_active: 0,
  };
}

function clientFields({ connectedClients, clients }: ServerStatus): Fields {
  return {
    connected_clients: connectedClients,
    cluster_connections: 0,
    maxclients: clients?.max,
    blocked_clients: clients?.blocked,
    tracking_clients: 0,
  };
}

function memoryFields({ usedMemoryBytes, memory }: ServerStatus): Fields {
  const used: Fields = { used_memory: usedMemoryBytes, used_memory_human: humanBytes(usedMemoryBytes) };
  if (memory === undefined) return used;
  return {
    ...used,
    used_memory_rss: memory.residentBytes,
    used_memory_rss_human: humanBytes(memory.residentBytes),
    ...scriptFields(memory.scripts ?? { count: 0, bytes: 0 }),
    maxmemory: memory.maxBytes,
    maxmemory_human: humanBytes(memory.maxBytes),
    maxmemory_policy: memory.policy,
  };
}

function scriptFields({ count, bytes }: { count: number; bytes: number }): Fields {
  return {
    used_memory_scripts_eval: bytes,
    number_of_cached_scripts: count,
    number_of_functions: 0,
    number_of_libraries: 0,
    used_memory_scripts: bytes,
    used_memory_scripts_human: humanBytes(bytes),
  };
}

function persistenceFields({ isLoading = false }: ServerStatus): Fields {
  return {
    loading: isLoading ? 1 : 0,
    async_loading: 0,
    rdb_bgsave_in_progress: 0,
    aof_enabled: 0,
    aof_rewrite_in_progress: 0,
    aof_rewrite_scheduled: 0,
  };
}

function statsFields({ commandsProcessed, expiredKeys, stats }: ServerStatus): Fields {
  return {
    total_connections_received: stats?.connections,
    total_commands_processed: commandsProcessed,
    instantaneous_ops_per_sec: stats?.commandsPerSecond,
    total_net_input_bytes: stats?.inputBytes,
    total_net_output_bytes: stats?.outputBytes,
    rejected_connections: stats?.rejectedConnections,
    sync_full: stats?.syncs?.full,
    sync_partial_ok: stats?.syncs?.partial,
    sync_partial_err: stats?.syncs?.partialFailed,
    expired_keys: expiredKeys,
    evicted_keys: stats?.evictedKeys,
    keyspace_hits: stats?.keyspaceHits,
    keyspace_misses: stats?.keyspaceMisses,
    pubsub_channels: stats?.pubsub.channels,
    pubsub_patterns: stats?.pubsub.patterns,
    pubsubshard_channels: stats?.pubsub.shardChannels,
    total_error_replies: stats?.errorReplies,
  };
}

function cpuFields({ cpu }: ServerStatus): Fields {
  const seconds = (us: number | undefined) => (us === undefined ? undefined : (us / 1e6).toFixed(6));
  return { used_cpu_sys: seconds(cpu?.systemUs), used_cpu_user: seconds(cpu?.userUs) };
}

function commandFields({ commandRows }: ServerStatus): Fields {
  const rows = commandRows?.() ?? [];
  return Object.fromEntries(
    rows.map(({ name, calls, microseconds, rejected, failed }) => {
      const perCall = (calls === 0 ? 0 : microseconds / calls).toFixed(2);
      const counts = `calls=${calls},usec=${microseconds},usec_per_call=${perCall}`;
      return [`cmdstat_${name}`, `${counts},rejected_calls=${rejected},failed_calls=${failed}`];
    }),
  );
}

function keyspaceFields({ keys, expiringKeys, averageTtlMs }: ServerStatus): Fields {
  return keys === 0 ? {} : { db0: `keys=${keys},expires=${expiringKeys},avg_ttl=${averageTtlMs}` };
}
