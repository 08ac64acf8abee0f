/** The fields of INFO's sections, in Redis' order; one that is undefined is left out. */
import { machine, release, type } from 'node:os';
import type { SizeReport } from '../data/data-directory.js';
import { HOUSEKEEPING_HZ } from '../engine/housekeeping.js';
import { REDIS_VERSION } from '../resp/redis-version.js';
import type { LoadingReport } from './report.js';
import type { Fields, ServerStatus } from './status-facts.js';

/** The section `server`. */
export function serverFields({ version, nowMs, lruClock, runId, uptimeMs, tcpPort }: ServerStatus): Fields {
  const uptimeSeconds = Math.floor(uptimeMs / 1000);
  return {
    redis_version: REDIS_VERSION,
    fastcache_version: version,
    redis_mode: 'standalone',
    os: `${type()} ${release()} ${machine()}`,
    arch_bits: 64,
    process_id: process.pid,
    process_supervised: 'no',
    run_id: runId,
    tcp_port: tcpPort,
    server_time_usec: nowMs === undefined ? undefined : Math.floor(nowMs * 1000),
    uptime_in_seconds: uptimeSeconds,
    uptime_in_days: Math.floor(uptimeSeconds / 86_400),
    hz: HOUSEKEEPING_HZ,
    configured_hz: HOUSEKEEPING_HZ,
    lru_clock: lruClock,
    executable: process.execPath,
    config_file: '',
    io_threads_active: 0,
  };
}

/** The section `clients`. */
export function clientFields({ connectedClients, clients }: ServerStatus): Fields {
  return {
    connected_clients: connectedClients,
    cluster_connections: 0,
    maxclients: clients?.max,
    client_recent_max_input_buffer: clients?.maxInputBytes,
    client_recent_max_output_buffer: clients?.maxOutputBytes,
    blocked_clients: clients?.blocked,
    tracking_clients: clients?.tracking,
    pubsub_clients: clients?.pubsub,
    watching_clients: clients?.watching,
    total_watched_keys: clients?.watchedKeys,
    total_blocking_keys: 0,
    total_blocking_keys_on_nokey: 0,
  };
}

/**
 * The section `persistence`: the journal of the data directory is what Redis' file of commands is, and its
 * bases are the snapshots. Without one the fields have what Redis shows when nothing is saved.
 */
export function persistenceFields(status: ServerStatus): Fields {
  const { isLoading = false, isReplacing = false, loading, persistence } = status;
  const { saves, size, startedAtSeconds, fault, changes = 0 } = persistence ?? {};
  const lastSaveSeconds = saves?.lastMs === undefined ? startedAtSeconds : Math.floor(saves.lastMs / 1000);
  const isSaving = saves?.isSaving === true ? 1 : 0;
  const lastStatus = saves?.isLastOk === false ? 'err' : 'ok';
  return {
    loading: isLoading ? 1 : 0,
    async_loading: isReplacing ? 1 : 0,
    current_cow_peak: 0,
    current_cow_size: 0,
    current_cow_size_age: 0,
    current_fork_perc: '0.00',
    current_save_keys_processed: 0,
    current_save_keys_total: 0,
    rdb_changes_since_last_save: persistence && changes - (saves?.savedChanges ?? 0),
    rdb_bgsave_in_progress: isSaving,
    rdb_last_save_time: lastSaveSeconds,
    rdb_last_bgsave_status: lastStatus,
    rdb_last_bgsave_time_sec: secondsOf(saves?.tookMs),
    rdb_current_bgsave_time_sec: secondsOf(saves?.currentMs),
    rdb_saves: saves?.count ?? 0,
    rdb_last_cow_size: 0,
    rdb_last_load_keys_expired: 0,
    rdb_last_load_keys_loaded: 0,
    aof_enabled: saves === undefined ? 0 : 1,
    aof_rewrite_in_progress: isSaving,
    aof_rewrite_scheduled: 0,
    aof_last_rewrite_time_sec: secondsOf(saves?.tookMs),
    aof_current_rewrite_time_sec: secondsOf(saves?.currentMs),
    aof_last_bgrewrite_status: lastStatus,
    aof_rewrites: saves?.count ?? 0,
    aof_rewrites_consecutive_failures: 0,
    aof_last_write_status: fault === undefined ? 'ok' : 'err',
    aof_last_cow_size: 0,
    module_fork_in_progress: 0,
    module_fork_last_cow_size: 0,
    ...(size !== undefined && sizeFields(size)),
    ...(fault !== undefined && { data_fault: fault.replace(/\p{Cc}/gu, ' ') }),
    ...(loading !== undefined && loadingFields(loading)),
  };
}

function sizeFields({ bytes, baseBytes, unwrittenBytes, isSyncing, slowSyncs }: SizeReport): Fields {
  return {
    aof_current_size: bytes,
    aof_base_size: baseBytes,
    aof_pending_rewrite: 0,
    aof_buffer_length: unwrittenBytes,
    aof_pending_bio_fsync: isSyncing ? 1 : 0,
    aof_delayed_fsync: slowSyncs,
  };
}

function secondsOf(ms: number | undefined): number {
  return ms === undefined ? -1 : Math.floor(ms / 1000);
}

