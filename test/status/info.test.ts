/** INFO: its sections, its fields as Redis names them, and that it tells nothing that is not known. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ClientState } from '../../src/resp/client-state.js';
import { CommandStatistics } from '../../src/resp/command-statistics.js';
import { NOT_DURABLE } from '../../src/resp/durability.js';
import { Latencies } from '../../src/resp/latencies.js';
import { memoryFacts } from '../../src/resp/memory-facts.js';
import { renderInfo } from '../../src/status/info.js';
import { humanBytes } from '../../src/status/info-memory.js';
import { serverStatus } from '../../src/status/server-status.js';
import type { ServerStatus } from '../../src/status/status-facts.js';
import { describeWith } from '../support/optional-peers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';
import { newSettings } from '../support/settings.js';

const DEFAULT = [
  'Server',
  'Clients',
  'Memory',
  'Persistence',
  'Stats',
  'Replication',
  'CPU',
  'Modules',
  'Errorstats',
  'Cluster',
  'Keyspace',
];

/** Fields of ours, and of Redis from 7.4 on. */
const NEWER_FIELDS = new Set([
  'fastcache_version',
  'pubsub_clients',
  'watching_clients',
  'total_watched_keys',
  'total_blocking_keys',
  'total_blocking_keys_on_nokey',
]);
/** Of the section `replication`, which has tests of its own (test/resp/replica-front.test.ts). */
const REPLICATION_FIELD = /^(master_|slave_|replica_|second_repl_|repl_backlog_)/;
/** The fields that redis_exporter reads of INFO of Redis 7 and 8, apart from modules. */
const EXPORTED_FIELDS = (
  'uptime_in_seconds process_id io_threads_active connected_clients blocked_clients maxclients tracking_clients ' +
  'clients_in_timeout_table pubsub_clients watching_clients total_watched_keys total_blocking_keys ' +
  'total_blocking_keys_on_nokey client_recent_max_output_buffer client_recent_max_input_buffer allocator_active ' +
  'allocator_allocated allocator_resident allocator_frag_ratio allocator_frag_bytes allocator_muzzy allocator_rss_ratio ' +
  'allocator_rss_bytes used_memory used_memory_rss used_memory_peak used_memory_lua used_memory_vm_eval ' +
  'used_memory_scripts_eval used_memory_overhead used_memory_startup used_memory_dataset number_of_cached_scripts ' +
  'number_of_functions number_of_libraries used_memory_vm_functions used_memory_scripts used_memory_functions ' +
  'used_memory_vm_total maxmemory mem_fragmentation_ratio mem_fragmentation_bytes mem_clients_slaves mem_clients_normal ' +
  'mem_cluster_links mem_aof_buffer mem_replication_backlog expired_stale_perc mem_not_counted_for_evict ' +
  'mem_total_replication_buffers mem_overhead_db_hashtable_rehashing lazyfree_pending_objects lazyfreed_objects ' +
  'active_defrag_running migrate_cached_sockets active_defrag_hits active_defrag_misses active_defrag_key_hits ' +
  'active_defrag_key_misses loading async_loading rdb_changes_since_last_save rdb_bgsave_in_progress ' +
  'rdb_last_save_time rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves ' +
  'rdb_last_cow_size rdb_last_load_keys_expired rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress ' +
  'aof_rewrite_scheduled aof_last_rewrite_time_sec aof_current_rewrite_time_sec aof_last_cow_size aof_current_size ' +
  'aof_base_size aof_pending_rewrite aof_buffer_length aof_rewrite_buffer_length aof_pending_bio_fsync ' +
  'aof_delayed_fsync aof_last_bgrewrite_status aof_last_write_status module_fork_in_progress ' +
  'module_fork_last_cow_size current_eviction_exceeded_time pubsub_channels pubsub_patterns pubsubshard_channels ' +
  'latest_fork_usec tracking_total_keys tracking_total_items tracking_total_prefixes ' +
  'instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec connected_slaves ' +
  'slave_expires_tracked_keys sync_full sync_partial_ok sync_partial_err total_connections_received ' +
  'total_commands_processed rejected_connections total_net_input_bytes total_net_output_bytes ' +
  'total_net_repl_input_bytes total_net_repl_output_bytes expired_subkeys expired_keys ' +
  'expired_time_cap_reached_count expire_cycle_cpu_milliseconds evicted_keys evicted_clients evicted_scripts ' +
  'total_eviction_exceeded_time keyspace_hits keyspace_misses eventloop_cycles eventloop_duration_sum ' +
  'eventloop_duration_cmd_sum used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children ' +
  'used_cpu_sys_main_thread used_cpu_user_main_thread unexpected_error_replies total_error_replies ' +
  'dump_payload_sanitizations total_reads_processed total_writes_processed io_threaded_reads_processed ' +
  'io_threaded_writes_processed client_query_buffer_limit_disconnections ' +
  'client_output_buffer_limit_disconnections reply_buffer_shrinks reply_buffer_expands acl_access_denied_auth ' +
  'acl_access_denied_cmd acl_access_denied_key acl_access_denied_channel redis_version redis_build_id redis_mode os ' +
  'maxmemory_policy tcp_port run_id role hz configured_hz'
).split(' ');

