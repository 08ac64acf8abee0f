/** Memory that is full in the middle of a transaction or a script, or before a script that may go on then. */
import { it } from 'vitest';
import { answeredAlike } from '../support/answered-alike.js';
import { describeWith } from '../support/optional-peers.js';
import { redisServer } from '../support/redis.js';
import { respCommand } from '../support/resp-client.js';

const FULL = ['CONFIG', 'SET', 'maxmemory', '1'];
const WRITES = "redis.call('SET', 'x', '1') redis.call('MSET', 'x', '2', 'y', '3') redis.call('INCR', 'y')";

describeWith(redisServer, 'as redis-server has it, memory that is full', () => {
  const expectAlike = answeredAlike();

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
    await expectAlike(bytes);
  });
});
