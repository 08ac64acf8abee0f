/** INFO: its sections, its fields as Redis names them, and that it tells nothing that is not known. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ClientState } from '../../src/resp/client-state.js';
import { CommandStatistics } from '../../src/resp/command-statistics.js';
import { humanBytes, renderInfo, type ServerStatus } from '../../src/status/info.js';
import { serverStatus } from '../../src/status/server-status.js';
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
  'Cluster',
  'Keyspace',
];

function newStatus(): { status: () => ServerStatus; statistics: CommandStatistics } {
  const statistics = new CommandStatistics(() => []);
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
      server: { port: 6380, clients: [client], statistics, pubsub: { count: (kind) => kind.length } },
      engine: {
        usedBytes: () => 1536,
        keyCount: () => 3,
        expiringKeyCount: () => 1,
        averageTtlMs: () => 5_000,
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

  it.each([
    { asked: [], shown: DEFAULT },
    { asked: ['default'], shown: DEFAULT },
    { asked: ['all'], shown: [...DEFAULT.slice(0, 8), 'Commandstats', ...DEFAULT.slice(8)] },
    { asked: ['everything'], shown: [...DEFAULT.slice(0, 8), 'Commandstats', ...DEFAULT.slice(8)] },
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
    const known = ours.filter((name) => name !== 'fastcache_version');
    const order = Object.keys(fields(theirs)).filter((name) => known.includes(name));
    expect(known).toEqual(order);
  });
});