function newStatus(): { status: () => ServerStatus; statistics: CommandStatistics } {
  const latencies = new Latencies({ rows: () => [], forget: () => {} });
  const statistics = new CommandStatistics(
    () => [],
    () => ({ keyspaceHits: 1, keyspaceMisses: 2, expiredKeys: 3, evictedKeys: 4 }),
    latencies,
  );
  for (const nowMs of [0, 100]) {
    statistics.sample({ nowMs, inputBytes: 1024 * nowMs, outputBytes: 0, usedMemoryBytes: 3072 });
  }
  const client = new ClientState({
    id: 1,
    address: 'a:1',
    localAddress: 'b:2',
    nowMs: 0,
    isAuthenticated: true,
  });
  client.readBytes = 7;
  client.isBlocked = true;
  const settings = newSettings({ maxValueBytes: 1024, maxMemoryBytes: 2 ** 20 });
  const status = () =>
    serverStatus({
      role: 'master',
      version: '1.2.3',
      nowMs: 1_800_000_000_007,
      uptimeMs: 90_000_000,
      runId: 'a'.repeat(40),
      isLoading: false,
      lruClock: 77,
      changes: 9,
      durability: NOT_DURABLE,
      server: {
        port: 6380,
        clients: [client],
        statistics,
        pubsub: { count: (kind) => kind.length, clientCount: 4 },
        traffic: { inputBytes: 7, outputBytes: 8 },
        clientBuffers: { bytes: 30, maxInputBytes: 10, maxOutputBytes: 20 },
        memory: memoryFacts({
          engine: {
            usedBytes: () => 1536,
            emptyBytes: 1000,
            memory: () => ({ records: 512, tables: 1024, frames: 0, freeBlocks: 0, allocated: 3072 }),
          },
          peakBytes: 3072,
          clientBytes: 30,
          backlogBytes: 5,
          scripts: undefined,
        }),
        startedAtSeconds: 1_700_000_000,
      },
      engine: {
        usedBytes: () => 1536,
        keyCount: () => 3,
        expiringKeyCount: () => 1,
        averageTtlMs: () => 5_000,
        staleShare: () => 0.25,
      },
      settings,
      replication: { connected_slaves: 0, master_replid: 'b'.repeat(40) },
      syncs: { full: 3, partial: 2, partialFailed: 1 },
    });
  return { status, statistics };
}

function titles(text: string): string[] {
  return [...text.matchAll(/^# (\w+)\r$/gm)].map(([, title]) => title!);
}

function fields(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^(\w[\w|]*):(.*)\r$/gm)].map(([, name, value]) => [name, value]),
  );
}