/** Redis' estimate of how long it takes supposes that all goes on as it went so far. */
function loadingFields({ startedMs, elapsedMs, bytes, totalBytes }: LoadingReport): Fields {
  const leftBytes = Math.max(0, totalBytes - bytes);
  const elapsedSeconds = Math.floor(elapsedMs / 1000);
  return {
    loading_start_time: Math.floor(startedMs / 1000),
    loading_total_bytes: totalBytes,
    loading_rdb_used_mem: 0,
    loading_loaded_bytes: bytes,
    loading_loaded_perc: (totalBytes === 0 ? 0 : (bytes / totalBytes) * 100).toFixed(2),
    loading_eta_seconds: elapsedSeconds === 0 ? 1 : Math.floor((elapsedSeconds * leftBytes) / (bytes + 1)),
  };
}

/** The section `stats`. */
export function statsFields({ commandsProcessed, expiredKeys, stats }: ServerStatus): Fields {
  return {
    total_connections_received: stats?.connections,
    total_commands_processed: commandsProcessed,
    instantaneous_ops_per_sec: stats?.commandsPerSecond,
    total_net_input_bytes: stats?.inputBytes,
    total_net_output_bytes: stats?.outputBytes,
    instantaneous_input_kbps: kilobytes(stats?.inputBytesPerSecond),
    instantaneous_output_kbps: kilobytes(stats?.outputBytesPerSecond),
    rejected_connections: stats?.rejectedConnections,
    sync_full: stats?.syncs?.full,
    sync_partial_ok: stats?.syncs?.partial,
    sync_partial_err: stats?.syncs?.partialFailed,
    expired_keys: expiredKeys,
    expired_stale_perc: stats === undefined ? undefined : (stats.staleShare * 100).toFixed(2),
    evicted_keys: stats?.evictedKeys,
    evicted_clients: 0,
    keyspace_hits: stats?.keyspaceHits,
    keyspace_misses: stats?.keyspaceMisses,
    pubsub_channels: stats?.pubsub.channels,
    pubsub_patterns: stats?.pubsub.patterns,
    pubsubshard_channels: stats?.pubsub.shardChannels,
    latest_fork_usec: 0,
    total_forks: 0,
    migrate_cached_sockets: 0,
    slave_expires_tracked_keys: 0,
    active_defrag_hits: 0,
    active_defrag_misses: 0,
    active_defrag_key_hits: 0,
    active_defrag_key_misses: 0,
    total_active_defrag_time: 0,
    current_active_defrag_time: 0,
    tracking_total_keys: stats?.tracked.keys,
    tracking_total_items: stats?.tracked.items,
    tracking_total_prefixes: stats?.tracked.prefixes,
    unexpected_error_replies: 0,
    total_error_replies: stats?.errorReplies,
    dump_payload_sanitizations: 0,
    io_threaded_reads_processed: 0,
    io_threaded_writes_processed: 0,
  };
}

function kilobytes(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : (bytes / 1024).toFixed(2);
}

/** The section `cpu`; there are no child processes. */
export function cpuFields({ cpu }: ServerStatus): Fields {
  if (cpu === undefined) return {};
  const seconds = (us: number) => (us / 1e6).toFixed(6);
  return {
    used_cpu_sys: seconds(cpu.systemUs),
    used_cpu_user: seconds(cpu.userUs),
    used_cpu_sys_children: seconds(0),
    used_cpu_user_children: seconds(0),
  };
}

/** The section `commandstats`. */
export function commandFields({ commandRows }: ServerStatus): Fields {
  const rows = commandRows?.() ?? [];
  return Object.fromEntries(
    rows.map(({ name, calls, microseconds, rejected, failed }) => {
      const perCall = (calls === 0 ? 0 : microseconds / calls).toFixed(2);
      const counts = `calls=${calls},usec=${microseconds},usec_per_call=${perCall}`;
      return [`cmdstat_${name}`, `${counts},rejected_calls=${rejected},failed_calls=${failed}`];
    }),
  );
}

/** The section `errorstats`. */
export function errorFields({ errorCounts }: ServerStatus): Fields {
  const counts = errorCounts?.() ?? [];
  return Object.fromEntries(
    counts.map(([word, count]) => [`errorstat_${shownName(word)}`, `count=${count}`]),
  );
}

/** The section `latencystats`. */
export function latencyFields({ latencies }: ServerStatus): Fields {
  const rows = latencies?.() ?? [];
  return Object.fromEntries(
    rows.map(({ name, percentiles }) => {
      const parts = percentiles.map(([percent, us]) => `p${percent}=${us.toFixed(3)}`);
      return [`latency_percentiles_usec_${name}`, parts.join(',')];
    }),
  );
}

/** A word of a script's own without what would break a line of INFO. */
function shownName(word: string): string {
  return word.replace(/[#:\n\r]/g, '_');
}

/** The section `keyspace`. */
export function keyspaceFields({ keys, expiringKeys, averageTtlMs }: ServerStatus): Fields {
  return keys === 0 ? {} : { db0: `keys=${keys},expires=${expiringKeys},avg_ttl=${averageTtlMs}` };
}
