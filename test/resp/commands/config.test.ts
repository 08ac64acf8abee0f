/** CONFIG, as redis-server answers it where both have the setting. */
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

describeWith(redisServer, 'CONFIG answers as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start('--tcp-keepalive', '60');
  });

  it.each([
    ['CONFIG GET', 'CONFIG SET', 'CONFIG SET a', 'CONFIG SET a b c', 'CONFIG GET nosuch', 'CONFIG NOSUCH'],
    [
      'CONFIG SET nosuch 1',
      'CONFIG SET "no\\x00such" 1',
      'CONFIG SET databases 1',
      'CONFIG SET nosuch 1 databases 1',
    ],
    ['CONFIG SET databases 1 nosuch 1', 'CONFIG SET io-threads 1', 'CONFIG SET Cluster-Enabled no'],
    ['CONFIG SET timeout 1 timeout 2', 'CONFIG SET timeout 1 TIMEOUT 2', 'CONFIG GET timeout'],
    [
      'CONFIG SET timeout 7 maxclients 0',
      'CONFIG GET timeout',
      'CONFIG SET TIMEOUT x',
      'CONFIG SET timeout -1',
    ],
    [
      'CONFIG SET timeout 2147483647',
      'CONFIG GET timeout',
      'CONFIG SET timeout 2147483648',
      'CONFIG SET timeout 0',
    ],
    [
      'CONFIG SET timeout ""',
      'CONFIG SET timeout 1kb',
      'CONFIG SET timeout 01',
      'CONFIG GET TIMEOUT Timeout',
    ],
    ['CONFIG SET maxclients -1', 'CONFIG SET maxclients x', 'CONFIG SET maxclients 4294967296'],
    ['CONFIG SET maxclients 100', 'CONFIG GET maxclients'],
    ['CONFIG SET maxmemory 1gb', 'CONFIG GET maxmemory', 'CONFIG SET maxmemory 1G', 'CONFIG GET maxmemory'],
    ['CONFIG SET maxmemory 512MB', 'CONFIG GET maxmemory', 'CONFIG SET maxmemory kb', 'CONFIG GET maxmemory'],
    [
      'CONFIG SET maxmemory -1',
      'CONFIG SET maxmemory 1x',
      'CONFIG SET maxmemory 1.5gb',
      'CONFIG SET maxmemory "1 "',
    ],
    ['CONFIG SET maxmemory 99999999999999999999', 'CONFIG GET maxmemory', 'CONFIG SET maxmemory ""'],
    ['CONFIG SET maxmemory 18446744073709551615k', 'CONFIG GET maxmemory', 'CONFIG SET maxmemory 0b'],
    [
      `CONFIG SET maxmemory ${'0'.repeat(128)}`,
      `CONFIG SET maxmemory ${'0'.repeat(127)}`,
      'CONFIG GET maxmemory',
    ],
    [
      'CONFIG SET maxmemory-policy ALLKEYS-LRU',
      'CONFIG GET maxmemory-policy',
      'CONFIG SET maxmemory-policy noeviction',
    ],
    [
      'CONFIG SET maxmemory-samples 0',
      'CONFIG SET maxmemory-samples x',
      'CONFIG SET maxmemory-samples 10',
      'CONFIG GET maxmemory-samples',
    ],

    ['CONFIG SET client-query-buffer-limit 1', 'CONFIG SET client-query-buffer-limit 9223372036854775808'],
    ['CONFIG SET client-query-buffer-limit 2mb', 'CONFIG GET client-query-buffer-limit'],
    [
      'CONFIG SET slowlog-max-len -1',
      'CONFIG SET slowlog-max-len 9223372036854775807',
      'CONFIG GET slowlog-max-len',
    ],
    ['CONFIG SET slowlog-log-slower-than -2', 'CONFIG SET slowlog-log-slower-than 9223372036854775808'],
    ['CONFIG SET slowlog-log-slower-than -1', 'CONFIG GET slowlog-log-slower-than'],
    ['CONFIG SET latency-monitor-threshold 0', 'CONFIG GET latency-monitor-threshold'],
    ['CONFIG SET save ""', 'CONFIG GET save', 'CONFIG SET appendonly no', 'CONFIG SET replica-read-only YES'],
    ['CONFIG SET notify-keyspace-events ""', 'CONFIG SET tcp-keepalive 60', 'CONFIG GET tcp-keepalive'],
    [
      'CONFIG GET databases',
      'CONFIG GET io-threads',
      'CONFIG GET enable-debug-command',
      'CONFIG GET slave-read-only',
    ],
    ['CONFIG GET maxmemory-p*', 'CONFIG GET MAXMEMORY-[POL]*', 'CONFIG GET databas?s'],
    ['CONFIG GET *databases* databases', 'CONFIG GET maxmemory-p* maxmemory-policy', 'CONFIG GET "[*"'],
    [
      'CONFIG REWRITE',
      'CONFIG REWRITE x',
      'CONFIG RESETSTAT',
      'CONFIG RESETSTAT x',
      'CONFIG HELP',
      'CONFIG HELP x',
    ],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
    await redis.expectAlike(lines, new ServerHost(), 3);
  });

  it.each([
    ['normal', 'normal 1', 'normal 1 2 3 4', 'nosuch 1 2 3', 'master 1 2 3', ' ', 'normal  1 2'],
    [
      'normal 1mb 1kb 60',
      'NORMAL 0 0 0 pubsub 64mb 16mb 90',
      'pubsub 1 2 x',
      'pubsub 1 2 -1',
      'pubsub x 2 1',
    ],
    ['normal 1 2 +7', 'normal 1 2 4294967299', 'normal 1 2 2147483648', 'normal -1 0 0', 'normal 1 2 ""'],
    ['pubsub 0 0 0 normal 1 1 x', ''],
  ])('CONFIG SET client-output-buffer-limit %j, …', async (...values) => {
    const defaults = 'CONFIG SET client-output-buffer-limit "normal 0 0 0 pubsub 33554432 8388608 60"';
    const lines = values.flatMap((value) => [
      `CONFIG SET client-output-buffer-limit '${value}'`,
      'CONFIG GET client-output-buffer-limit',
    ]);
    // Those of replicas are another matter.
    const [theirs, ours] = await Promise.all([
      redis.answers([defaults, ...lines, defaults]),
      answersOfOurs([defaults, ...lines, defaults]),
    ]);
    const withoutReplicas = (answer: string) =>
      answer.replace(/\$\d+\r\nnormal/, 'normal').replace(/slave \d+ \d+ \d+/, '');
    expect(ours.map(withoutReplicas)).toEqual(theirs.map(withoutReplicas));
  });
});

describe('CONFIG', () => {
  it('asks for the password that it sets, and shows it to whoever may ask', async () => {
    const host = new ServerHost();
    const client = host.newClient();
    expect(host.answer('CONFIG SET requirepass secret', client)).toBe('+OK\r\n');
    expect(host.newClient().isAuthenticated).toBe(false);
    expect(host.answer('AUTH wrong', client)).toMatch(/^-WRONGPASS/);
    expect(host.answer('AUTH secret', client)).toBe('+OK\r\n');
    expect(host.answer('CONFIG GET requirepass', client)).toContain('secret');
    host.answer('CONFIG SET requirepass ""', client);
    expect(host.newClient().isAuthenticated).toBe(true);
  });

  it('RESETSTAT forgets what was counted', () => {
    const host = new ServerHost();
    host.statistics.record('get', 5, 'ok');
    host.answer('CONFIG RESETSTAT', host.newClient());
    expect(host.statistics.rows()).toEqual([]);
  });
});

async function answersOfOurs(lines: readonly string[]): Promise<string[]> {
  const host = new ServerHost();
  const client = host.newClient();
  return lines.map((line) => host.answer(line, client));
}
