/**
 * Libraries that live by scripts, against a server of ours: redlock and rate-limiter-flexible themselves,
 * and the steps that the locks of redis-py, Laravel, django-redis and sidekiq take.
 */
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
// @ts-expect-error: the types are there, and the package's exports hide them.
import Redlock from 'redlock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';

let primary: Primary;
let client: Redis;

beforeAll(async () => {
  primary = await Primary.start({ bind: ':0', listen: ':0' });
  client = new Redis(`redis://${primary.listenAddress}`);
});
afterAll(async () => {
  client.disconnect();
  await primary.close();
});
beforeEach(async () => {
  await client.flushall();
});

describe('redlock', () => {
  it('acquires, extends and releases, and keeps others out', async () => {
    const redlock = new Redlock([client], { retryCount: 0 });
    const lock = await redlock.acquire(['resource:a', 'resource:b'], 30_000);
    expect(await client.get('resource:a')).toBe(lock.value);
    await expect(redlock.acquire(['resource:a'], 30_000)).rejects.toThrow();
    const extended = await lock.extend(60_000);
    expect(await client.pttl('resource:b')).toBeGreaterThan(30_000);
    await extended.release();
    expect(await client.exists('resource:a', 'resource:b')).toBe(0);
    await redlock.quit().catch(() => {});
    client = new Redis(`redis://${primary.listenAddress}`);
  });
});

describe('rate-limiter-flexible', () => {
  it('counts points within their time and refuses what is beyond', async () => {
    const limiter = new RateLimiterRedis({ storeClient: client, points: 2, duration: 60 });
    expect((await limiter.consume('user')).remainingPoints).toBe(1);
    expect((await limiter.consume('user')).remainingPoints).toBe(0);
    await expect(limiter.consume('user')).rejects.toMatchObject({ consumedPoints: 3 });
    expect((await limiter.get('user'))?.consumedPoints).toBe(3);
    await limiter.delete('user');
    expect((await limiter.consume('user')).remainingPoints).toBe(1);
  });
});

/** Deletes a lock if it is still the caller's: redis-py, Laravel and django-redis release so. */
const RELEASE = `
local held = redis.call('get', KEYS[1])
if not held or held ~= ARGV[1] then return 0 end
redis.call('del', KEYS[1])
return 1`;
/** Prolongs a lock by a time, or to one, as redis-py does. */
const EXTEND = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
local left = redis.call('pttl', KEYS[1])
if not left then left = 0 end
if left < 0 then return 0 end
local to = ARGV[2]
if ARGV[3] == '0' then to = ARGV[2] + left end
redis.call('pexpire', KEYS[1], to)
return 1`;
/** Sets a value if it is the one that was read, as counters of sidekiq's kind do. */
const COMPARE_AND_SET = `
local now = redis.call('get', KEYS[1])
if (now or '') == ARGV[1] then return redis.call('set', KEYS[1], ARGV[2], 'PX', tonumber(ARGV[3])) end
return {err = 'CHANGED ' .. (now or 'nothing')}`;

describe('the steps of other locks', () => {
  it('a lock is released by its owner alone', async () => {
    await client.set('lock', 'mine');
    expect(await client.eval(RELEASE, 1, 'lock', 'yours')).toBe(0);
    expect(await client.eval(RELEASE, 1, 'lock', 'mine')).toBe(1);
    expect(await client.eval(RELEASE, 1, 'lock', 'mine')).toBe(0);
  });

  it('a lock is prolonged, by a time or to one', async () => {
    await client.set('lock', 'mine', 'PX', 10_000);
    expect(await client.eval(EXTEND, 1, 'lock', 'mine', '20000', '0')).toBe(1);
    expect(await client.pttl('lock')).toBeGreaterThan(20_000);
    expect(await client.eval(EXTEND, 1, 'lock', 'mine', '5000', '1')).toBe(1);
    expect(await client.pttl('lock')).toBeLessThanOrEqual(5_000);
    await client.persist('lock');
    expect(await client.eval(EXTEND, 1, 'lock', 'mine', '5000', '1')).toBe(0);
  });

  it('a value is set if it is what it was', async () => {
    expect(await client.eval(COMPARE_AND_SET, 1, 'k', '', 'a', '60000')).toBe('OK');
    expect(await client.eval(COMPARE_AND_SET, 1, 'k', 'a', 'b', '60000')).toBe('OK');
    await expect(client.eval(COMPARE_AND_SET, 1, 'k', 'a', 'c', '60000')).rejects.toThrow('CHANGED b');
  });

  it('a script is sent once, and then called by its digest', async () => {
    client.defineCommand('release', { numberOfKeys: 1, lua: RELEASE });
    const { release } = client as unknown as { release(key: string, owner: string): Promise<number> };
    await client.set('lock', 'mine');
    expect(await release.call(client, 'lock', 'mine')).toBe(1);
    await client.script('FLUSH');
    expect(await release.call(client, 'lock', 'mine')).toBe(0);
  });
});
