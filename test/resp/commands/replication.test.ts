/** ROLE, REPLICAOF, SLAVEOF, WAIT: their calls to replication, and errors as redis-server has them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Later } from '../../../src/resp/later.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost, wordsOf } from '../../support/server-host.js';

describeWith(redisServer, 'commands of replication answer as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
  });

  it.each([
    [
      'ROLE x',
      'REPLICAOF',
      'REPLICAOF host',
      'REPLICAOF host x',
      'REPLICAOF host -1',
      'REPLICAOF host 65536',
    ],
    ['SLAVEOF a b c', 'SLAVEOF host 1.5', 'REPLICAOF no one', 'SLAVEOF NO ONE', 'REPLICAOF NO 65536'],
    ['WAIT', 'WAIT 1', 'WAIT x 0', 'WAIT 0 x', 'WAIT 0 -1', 'WAIT 0 1.5', 'WAIT 9223372036854775808 0'],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
  });

  it('a replica refuses WAIT, and says so when it follows already', async () => {
    const lines = [
      'REPLICAOF localhost 1',
      'REPLICAOF LOCALHOST 1',
      'SLAVEOF localhost 1',
      'WAIT 0 0',
      'WAIT x y',
      'REPLICAOF NO ONE',
      'WAIT 0 0',
    ];
    const theirs = await redis.answers(lines);
    const host = new ServerHost();
    const client = host.newClient();
    const ours = lines.map((line) => {
      const answer = host.answer(line, client);
      if (line === 'REPLICAOF localhost 1') host.primary = { host: 'localhost', port: 1 };
      if (line === 'REPLICAOF NO ONE') host.primary = undefined;
      return answer;
    });
    expect(ours).toEqual(theirs);
    expect(host.deeds).toEqual(['follow localhost 1', 'promote', 'wait 0 0']);
  });
});

describe('REPLICAOF', () => {
  it('NO ONE leaves a primary as it is', () => {
    const host = new ServerHost();
    expect(host.answer('REPLICAOF NO ONE', host.newClient())).toBe('+OK\r\n');
    expect(host.deeds).toEqual([]);
  });
});

describe('WAIT', () => {
  it('waits through replication, as long as a timer can', () => {
    const host = new ServerHost();
    expect(host.run(wordsOf('WAIT 2 99999999999'), host.newClient())).toBeInstanceOf(Later);
    host.answer('WAIT 2 99999999999', host.newClient());
    expect(host.deeds).toEqual(['wait 2 2147483647']);
  });

  it('does not wait inside of a transaction', () => {
    const host = new ServerHost();
    const client = host.newClient();
    client.isInExec = true;
    host.acknowledged = 1;
    expect(host.answer('WAIT 2 0', client)).toBe(':1\r\n');
  });
});
