/** OBJECT FREQ and IDLETIME under each kind of policy, and which commands count as uses. */
import { it } from 'vitest';
import { answeredAlike } from '../support/answered-alike.js';
import { describeWith } from '../support/optional-peers.js';
import { redisServer } from '../support/redis.js';
import { respCommand } from '../support/resp-client.js';

/** Every use counts one, and none is forgotten, so that counters are the same on both sides. */
const LFU = 'CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0 lfu-decay-time 0';
const LONG = 'x'.repeat(300);

describeWith(redisServer, 'as redis-server counts uses, so does a primary:', () => {
  const expectAlike = answeredAlike();

  // Redis shares small numbers, and with them their counters: values are none.
  it.each([
    [['SET a text', 'GET a', `SET a ${LONG}`, 'SET a text XX', 'SET a text NX', 'APPEND a more', 'STRLEN a']],
    [
      [
        'SET a 1000000',
        'INCR a',
        'INCRBY a 5',
        'DECR a',
        'INCRBYFLOAT a 1.5',
        'GETSET a text',
        'SETNX a text',
      ],
    ],
    [
      [
        'MSET a text b text',
        'MGET a b c',
        'TOUCH a b',
        'EXISTS a',
        'TTL a',
        'EXPIRE a 100',
        'PERSIST a',
        'TYPE a',
      ],
    ],
    [
      [
        'SETEX a 100 text',
        'SETRANGE a 2 xx',
        'GETRANGE a 0 1',
        'GETBIT a 1',
        'BITCOUNT a',
        'SETBIT a 7 1',
        'GETEX a',
      ],
    ],
    [
      [
        'SET a text',
        'OBJECT ENCODING a',
        'OBJECT REFCOUNT a',

        'OBJECT IDLETIME a',
        'OBJECT FREQ none',
      ],
    ],
    [['SET a text', 'CLIENT NO-EVICT on', 'GET a', 'DEL a', 'SET a text']],
    [['SET b text', 'GET b', 'COPY b a REPLACE', 'GET a', 'LCS a b']],
    [['SET a text', 'GET a', 'GET a', 'SET b text', 'GET b', 'COPY b a REPLACE', 'COPY a b REPLACE']],
    [['SET a text', 'SET b text', 'GET b', 'GET b', 'RENAME b a', 'GET a']],
    [['SET b text', 'GET b', 'RENAME b a', 'RENAME a b', 'COPY b c', 'RENAMENX b a', 'RENAME c a']],
  ])('%j', async (lines) => {
    const asked = lines.flatMap((line) => [line, 'OBJECT FREQ a']);
    const bytes = commandBytes(
      LFU,
      ...asked,
      'CONFIG SET maxmemory-policy noeviction',
      'OBJECT FREQ a',
      'DEL a b c',
    );
    await expectAlike(bytes);
  });

  it('small numbers are objects of their own where keys are evicted by their uses', async () => {
    const asked = ['allkeys-lru', 'volatile-lfu', 'allkeys-random', 'volatile-ttl', 'noeviction'].flatMap(
      (policy) => [`CONFIG SET maxmemory-policy ${policy}`, 'SET a 170', 'OBJECT REFCOUNT a'],
    );
    const bytes = commandBytes(
      'CONFIG SET maxmemory 100mb',
      ...asked,
      'CONFIG SET maxmemory 0 maxmemory-policy allkeys-lru',
      'SET a 170',
      'OBJECT REFCOUNT a',
      'CONFIG SET maxmemory-policy noeviction',
      'DEL a',
    );
    await expectAlike(bytes);
  });
});

function commandBytes(...lines: readonly string[]): Buffer {
  return Buffer.concat(lines.map((line) => respCommand(...line.split(' '))));
}