describe('INFO', () => {
  const { status, statistics } = newStatus();
  statistics.record('client|list', 10, 'ok');
  statistics.record('client|list', 5, 'failed');
  statistics.record('set', 0, 'rejected');
  statistics.recordError('ERR syntax error');
  statistics.recordError('WRONGPASS invalid');
  statistics.recordError('ERR again');
  statistics.latencies?.record('client|list', 10);
  const ALL = [...DEFAULT.slice(0, 8), 'Commandstats', 'Errorstats', 'Latencystats', ...DEFAULT.slice(9)];

  it.each([
    { asked: [], shown: DEFAULT },
    { asked: ['default'], shown: DEFAULT },
    { asked: ['all'], shown: ALL },
    { asked: ['everything'], shown: ALL },
    { asked: ['errorstats', 'latencystats'], shown: ['Errorstats', 'Latencystats'] },
    { asked: ['keyspace', 'server', 'server'], shown: ['Server', 'Keyspace'] },
    {
      asked: ['default', 'commandstats'],
      shown: [...DEFAULT.slice(0, 8), 'Commandstats', ...DEFAULT.slice(8)],
    },
    { asked: ['nosuch'], shown: [] },
    { asked: ['constructor', '__proto__'], shown: [] },
  ])('$asked shows $shown', ({ asked, shown }) => {
    expect(titles(renderInfo(status(), asked))).toEqual(shown);
  });

  it('tells what the parts of a server know', () => {
    expect(fields(renderInfo(status(), ['all']))).toMatchObject({
      redis_version: '7.0.15',
      fastcache_version: '1.2.3',
      run_id: 'a'.repeat(40),
      tcp_port: '6380',
      server_time_usec: '1800000000007000',
      uptime_in_seconds: '90000',
      uptime_in_days: '1',
      connected_clients: '1',
      blocked_clients: '1',
      maxclients: '10000',
      used_memory: '1536',
      used_memory_human: '1.50K',
      maxmemory: '1048576',
      maxmemory_human: '1.00M',
      maxmemory_policy: 'noeviction',
      loading: '0',
      rdb_bgsave_in_progress: '0',
      total_commands_processed: '2',
      total_net_input_bytes: '7',
      total_net_output_bytes: '8',
      instantaneous_input_kbps: '62.50',
      instantaneous_output_kbps: '0.00',
      used_memory_peak: '3072',
      used_memory_peak_perc: '50.00%',
      used_memory_overhead: '1024',
      used_memory_startup: '1000',
      used_memory_dataset: '512',
      used_memory_dataset_perc: '95.52%',
      allocator_frag_ratio: '2.00',
      allocator_frag_bytes: '1536',
      mem_clients_normal: '30',
      mem_replication_backlog: '5',
      client_recent_max_input_buffer: '10',
      client_recent_max_output_buffer: '20',
      expired_stale_perc: '25.00',
      lru_clock: '77',
      hz: '10',
      rdb_changes_since_last_save: '9',
      rdb_last_save_time: '1700000000',
      total_error_replies: '3',
      errorstat_ERR: 'count=2',
      errorstat_WRONGPASS: 'count=1',
      'latency_percentiles_usec_client|list': 'p50=10.240,p99=10.240,p99.9=10.240',
      sync_full: '3',
      sync_partial_ok: '2',
      sync_partial_err: '1',
      role: 'master',
      connected_slaves: '0',
      cluster_enabled: '0',
      'cmdstat_client|list': 'calls=2,usec=15,usec_per_call=7.50,rejected_calls=0,failed_calls=1',
      cmdstat_set: 'calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0',
      db0: 'keys=3,expires=1,avg_ttl=5000',
    });
  });

  it('leaves out what is not known', () => {
    const { stats: _stats, memory: _memory, clients: _clients, cpu: _cpu, ...little } = status();
    const text = renderInfo(little, ['all']);
    expect(text).not.toContain('undefined');
    expect(fields(text)).not.toHaveProperty('maxmemory');
  });
});

it.each([
  [0, '0B'],
  [1023, '1023B'],
  [1024, '1.00K'],
  [1536 * 1024, '1.50M'],
  [2 ** 30, '1.00G'],
  [2 ** 32, '4.00G'],
  [3 * 2 ** 40, '3.00T'],
])('%d bytes are %s', (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});

describeWith(redisServer, 'as of redis-server', () => {
  let theirs: string;
  beforeAll(async () => {
    const { port } = await RedisServer.start();
    const client = await RespClient.connect(`127.0.0.1:${port}`);
    await client.command('SET', 'key', 'value');
    theirs = String(await client.command('INFO', 'everything'));
    client.close();
  });

  it('INFO has no field that Redis does not have, in no other order', () => {
    const ours = Object.keys(fields(renderInfo(newStatus().status(), ['all'])));
    const known = ours.filter((name) => !NEWER_FIELDS.has(name));
    const order = Object.keys(fields(theirs)).filter((name) => known.includes(name));
    expect(known).toEqual(order);
  });

  it('INFO has each field that redis-server has, or the page on Redis says why not', () => {
    const ours = fields(renderInfo(newStatus().status(), ['all']));
    // Fields that depend on the commands that came are left out.
    const lacking = Object.keys(fields(theirs)).filter(
      (name) => !(name in ours) && !/^(cmdstat_|errorstat_|latency_percentiles_usec_)/.test(name),
    );
    expect(lacking.filter((name) => !leftOut().has(name) && !REPLICATION_FIELD.test(name))).toEqual([]);
  });
});

it('INFO has each field that redis_exporter reads, or the page on Redis says why not', () => {
  const ours = fields(renderInfo(newStatus().status(), ['all']));
  const lacking = EXPORTED_FIELDS.filter((name) => !(name in ours) && !REPLICATION_FIELD.test(name));
  expect(lacking.filter((name) => !leftOut().has(name))).toEqual([]);
  expect([...leftOut()].filter((name) => name in ours)).toEqual([]);
});

/** The fields that the page on Redis lists as left out. */
function leftOut(): Set<string> {
  const page = readFileSync('docs/redis.md', 'utf8');
  const [, section] = /\n### Fields of INFO that are left out\n([\s\S]*?)\n##/.exec(page)!;
  const listed = section!.split('\n').filter((line) => line.startsWith('| `'));
  return new Set(
    listed.flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!)),
  );
}
