/**
 * Messages that are published on a primary reach the subscribers at its replicas, at relays and at their
 * leaves.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, directory, follow, startPrimary } from '../support/library.js';

it('a message reaches the subscribers below, behind the writes before it, and is recorded nowhere', async () => {
  const record = join(directory, 'messages.fcrp');
  const changes: string[] = [];
  const primary = await startPrimary({ listen: ':0' });
  const relay = await follow(primary.bindAddress, {
    bind: ':0',
    listen: ':0',
    record,
    changes: async (change) => void changes.push(inspect(change)),
  });
  const leaf = await follow(relay.bindAddress!, { listen: ':0' });
  await isCaughtUp({ primary, replica: leaf });
  const publisher = await clientOf(primary.listenAddress);
  const subscribers = await Promise.all(
    [primary, relay, leaf].map(({ listenAddress }) => clientOf(listenAddress)),
  );
  for (const subscriber of subscribers) await subscriber.command('SUBSCRIBE', 'channel');
  await subscribers[2]!.command('SSUBSCRIBE', 'shard');

  const rounds = 50;
  for (let round = 0; round < rounds; round += 1) {
    await publisher.pipeline([
      ['SET', 'key', `${round}`],
      ['PUBLISH', 'channel', `published ${round}`],
    ]);
    for (const subscriber of subscribers) {
      expect(String(await subscriber.reply())).toBe(`message,channel,published ${round}`);
    }
    expect(Number(leaf.get('key'))).toBeGreaterThanOrEqual(round);
  }
  expect(await publisher.command('SPUBLISH', 'shard', 'x')).toBe(0);
  expect(String(await subscribers[2]!.reply())).toBe('smessage,shard,x');

  const onRelay = await clientOf(relay.listenAddress);
  expect(await onRelay.command('PUBLISH', 'channel', 'here only')).toBe(1);
  expect(String(await subscribers[1]!.reply())).toBe('message,channel,here only');
  await publisher.command('PUBLISH', 'channel', 'last');
  for (const subscriber of subscribers) {
    expect(String(await subscriber.reply())).toBe('message,channel,last');
  }
  await relay.close();
  const shown = changes.join();
  expect(shown).toContain(inspect(Buffer.from('key')));
  expect(shown).not.toContain(inspect(Buffer.from('published')).slice(8, -1));
  expect(readFileSync(record).includes('key')).toBe(true);
  expect(readFileSync(record).includes('published')).toBe(false);
});

it('a replica that has nothing yet lets its clients subscribe, and brings them what is published', async () => {
  const replica = await follow('127.0.0.1:1', { listen: ':0' });
  const [subscriber, publisher] = [
    await clientOf(replica.listenAddress),
    await clientOf(replica.listenAddress),
  ];
  expect(String(await subscriber.command('SUBSCRIBE', 'a'))).toBe('subscribe,a,1');
  expect(String(await publisher.command('GET', 'a'))).toMatch(/^-LOADING/);
  expect(await publisher.command('PUBLISH', 'a', 'x')).toBe(1);
  expect(String(await subscriber.reply())).toBe('message,a,x');
});
