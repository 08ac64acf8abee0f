/** While clients are paused content stays as it is, as redis-server has it: whoever fails over can rely on the offset. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { Primary, Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const opened of open.splice(0).reverse()) await opened.close();
});

async function connect(address: string): Promise<RespClient> {
  const client = await RespClient.connect(address);
  open.push(client);
  return client;
}

async function say(client: RespClient, line: string): Promise<string> {
  return String(await client.command(...line.split(' ')));
}

async function offset(client: RespClient): Promise<number> {
  return Number(/master_repl_offset:(\d+)/.exec(await say(client, 'INFO replication'))![1]);
}

async function startPrimary(): Promise<Primary> {
  const primary = await Primary.start({ bind: ':0', listen: ':0' });
  open.push(primary);
  return primary;
}

async function startOurs(): Promise<string> {
  return (await startPrimary()).listenAddress!;
}

async function startPromoted(): Promise<string> {
  const primary = await startPrimary();
  const replica = await Replica.follow(primary.bindAddress, { listen: ':0' });
  open.push(replica);
  await isCaughtUp({ primary, replica });
  replica.promote();
  return replica.listenAddress!;
}

/** Redis counts an offset only when it has a replica. */
async function startTheirs(): Promise<string> {
  const { port } = await RedisServer.start('--repl-diskless-sync-delay', '0');
  await RedisServer.start('--replicaof', '127.0.0.1', String(port));
  const address = `127.0.0.1:${port}`;
  const client = await connect(address);
  await eventually(
    () => say(client, 'INFO replication'),
    (text) => text.includes('state=online'),
  );
  return address;
}

describeWith(redisServer, 'during a pause', () => {
  it.each([
    ['our primary', startOurs],
    ['our promoted replica', startPromoted],
    ['redis-server', startTheirs],
  ])('a key of %s that expires is hidden and stays; afterwards it is deleted', async (_whose, start) => {
    const address = await start();
    const [client, waiting] = [await connect(address), await connect(address)];
    await say(client, 'SET k v PX 150');
    await say(client, 'CLIENT PAUSE 60000 WRITE');
    const before = await offset(client);
    await sleep(400);
    expect(await say(client, 'GET k')).toBe('null');
    expect(await say(client, 'EXISTS k')).toBe('0');
    expect(await say(client, 'TTL k')).toBe('-2');
    expect(await say(client, 'DBSIZE')).toBe('1');
    expect(await offset(client)).toBe(before);
    const written = say(waiting, 'SET k again NX');
    expect(await say(client, 'CLIENT UNPAUSE')).toBe('+OK');
    expect(await written).toBe('+OK');
    expect(await offset(client)).toBeGreaterThan(before);
  });

  it.each([
    ['our primary', startOurs],
    ['our promoted replica', startPromoted],
    ['redis-server', startTheirs],
  ])('%s evicts nothing, and afterwards what is too much', async (_whose, start) => {
    const client = await connect(await start());
    await client.pipeline(Array.from({ length: 300 }, (_, n) => ['SET', `key:${n}`, 'value']));
    await say(client, 'CONFIG SET maxmemory-policy allkeys-random');
    await say(client, 'CLIENT PAUSE 60000 WRITE');
    await say(client, 'CONFIG SET maxmemory 1');
    await sleep(300);
    expect(await say(client, 'GET key:1')).toBe('value');
    expect(await say(client, 'DBSIZE')).toBe('300');
    expect(await say(client, 'CLIENT UNPAUSE')).toBe('+OK');
    await eventually(
      () => say(client, 'DBSIZE'),
      (size) => size === '0',
    );
  });
});

it('of ALL clients too, until its time is over', async () => {
  const primary = await startPrimary();
  const client = await connect(primary.listenAddress!);
  await say(client, 'SET k v PX 100');
  await say(client, 'CLIENT PAUSE 600 ALL');
  const before = primary.watermarks();
  await sleep(350);
  expect(primary.get('k')).toBeUndefined();
  expect(primary.keyCount()).toBe(1);
  expect(primary.watermarks()).toEqual(before);
  // What the program itself writes is not held back.
  primary.set('other', 'v');
  expect(primary.get('other')?.toString()).toBe('v');
  await eventually(
    () => primary.keyCount(),
    (keys) => keys === 1,
  );
});

it('of a replica, a store that a snapshot brings is held too', async () => {
  const [first, second] = [await startPrimary(), await startPrimary()];
  const replica = await Replica.follow(first.bindAddress, { listen: ':0' });
  open.push(replica);
  await isCaughtUp({ primary: first, replica });
  const client = await connect(replica.listenAddress!);
  await say(client, 'CLIENT PAUSE 60000 WRITE');
  second.set('k', 'v', { expireAtMs: Date.now() + 300 });
  replica.follow(second.bindAddress);
  await eventually(() => replica.keyCount(), Boolean);
  replica.promote();
  await sleep(600);
  expect(replica.get('k')).toBeUndefined();
  expect(replica.keyCount()).toBe(1);
  await say(client, 'CLIENT UNPAUSE');
  await eventually(
    () => replica.keyCount(),
    (keys) => keys === 0,
  );
});
