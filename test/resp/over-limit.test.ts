/** Memory that is full in the middle of a transaction or a script, or before a script that may go on then. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { describeWith } from '../support/optional-peers.js';
import { answersTo } from '../support/raw-answers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { respCommand } from '../support/resp-client.js';

const FULL = ['CONFIG', 'SET', 'maxmemory', '1'];
const WRITES = "redis.call('SET', 'x', '1') redis.call('MSET', 'x', '2', 'y', '3') redis.call('INCR', 'y')";

describeWith(redisServer, 'as redis-server has it, memory that is full', () => {
  let ours: Primary;
  let redis: RedisServer;
  beforeAll(async () => {
    ours = await Primary.start({ bind: ':0', listen: ':0' });
    redis = await RedisServer.start();
  });
  afterAll(() => Promise.all([ours.close(), redis.kill()]));

  it.each([
    [
      'refuses no command of a transaction that has begun',
      [['MULTI'], ['INCR', 'x'], FULL, ['INCR', 'x'], ['EXEC']],
    ],
    [
      'refuses no write of a script with allow-oom',
      [FULL, ['EVAL', `#!lua flags=allow-oom\n${WRITES}`, '0']],
    ],
    ['refuses the first write of a script', [FULL, ['EVAL', WRITES, '0']]],
    ['refuses a transaction', [['MULTI'], ['INCR', 'x'], ['CONFIG', 'SET', 'maxmemory', '0'], ['EXEC']]],
    ['refuses writes of clients', [FULL, ['SET', 'x', '1'], ['INCR', 'x'], ['MSET', 'x', '1']]],
  ])('%s', async (_, commands) => {
    const all = [...commands, ['CONFIG', 'SET', 'maxmemory', '0'], ['MGET', 'x', 'y'], ['DEL', 'x', 'y']];
    const bytes = Buffer.concat(all.map((args) => respCommand(...args)));
    expect(await answersTo(ours.listenAddress!, bytes)).toEqual(
      await answersTo(`127.0.0.1:${redis.port}`, bytes),
    );
  });
});
