import { beforeAll, expect, it } from 'vitest';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';

describeWith(redisServer, 'with one database and strings, as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [
      [
        'SET a 1',
        'MOVE a 0',
        'MOVE a 1',
        'MOVE a -1',
        'MOVE a x',
        'MOVE nosuch 0',
        'MOVE a 2147483648',
        'GET a',
      ],
    ],
    [
      [
        'SWAPDB 0 0',
        'SWAPDB 0 1',
        'SWAPDB 1 0',
        'SWAPDB x 0',
        'SWAPDB 0 x',
        'SWAPDB 4294967296 x',
        'SWAPDB 0',
      ],
    ],
    [
      [
        'SORT nosuch',
        'SORT nosuch BY w_* LIMIT 0 5 GET # GET o_* DESC ALPHA asc',
        'SORT_RO nosuch',
        'SET a 1',
        'SORT a',
        'SORT_RO a ALPHA',
        'SORT a STORE b',
        'SET b 2',
        'SORT nosuch STORE b',
        'EXISTS b',
        'SORT nosuch STORE a STORE c',
        'EXISTS a',
        'SORT nosuch STORE c STORE a',
        'EXISTS a',
      ],
    ],
    [
      [
        'SORT nosuch NOSUCH',
        'SORT nosuch LIMIT 0',
        'SORT nosuch LIMIT 0 x',
        'SORT nosuch LIMIT x NOSUCH',
        'SORT nosuch BY',
        'SORT nosuch STORE',
        'SORT_RO nosuch STORE a',
        'SORT nosuch GET',
        'SORT',
      ],
    ],
    [
      [
        'MIGRATE h 1 nosuch 0 5',
        'MIGRATE h 1 nosuch x 5',
        'MIGRATE h 1 nosuch 0 x',
        'MIGRATE h 1 "" 0 5 COPY REPLACE AUTH x AUTH2 x y KEYS nosuch nosuch2',
        'MIGRATE h 1 nosuch 0 5 KEYS a',
        'MIGRATE h 1 nosuch 0 5 AUTH',
        'MIGRATE h 1 nosuch 0 5 AUTH2 x',
        'MIGRATE h 1 nosuch 0 5 NOSUCH',
        'MIGRATE h 1 "" 0 5 KEYS',
        'MIGRATE h 1 nosuch 0',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });
});

it('MIGRATE of a key that is there is refused, with what to do instead', () => {
  const host = new TestCommandHost();
  host.engine.set(Buffer.from('k'), Buffer.from('1'));
  const answer = host.answer(wordsOf('MIGRATE 127.0.0.1 6379 k 0 100 COPY'), host.newClient()).toString();
  expect(answer).toMatch(/^-ERR MIGRATE is not supported.* DUMP the keys here and RESTORE them there\r\n$/);
  expect(host.engine.get(Buffer.from('k'))).toEqual(Buffer.from('1'));
});
