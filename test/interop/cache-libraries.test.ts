/**
 * Caches and session stores that many programs use, against a server of ours: keyv, cache-manager,
 * connect-redis.
 */
import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { RedisStore } from 'connect-redis';
import { Keyv } from 'keyv';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { eventually } from '../support/processes.js';

type Session = Parameters<RedisStore['set']>[1];

let primary: Primary;
let url: string;

beforeAll(async () => {
  primary = await Primary.start({ bind: ':0', listen: ':0' });
  url = `redis://${primary.listenAddress}`;
});
afterAll(() => primary.close());

describe('keyv', () => {
  it('keeps values by namespace, many at once and for their time', async () => {
    const [one, other] = ['one', 'other'].map((namespace) => {
      const keyv = new Keyv({ store: new KeyvRedis(url), namespace });
      keyv.on('error', (error) => expect.fail(String(error)));
      return keyv;
    }) as [Keyv, Keyv];
    expect(await one.set('user', { name: 'ada' })).toBe(true);
    await other.set('user', { name: 'grace' });
    expect(await one.get('user')).toEqual({ name: 'ada' });
    expect(await one.getMany(['user', 'nosuch'])).toEqual([{ name: 'ada' }, undefined]);
    await one.setMany([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    expect(await one.has('b')).toBe(true);
    await one.set('short', 'x', 1);
    await eventually(
      () => one.get('short'),
      (value) => value === undefined,
    );
    expect(await one.delete('a')).toBe(true);
    await one.clear();
    expect(await one.get('b')).toBeUndefined();
    expect(await other.get('user')).toEqual({ name: 'grace' });
    await Promise.all([one.disconnect(), other.disconnect()]);
  });
});

describe('cache-manager', () => {
  it('computes a value once, and again when it has been deleted', async () => {
    const cache = createCache({ stores: [new Keyv({ store: new KeyvRedis(url) })] });
    let computed = 0;
    const compute = async () => {
      computed += 1;
      return { computed };
    };
    expect(await cache.wrap('page', compute, 60_000)).toEqual({ computed: 1 });
    expect(await cache.wrap('page', compute, 60_000)).toEqual({ computed: 1 });
    await cache.del('page');
    expect(await cache.wrap('page', compute, 60_000)).toEqual({ computed: 2 });
    await cache.mset([{ key: 'a', value: 1, ttl: 60_000 }]);
    expect(await cache.mget(['a', 'nosuch'])).toEqual([1, undefined]);
    await cache.disconnect();
  });
});

describe('connect-redis', () => {
  it('keeps sessions, prolongs, lists and destroys them', async () => {
    const client = createClient({ url });
    await client.connect();
    const store = new RedisStore({ client, prefix: 'session:', ttl: 60 });
    const session = { cookie: { originalMaxAge: 60_000 }, user: 'ada' } as unknown as Session;
    await store.set('one', session);
    await store.set('two', session);
    expect(await store.get('one')).toEqual(session);
    expect(await client.ttl('session:one')).toBeGreaterThan(50);
    await client.expire('session:one', 5);
    await store.touch('one', session);
    expect(await client.ttl('session:one')).toBeGreaterThan(50);
    expect(((await store.ids()) as string[]).toSorted()).toEqual(['one', 'two']);
    expect(await store.all()).toHaveLength(2);
    await store.destroy('one');
    expect(await store.length()).toBe(1);
    await store.clear();
    expect(await store.length()).toBe(0);
    client.destroy();
  });
});
