/** FAILOVER and REPLTAKEOVER: their calls to replication, and errors as redis-server has them. */
import { beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

describeWith(redisServer, 'FAILOVER answers as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
  });

  it('where its words are wrong, and where there is none to abort', async () => {
    await redis.expectAlike([
      'FAILOVER x',
      'FAILOVER TIMEOUT',
      'FAILOVER TIMEOUT 0',
      'FAILOVER TIMEOUT -1',
      'FAILOVER TIMEOUT 0 TIMEOUT 5',
      'FAILOVER TIMEOUT 5 TIMEOUT 5',
      'FAILOVER TIMEOUT x',
      'FAILOVER TIMEOUT 9223372036854775808',
      'FAILOVER TO',
      'FAILOVER TO host',
      'FAILOVER TO host port',
      'FAILOVER TO host 1 TO host 2',
      'FAILOVER FORCE FORCE',
      'FAILOVER ABORT TIMEOUT 5',
      'FAILOVER TIMEOUT 5 ABORT',
      'failover abort',
    ]);
  });

  it('without replicas', async () => {
    const lines = ['FAILOVER', 'FAILOVER TO host 1', 'FAILOVER FORCE', 'FAILOVER TO host 1 FORCE TIMEOUT 5'];
    const host = new ServerHost();
    host.failoverRefusal = 'FAILOVER requires connected replicas.';
    await redis.expectAlike(lines, host);
  });
});

it('FAILOVER hands over as it is told', () => {
  const host = new ServerHost();
  const client = host.newClient();
  for (const line of [
    'FAILOVER',
    'failover timeout 5',
    'FAILOVER TO host 6380 FORCE TIMEOUT 1000',
    'FAILOVER TIMEOUT 9223372036854775807 TO ::1 6380',
  ]) {
    expect(host.answer(line, client)).toBe('+OK\r\n');
  }
  expect(host.deeds).toEqual([
    'failover undefined undefined false',
    'failover undefined 5 false',
    'failover host:6380 1000 true',
    'failover [::1]:6380 2000000000 false',
  ]);
});

it('REPLICAOF is refused meanwhile', () => {
  const host = new ServerHost();
  host.failoverState = 'waiting-for-sync';
  const refusal = '-ERR REPLICAOF not allowed while failing over.\r\n';
  for (const line of ['REPLICAOF host 1', 'SLAVEOF NO ONE', 'REPLICAOF host x']) {
    expect(host.answer(line, host.newClient())).toBe(refusal);
  }
});

it('REPLTAKEOVER asks for so many seconds', () => {
  const host = new ServerHost();
  const client = host.newClient();
  for (const line of ['REPLTAKEOVER 10000', 'repltakeover 0 save', 'REPLTAKEOVER 9223372036854775807']) {
    expect(host.answer(line, client)).toBe('+OK\r\n');
  }
  expect(host.deeds).toEqual(['take over 10000000', 'take over 0', 'take over 2000000000']);
  expect(host.answer('REPLTAKEOVER x', client)).toMatch(/^-ERR value is not an integer/);
  expect(host.answer('REPLTAKEOVER -1', client)).toBe('-ERR timeout is negative\r\n');
  expect(host.answer('REPLTAKEOVER 1 x', client)).toBe('-ERR syntax error\r\n');
});
