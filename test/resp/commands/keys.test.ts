import { beforeAll, expect, it } from 'vitest';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [['UNLINK a', 'MSET a 1 b 2', 'UNLINK a b a c', 'EXISTS a b']],
    [['TOUCH a', 'MSET a 1 b 2', 'TOUCH a b a c', 'TYPE a', 'TYPE nosuch', "TYPE ''"]],
    [['RENAME a b', 'SET a 1', 'RENAME a b', 'GET b', 'EXISTS a', 'RENAME b b', 'RENAME a a', 'GET b']],
    [['SET a 1 EX 100', 'SET b 2', 'RENAME a b', 'TTL b', 'SET c 3', 'RENAME c b', 'TTL b', 'GET b']],
    [['SET a 1', 'SET b 2 EX 100', 'RENAME a b', 'TTL b', 'RENAME b "\\x00"', 'GET "\\x00"']],
    [
      [
        'RENAMENX a b',
        'SET a 1',
        'RENAMENX a a',
        'RENAMENX a b',
        'SET a 2',
        'RENAMENX a b',
        'MGET a b',
        'RENAMENX c c',
      ],
    ],
    [
      [
        'COPY a b',
        'SET a 1 EX 100',
        'COPY a b',
        'GET b',
        'TTL b',
        'TTL a',
        'SET a 2',
        'COPY a b',
        'GET b',
        'COPY a b REPLACE',
        'GET b',
        'TTL b',
      ],
    ],
    [
      [
        'SET a 1',
        'COPY a a',
        'COPY a a REPLACE',
        'COPY a b DB 0',
        'COPY a b DB 1',
        'COPY a b DB -1',
        'COPY a b DB x',
        'COPY a b DB',
        'COPY a b DB 99999999999',
        'COPY a b db 0 replace db 0',
        'COPY a b DB 2147483648',
        "COPY a b DB ''",
      ],
    ],
    [
      [
        'COPY a b BOGUS',
        'COPY a b REPLACE BOGUS',
        'COPY nosuch b DB 1',
        'COPY nosuch nosuch',
        'COPY nosuch b',
      ],
    ],
    [['SET a 1', 'EXPIRETIME a', 'PEXPIRETIME a', 'EXPIRETIME nosuch', 'PEXPIRETIME nosuch']],
    [
      [
        'SET a 1 PXAT 33177117420499',
        'EXPIRETIME a',
        'PEXPIRETIME a',
        'SET a 1 PXAT 33177117420500',
        'EXPIRETIME a',
      ],
    ],
    [['SET a 1 PXAT 9223372036854775807', 'PEXPIRETIME a']],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(
      lines.filter((line) => !/^M?GET /.test(line)),
      3,
    );
  });
});

it('a key that is renamed onto another replicates as a Set with its expiry and a Del', () => {
  const host = new TestCommandHost();
  const client = host.newClient();
  for (const line of ['SET a 1 PX 5000', 'SET b 2', 'RENAME a b']) host.answer(wordsOf(line), client);
  expect(host.engine.get(Buffer.from('b'))).toEqual(Buffer.from('1'));
  expect(host.engine.expiryOf(Buffer.from('b'))).toBe(BigInt(host.clock.ms + 5000));
  expect(host.engine.get(Buffer.from('a'))).toBeUndefined();
  expect(host.engine.watermarks().reduce((sum, watermark) => sum + watermark)).toBe(4n);
});

it('a key past its expiry is neither renamed nor copied nor in the way', () => {
  const host = new TestCommandHost();
  const client = host.newClient();
  const ask = (line: string) => host.answer(wordsOf(line), client).toString();
  ask('SET a 1 PX 100');
  ask('SET b 2');
  host.clock.pass(100);
  expect(ask('RENAME a c')).toBe('-ERR no such key\r\n');
  expect(ask('COPY a c')).toBe(':0\r\n');
  expect(ask('RENAMENX b a')).toBe(':1\r\n');
  expect(ask('TYPE b')).toBe('+none\r\n');
});
