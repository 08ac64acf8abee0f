/** The transaction by which Redis Sentinel changes a server's role, and what it does to clients. */
import { expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import { type RespClient, respCommand } from '../support/resp-client.js';

/** Sends what Sentinel sends, in one go, and returns EXEC's replies. */
async function reconfigure(sentinel: RespClient, host: string, port: string) {
  const commands = [
    ['MULTI'],
    ['SLAVEOF', host, port],
    ['CONFIG', 'REWRITE'],
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
    ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
    ['EXEC'],
  ];
  sentinel.write(Buffer.concat(commands.map((args) => respCommand(...args))));
  const replies = await sentinel.replies(commands.length);
  expect(replies.slice(0, -1)).toEqual(['+OK', ...Array(4).fill('+QUEUED')]);
  return replies.at(-1);
}

it('a primary is demoted, its clients and subscribers are killed, the asking client is not', async () => {
  const [old, next] = [await startPrimary({ listen: ':0' }), await startPrimary({ listen: ':0' })];
  next.set('key', 'value');
  const sentinel = await clientOf(old.listenAddress);
  const [normal, another, subscriber] = [
    await clientOf(old.listenAddress),
    await clientOf(old.listenAddress),
    await clientOf(old.listenAddress),
  ];
  await Promise.all([normal, another].map((client) => client.command('PING')));
  await subscriber.command('SUBSCRIBE', '__sentinel__:hello');
  const [host, port] = next.listenAddress!.split(':') as [string, string];
  // Without a role file CONFIG REWRITE fails, and that undoes nothing.
  expect(await reconfigure(sentinel, host, port)).toEqual([
    '+OK',
    expect.stringContaining('-ERR The server is running without a config file'),
    2,
    1,
  ]);
  for (const client of [normal, another, subscriber]) await client.untilClosed();
  await eventually(
    () => sentinel.command('GET', 'key'),
    (value) => String(value) === 'value',
  );
  expect(await sentinel.command('SET', 'key', 'other')).toMatch(/^-READONLY/);
});

it('a subscriber that is not killed hears on, behind a demotion and a promotion', async () => {
  const [old, next] = [await startPrimary({ listen: ':0' }), await startPrimary({ listen: ':0' })];
  const [client, subscriber] = [await clientOf(old.listenAddress), await clientOf(old.listenAddress)];
  await subscriber.command('SUBSCRIBE', 'news');
  const [host, port] = next.listenAddress!.split(':') as [string, string];
  expect(await client.command('REPLICAOF', host, port)).toBe('+OK');
  await isCaughtUp({ primary: next, replica: old as never });
  await (await clientOf(next.listenAddress)).command('PUBLISH', 'news', 'one');
  expect((await subscriber.reply()) as Buffer[]).toEqual(['message', 'news', 'one'].map(Buffer.from));
  expect(await client.command('REPLICAOF', 'NO', 'ONE')).toBe('+OK');
  await client.command('PUBLISH', 'news', 'two');
  expect((await subscriber.reply()) as Buffer[]).toEqual(['message', 'news', 'two'].map(Buffer.from));
});

it('a replica that holds nothing yet is given another primary, and is not promoted', async () => {
  const primary = await startPrimary({ listen: ':0' });
  primary.set('key', 'value');
  const replica = await follow(`127.0.0.1:${await freePort()}`, { listen: ':0' });
  const sentinel = await clientOf(replica.listenAddress);
  expect(await sentinel.command('REPLICAOF', 'NO', 'ONE')).toMatch(/^-LOADING/);
  const [host, port] = primary.listenAddress!.split(':') as [string, string];
  expect(await reconfigure(sentinel, host, port)).toEqual(['+OK', expect.anything(), 0, 0]);
  await isCaughtUp({ primary, replica });
  expect(String(await sentinel.command('GET', 'key'))).toBe('value');
});
