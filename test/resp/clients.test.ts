/**
 * The programs that people use Redis with drive a primary of ours and read its replica: redis-cli, ioredis,
 * redis-benchmark.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedPair, embeddedPair, isCaughtUp } from '../support/embedded-pair.js';
import { describeWith } from '../support/optional-peers.js';
import { redisBenchmark, redisCli, redisTools } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';

const READ_ONLY = "READONLY You can't write against a read only replica.";

let pair: EmbeddedPair;
beforeAll(async () => {
  pair = await embeddedPair();
});

describe('ioredis', () => {
  const clients: Redis[] = [];
  function client(port: number): Redis {
    const made = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 0 });
    clients.push(made);
    return made;
  }
  afterAll(() => {
    for (const made of clients) made.disconnect();
  });

  it('writes to the primary and reads from the replica', async () => {
    const primary = client(pair.primaryPort);
    const replica = client(pair.replicaPort);
    const binary = Buffer.from([0, 13, 10, 255, 0]);
    expect(await primary.set('text', 'grüße')).toBe('OK');
    expect(await primary.set(binary, binary, 'PX', 60_000)).toBe('OK');
    expect(await primary.mset({ one: '1', two: '2' })).toBe('OK');
    expect(await primary.incrby('counter', 41)).toBe(41);
    expect(await primary.incr('counter')).toBe(42);
    expect(await primary.append('text', '!')).toBe(8);
    expect(await primary.del('two', 'never there')).toBe(1);
    expect(await primary.expire('one', 100)).toBe(1);
    await isCaughtUp(pair);
    expect(await replica.get('text')).toBe('grüße!');
    expect(await replica.getBuffer(binary)).toEqual(binary);
    expect(await replica.mget('one', 'two', 'counter')).toEqual(['1', null, '42']);
    expect(await replica.exists('one', 'two', 'counter')).toBe(2);
    expect(await replica.ttl('one')).toBeGreaterThan(90);
    expect(await replica.pttl(binary)).toBeGreaterThan(50_000);
    expect(await replica.ttl('text')).toBe(-1);
    expect(await replica.ttl('two')).toBe(-2);
    expect(await replica.strlen('text')).toBe(8);
  });

  it('pipelines', async () => {
    const primary = client(pair.primaryPort);
    const pipeline = primary.pipeline();
    for (let index = 0; index < 5_000; index++) pipeline.set(`pipelined:${index}`, `value ${index}`);
    for (let index = 0; index < 5_000; index++) pipeline.get(`pipelined:${index}`);
    const results = (await pipeline.exec())!;
    const expected = [
      ...Array.from({ length: 5_000 }, () => [null, 'OK']),
      ...Array.from({ length: 5_000 }, (_, index) => [null, `value ${index}`]),
    ];
    expect(results).toEqual(expected);
  });

  it.each([
    ['SET', 'key', 'value'],
    ['SET', 'key', 'value', 'EX', '10', 'GET'],
    ['DEL', 'key'],
    ['DEL', 'never there'],
    ['MSET', 'key', 'value'],
    ['INCR', 'key'],
    ['INCRBY', 'key', '2'],
    ['DECR', 'key'],
    ['DECRBY', 'key', '2'],
    ['APPEND', 'key', 'value'],
    ['EXPIRE', 'key', '10'],
    ['PEXPIRE', 'key', '10'],
    ['EXPIREAT', 'key', '2000000000'],
    ['PEXPIREAT', 'key', '2000000000000'],
    ['PERSIST', 'key'],
  ])('is refused by the replica: %s', async (name, ...args) => {
    await expect(client(pair.replicaPort).call(name, ...args)).rejects.toThrow(
      expect.objectContaining({ message: READ_ONLY }),
    );
  });

  it('reads INFO and learns both roles', async () => {
    const primary = await client(pair.primaryPort).info('replication');
    const replica = await client(pair.replicaPort).info();
    expect(primary).toContain('role:master\r\nconnected_slaves:1\r\n');
    expect(primary).toContain(`master_replid:${pair.primary.history}`);
    expect(replica).toContain(`tcp_port:${pair.replicaPort}\r\n`);
    expect(replica).toMatch(/role:slave\r\n[\s\S]*master_link_status:up/);
  });
});

describeWith(redisTools, 'redis-cli', () => {
  it('writes to the primary and reads from the replica', async () => {
    expect(await redisCli(pair.primaryPort, 'SET', 'cli', 'two words', 'EX', '100')).toBe('OK');
    expect(await redisCli(pair.primaryPort, 'INCR', 'cli:counter')).toBe('1');
    await isCaughtUp(pair);
    expect(await redisCli(pair.replicaPort, 'GET', 'cli')).toBe('two words');
    expect(await redisCli(pair.replicaPort, 'GET', 'never there')).toBe('');
    expect(await redisCli(pair.replicaPort, 'TTL', 'cli')).toMatch(/^(99|100)$/);
    expect(await redisCli(pair.replicaPort, 'SET', 'cli', 'x')).toBe(`${READ_ONLY}\n`);
    expect(await redisCli(pair.replicaPort, 'DBSIZE')).toBe(String(pair.primary.keyCount()));
  });
});

describeWith(redisTools, 'redis-benchmark', () => {
  it.each([
    { pipeline: 1, requests: 2_000 },
    { pipeline: 16, requests: 20_000 },
  ])('runs its tests against the primary, $pipeline deep', async ({ pipeline, requests }) => {
    const t = 'set,get,incr,mset,ping_inline,ping_mbulk';
    const flags = { t, r: 1_000, n: requests, P: pipeline, c: 10 };
    const figures = await redisBenchmark(pair.primaryPort, flags);
    expect(Object.keys(figures)).toEqual([
      'PING_INLINE',
      'PING_MBULK',
      'SET',
      'GET',
      'INCR',
      'MSET (10 keys)',
    ]);
    for (const { perSecond } of Object.values(figures)) expect(perSecond).toBeGreaterThan(0);
    await isCaughtUp(pair);
    const counters = Array.from({ length: 1000 }, (_, n) => `counter:${String(n).padStart(12, '0')}`);
    const client = await RespClient.connect(pair.replica.listenAddress!);
    const counts = (await client.command('MGET', ...counters)) as (Buffer | null)[];
    const incremented = counts.reduce((sum, count) => sum + Number(count), 0);
    expect(incremented).toBeGreaterThanOrEqual(Number(requests));
    client.close();
  });
});
