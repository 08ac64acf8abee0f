import { beforeAll, expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [
      [
        'GETSET a 1',
        'GETSET a 2',
        'GET a',
        'SET a 1 EX 100',
        "GETSET a ''",
        'TTL a',
        'GETSET a x',
        'STRLEN a',
      ],
    ],
    [['GETDEL a', 'SET a "\\x00\\xff\\r\\n"', 'GETDEL a', 'GETDEL a', 'EXISTS a']],
    [['SETNX a 1', 'SETNX a 2', 'GET a', 'SET b 1 EX 100', 'SETNX b 2', 'TTL b']],
    [['SETEX a 100 v', 'TTL a', 'GET a', 'SET b 1', 'SETEX b 10 w', 'TTL b', 'setex b 20 w', 'TTL b']],
    [
      [
        'SETEX a 0 v',
        'SETEX a -1 v',
        'SETEX a x v',
        "SETEX a '' v",
        'SETEX a 1.5 v',
        'SETEX a 01 v',
        'EXISTS a',
      ],
    ],
    [
      [
        'SETEX a 9223372036854775807 v',
        'SETEX a 9223372036854775 v',
        'SETEX a 9223372036854775808 v',
        'SETEX a 9223370000000000 v',
        'EXISTS a',
      ],
    ],
    [
      [
        'PSETEX a 100000 v',
        'TTL a',
        'PSETEX a 0 v',
        'PSETEX a -9223372036854775808 v',
        'PSETEX a 9223372036854775807 v',
        'PSETEX a 9220000000000000000 v',
        'GET a',
      ],
    ],
    [
      [
        'GETEX a',
        'SET a v',
        'GETEX a',
        'TTL a',
        'GETEX a EX 100',
        'TTL a',
        'GETEX a',
        'TTL a',
        'GETEX a PERSIST',
        'TTL a',
      ],
    ],
    [
      [
        'SET a v',
        'GETEX a PX 100000',
        'TTL a',
        'GETEX a px 1 PX 200000',
        'TTL a',
        'getex a Persist persist',
        'TTL a',
      ],
    ],
    [['SET a v', 'GETEX a EXAT 33177117420', 'EXPIRETIME a', 'GETEX a PXAT 33177117420123', 'PEXPIRETIME a']],
    [['SET a v', 'GETEX a EXAT 1', 'EXISTS a', 'SET a v', 'GETEX a PXAT 1', 'EXISTS a']],
    [
      [
        'SET a v',
        'GETEX a EX',
        'GETEX a PERSIST EX 10',
        'GETEX a EX 10 PERSIST',
        'GETEX a EX 10 PX 10',
        'TTL a',
      ],
    ],
    [
      [
        'SET a v',
        'GETEX a KEEPTTL',
        'GETEX a NX',
        'GETEX a GET',
        "GETEX a ''",
        'GETEX a EX 10 BOGUS',
        'TTL a',
      ],
    ],
    [
      [
        'SET a v',
        'GETEX a EX 0',
        'GETEX a EX -5',
        'GETEX a EX x',
        'GETEX a EXAT 0',
        'GETEX a PXAT -1',
        'TTL a',
      ],
    ],
    [
      [
        'SET a v',
        'GETEX a EX 9223372036854775807',
        'GETEX a PX 9223372036854775807',
        'GETEX a EXAT 9223372036854776',
        'TTL a',
      ],
    ],
    [['GETEX a EX 0', 'GETEX a EX x', 'GETEX a PXAT 1', 'GETEX a EX', 'GETEX a BOGUS']],
    [
      [
        'MSETNX a 1 b 2',
        'MSETNX b 3 c 4',
        'MGET a b',
        'EXISTS c',
        'MSETNX c 1 c 2',
        'GET c',
        "MSETNX '' ''",
        "STRLEN ''",
      ],
    ],
    [['MSETNX a 1 b', 'MSETNX a 1 b 2 c', 'EXISTS a']],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(
      lines.filter((line) => !line.startsWith('GET ')),
      3,
    );
  });
});

it('MSETNX sets nothing when not all of it fits', () => {
  const host = new TestCommandHost(4 * 1024 * 1024);
  const client = host.newClient();
  const value = 'x'.repeat(1024 * 1024);
  const words = wordsOf(`MSETNX a ${value} b ${value} c ${value} d ${value}`);
  expect(() => host.answer(words, client)).toThrow(FastcacheError);
  expect(host.engine.keyCount()).toBe(0);
});
