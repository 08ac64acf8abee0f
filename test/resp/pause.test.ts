/**
 * While clients are paused content stays as it is, as redis-server has it: an operator that fails over can
 * rely on the offset.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { closedBehind, connect, say, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import type { RespClient } from '../support/resp-client.js';

interface Front {
  listenAddress: string | undefined;
}

async function offset(client: RespClient): Promise<number> {
  return Number(/master_repl_offset:(\d+)/.exec(await say(client, 'INFO', 'replication'))![1]);
}

async function startOurs(): Promise<Front> {
  return (await start()).primary;
}

async function startPromoted(): Promise<Front> {
  const { primary } = await start();
  const replica = closedBehind(await Replica.follow(primary.bindAddress, { listen: ':0' }));
  await isCaughtUp({ primary, replica });
  replica.promote();
  return replica;
}

/** Redis counts an offset only when it has a replica. */
async function startTheirs(): Promise<Front> {
  const { port } = await RedisServer.start(
    '--repl-diskless-sync-delay',
    '0',
    '--repl-ping-replica-period',
    '3600',
  );
  await RedisServer.start('--replicaof', '127.0.0.1', String(port));
  const front = { listenAddress: `127.0.0.1:${port}` };
  const client = await connect(front);
  await eventually(
    () => say(client, 'INFO', 'replication'),
    (text) => text.includes('state=online'),
  );
  return front;
}

describeWith(redisServer, 'during a pause', () => {
  it.each([
    ['our primary', startOurs],
    ['redis-server', startTheirs],
  ])('%s lets no script write, and scripts that only read run', async (_whose, startOne) => {
    const front = await startOne();
    const client = await connect(front);
    const write = "return redis.call('SET', KEYS[1], 'written')";
    const read = "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])";
    const writeSha = await say(client, 'SCRIPT', 'LOAD', write);
    const readSha = await say(client, 'SCRIPT', 'LOAD', read);
    await say(client, 'SET', 'k', 'v');
    await say(client, 'CLIENT', 'PAUSE', '60000', 'WRITE');
    const writers = [
      [['EVAL', write, '1', 'k']],
      [['EVALSHA', writeSha, '1', 'k']],
      [['EVAL', `#!lua\n${write}`, '1', 'k']],
      [['MULTI'], ['EVAL', write, '1', 'k'], ['EXEC']],
    ];
    const connections = await Promise.all(writers.map(() => connect(front)));
    const written = Promise.all(writers.map((commands, n) => connections[n]!.pipeline(commands)));
    await eventually(
      () => say(client, 'INFO', 'clients'),
      (text) => text.includes('blocked_clients:4'),
    );
    expect(await say(client, 'EVAL', read, '1', 'k')).toBe('v');
    expect(await say(client, 'EVALSHA', readSha, '1', 'k')).toBe('v');
    expect(await say(client, 'EVAL_RO', read, '1', 'k')).toBe('v');
    await say(client, 'CLIENT', 'UNPAUSE');
    expect((await written).map((replies) => String(replies.at(-1)))).toEqual(['+OK', '+OK', '+OK', '+OK']);
    expect(await say(client, 'GET', 'k')).toBe('written');
  });

  it.each([
    ['our primary', startOurs],
    ['our promoted replica', startPromoted],
    ['redis-server', startTheirs],
  ])('a key of %s that expires is hidden and stays; afterwards it is deleted', async (_whose, startOne) => {
    const front = await startOne();
    const [client, waiting] = [await connect(front), await connect(front)];
    // In one go, so that the pause begins before the key expires however slow the machine is.
    await client.pipeline([
      ['SET', 'k', 'v', 'PX', '600'],
      ['CLIENT', 'PAUSE', '60000', 'WRITE'],
    ]);
    const before = await offset(client);
    await sleep(900);
    expect(await say(client, 'GET', 'k')).toBe('null');
    expect(await say(client, 'EXISTS', 'k')).toBe('0');
    expect(await say(client, 'TTL', 'k')).toBe('-2');
    expect(await say(client, 'DBSIZE')).toBe('1');
    expect(await offset(client)).toBe(before);
    const written = say(waiting, 'SET', 'k', 'again', 'NX');
    expect(await say(client, 'CLIENT', 'UNPAUSE')).toBe('+OK');
    expect(await written).toBe('+OK');
    expect(await offset(client)).toBeGreaterThan(before);
  });

  it.each([
    ['our primary', startOurs],
    ['our promoted replica', startPromoted],
    ['redis-server', startTheirs],
  ])('%s evicts nothing, and afterwards what is too much', async (_whose, startOne) => {
    const client = await connect(await startOne());
    await client.pipeline(Array.from({ length: 300 }, (_, n) => ['SET', `key:${n}`, 'value']));
    await say(client, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
    await say(client, 'CLIENT', 'PAUSE', '60000', 'WRITE');
    await say(client, 'CONFIG', 'SET', 'maxmemory', '1');
    await sleep(300);
    expect(await say(client, 'GET', 'key:1')).toBe('value');
    expect(await say(client, 'DBSIZE')).toBe('300');
    expect(await say(client, 'CLIENT', 'UNPAUSE')).toBe('+OK');
    await eventually(
      () => say(client, 'DBSIZE'),
      (size) => size === '0',
    );
  });
});

it('of ALL clients too, until its time is over', async () => {
  const { primary } = await start();
  const client = await connect(primary);
  await say(client, 'SET', 'k', 'v', 'PX', '500');
  await say(client, 'CLIENT', 'PAUSE', '1500', 'ALL');
  const before = primary.watermarks();
  await sleep(900);
  expect(primary.get('k')).toBeUndefined();
  expect(primary.keyCount()).toBe(1);
  expect(primary.watermarks()).toEqual(before);
  // Writes of the program itself are not held back.
  primary.set('other', 'v');
  expect(primary.get('other')?.toString()).toBe('v');
  await eventually(
    () => primary.keyCount(),
    (keys) => keys === 1,
  );
});

it('of ALL clients is not made weaker or shorter by one of writes in the same transaction', async () => {
  const { primary } = await start();
  const [client, waiting] = [await connect(primary), await connect(primary)];
  const pauses = [
    ['CLIENT', 'PAUSE', '1000', 'ALL'],
    ['CLIENT', 'PAUSE', '1', 'WRITE'],
  ];
  const replies = await client.pipeline([['MULTI'], ...pauses, ['EXEC']]);
  expect(replies.map(String)).toEqual(['+OK', '+QUEUED', '+QUEUED', '+OK,+OK']);
  let isAnswered = false;
  const read = say(waiting, 'GET', 'k').then((answer) => {
    isAnswered = true;
    return answer;
  });
  await sleep(300);
  expect(isAnswered).toBe(false);
  expect(await read).toBe('null');
});

it('of a replica, a store that a snapshot brings is held too', async () => {
  const [{ primary: first }, { primary: second }] = [await start(), await start()];
  const replica = closedBehind(await Replica.follow(first.bindAddress, { listen: ':0' }));
  await isCaughtUp({ primary: first, replica });
  const client = await connect(replica);
  await say(client, 'CLIENT', 'PAUSE', '60000', 'WRITE');
  second.set('k', 'v', { expireAtMs: Date.now() + 1_000 });
  replica.follow(second.bindAddress);
  await eventually(() => replica.keyCount(), Boolean);
  replica.promote();
  await sleep(1_300);
  expect(replica.get('k')).toBeUndefined();
  expect(replica.keyCount()).toBe(1);
  await say(client, 'CLIENT', 'UNPAUSE');
  await eventually(
    () => replica.keyCount(),
    (keys) => keys === 0,
  );
});
