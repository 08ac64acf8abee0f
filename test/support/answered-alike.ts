/** A primary and redis-server that are to answer the same bytes alike. */
import { afterAll, beforeAll, expect } from 'vitest';
import { Primary } from '../../src/index.js';
import { answersTo } from './raw-answers.js';
import { RedisServer } from './redis.js';

/** Starts both for the tests of a block. Returns what expects them to answer alike, byte for byte. */
export function answeredAlike(): (bytes: Buffer) => Promise<void> {
  let ours: Primary;
  let redis: RedisServer;
  beforeAll(async () => {
    ours = await Primary.start({ bind: ':0', listen: ':0' });
    redis = await RedisServer.start();
  });
  afterAll(() => Promise.all([ours.close(), redis.kill()]));
  return async (bytes) => {
    const theirs = await answersTo(`127.0.0.1:${redis.port}`, bytes);
    expect(await answersTo(ours.listenAddress!, bytes)).toEqual(theirs);
  };
}
