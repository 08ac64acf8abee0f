/**
 * The bytes that a client is sent, as from a real redis-server: replies, errors of arity and of arguments,
 * and the end of a connection that breaks the protocol.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { describeWith } from '../support/optional-peers.js';
import { answersTo } from '../support/raw-answers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient, respCommand } from '../support/resp-client.js';

let ours: Primary;
let redisAddress: string;

async function expectLikeRedis(bytes: Buffer): Promise<void> {
  const expected = await answersTo(redisAddress, bytes);
  expect(await answersTo(ours.listenAddress!, bytes)).toEqual(expected);
}

/** Words parted by blanks; `''` is an empty argument. */
function commands(...lines: string[]): Buffer {
  return Buffer.concat(
    lines.map((line) => respCommand(...line.split(' ').map((word) => (word === "''" ? '' : word)))),
  );
}

describeWith(redisServer, 'as redis-server answers, so does a primary:', () => {
  beforeAll(async () => {
    ours = await Primary.start({ bind: ':0', listen: ':0' });
    redisAddress = `127.0.0.1:${(await RedisServer.start()).port}`;
  });
  afterAll(() => ours.close());

  it.each([
    '*1\r\n:4\r\nPING\r\n',
    '*1\r\n+PING\r\n',
    '*1\r\nPING\r\n',
    '*2\r\n$4\r\nECHO\r\n\r\n',
    '*x\r\n',
    '*\r\n',
    '*2147483648\r\n',
    '*99999999999999999999\r\n',
    '*-1\r\n',
    '*0\r\n',
    '*-10\r\n',
    '*01\r\n$4\r\nPING\r\n',
    '*+1\r\n$4\r\nPING\r\n',
    '* 1\r\n$4\r\nPING\r\n',
    '*1\r\n$-1\r\n',
    '*1\r\n$x\r\n',
    '*1\r\n$\r\n',
    '*1\r\n$ 4\r\nPING\r\n',
    '*1\r\n$04\r\nPING\r\n',
    '*1\r\n$536870913\r\n',
    '*1\r\n$99999999999999999999\r\n',
    '*2\r\n$3\r\nGET\r\n$-5\r\n',
    '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$600000000\r\n',
    'SET "unbalanced\r\n',
    "SET 'unbalanced\r\n",
    'SET "a"b c\r\n',
    'PING\r\n',
    'ping\n',
    '   \r\n\r\nPING  hello \r\n',
    'SET inline "quoted \\x00\\n\\"" \r\nGET inline\r\n',
    "SET inline 'it\\'s' \r\nGET inline\r\n",
    'ECHO ""\r\n',
    'NOSUCH "a b" c\r\n',
    '$3\r\nfoo\r\n',
    ':1\r\n',
    `${'x'.repeat(65_530)}\r\n`,
  ])('%j', async (text) => {
    await expectLikeRedis(Buffer.from(text));
  });

  it.each([
    { what: 'an inline command', bytes: `SET k ${'x'.repeat(70_000)}`, error: 'too big inline request' },
    // Redis waits for 64 KiB of digits, and then names them otherwise.
    { what: 'an argument count', bytes: `*${'1'.repeat(70_000)}`, error: 'invalid multibulk length' },
    { what: 'an argument length', bytes: `*1\r\n$${'1'.repeat(70_000)}`, error: 'invalid bulk length' },
  ])('$what without an end closes the connection', async ({ bytes, error }) => {
    const [theirs, answer] = await Promise.all(
      [redisAddress, ours.listenAddress!].map(async (address) => {
        const client = await RespClient.connect(address);
        client.write(bytes);
        return (await client.untilClosed()).toString();
      }),
    );
    expect(theirs).toMatch(/^-ERR Protocol error: too big /);
    expect(answer).toBe(`-ERR Protocol error: ${error}\r\n`);
  });

  it.each([
    ['NOSUCH'],
    ['NOSUCH a b c'],
    ["NOSUCH ''"],
    [`NOSUCH ${'long'.repeat(50)} more`],
    [`NOSUCH ${'a b c d e f g h i j k l m n o p q r s t u v w x y z '.repeat(3)}end`],
    [`${'N'.repeat(200)} x`],
    ["''"],
    ['NO%sSUCH'],
    ...['GET', 'SET', 'DEL', 'EXISTS', 'MGET', 'MSET', 'INCR', 'DECR', 'INCRBY', 'DECRBY'].map((name) => [
      name,
    ]),
    ...['APPEND', 'STRLEN', 'EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT', 'TTL', 'PTTL', 'PERSIST'].map(
      (name) => [name],
    ),
    ...['ECHO', 'SELECT', 'CLIENT', 'CONFIG', 'DBSIZE x', 'TIME x', 'PING a b', 'HELLO x'].map((name) => [
      name,
    ]),
    ['GET a b'],
    ['SET a'],
    ['MSET a'],
    ['MSET a b c'],
    ['INCR a b'],
    ['INCRBY a'],
    ['INCRBY a b c'],
    ['APPEND a'],
    ['STRLEN a b'],
    ['TTL a b'],
    ['PERSIST a b'],
    ['EXPIRE a'],
    ['get a b'],
  ])('unknown commands and wrong arity: %s', async (line) => {
    await expectLikeRedis(commands(line));
  });

  it.each([
    [
      'SET a 1',
      'GET a',
      'STRLEN a',
      'EXISTS a a b',
      'TTL a',
      'PTTL a',
      'DEL a a',
      'GET a',
      'TTL a',
      'PTTL a',
    ],
    ['SET a 1 NX', 'SET a 2 NX', 'GET a', 'SET a 3 XX', 'GET a', 'DEL a', 'SET a 4 XX', 'GET a'],
    [
      'SET a 1 GET',
      'SET a 2 GET',
      'SET a 3 NX GET',
      'SET a 4 XX GET',
      'GET a',
      'DEL a',
      'SET a 5 XX GET',
      'GET a',
    ],
    ['SET a 1 EX 100', 'TTL a', 'SET a 2 KEEPTTL', 'TTL a', 'SET a 3', 'TTL a', 'DEL a'],
    [
      'SET a 1 PX 100000',
      'TTL a',
      'SET a 1 EXAT 33177117420',
      'SET a 1 PXAT 33177117420000',
      'EXISTS a',
      'DEL a',
    ],
    ['SET a 1 EXAT 1', 'GET a', 'EXISTS a', 'SET a 1 PXAT 1', 'GET a'],
    [
      'SET a 1 EX 0',
      'SET a 1 EX -1',
      'SET a 1 PX 0',
      'SET a 1 PX -1',
      'SET a 1 EXAT 0',
      'SET a 1 PXAT -5',
      'GET a',
    ],
    [
      'SET a 1 EX',
      'SET a 1 EX x',
      'SET a 1 EX 1.5',
      'SET a 1 EX 9223372036854775807',
      'SET a 1 PX 9223372036854775808',
    ],
    ['SET a 1 EX 9223372036854775', 'SET a 1 PX 9223372036854775807', 'GET a', 'DEL a'],
    [
      'SET a 1 NX XX',
      'SET a 1 XX NX',
      'SET a 1 EX 10 PX 10',
      'SET a 1 EX 10 KEEPTTL',
      'SET a 1 BOGUS',
      'SET a 1 KEEPTTL EX 5',
      'GET a',
    ],
    ['set a 1 ex 100 nx get', 'set a 1 Get', 'del a'],
    [
      'INCR n',
      'INCR n',
      'INCRBY n 40',
      'DECR n',
      'DECRBY n 1',
      'GET n',
      'INCRBY n -100',
      'DECRBY n -100',
      'GET n',
      'DEL n',
    ],
    [
      'SET n x',
      'INCR n',
      'INCRBY n 1',
      'DECR n',
      'SET n 1.5',
      'INCR n',
      'SET n 007',
      'INCR n',
      'SET n +7',
      'INCR n',
      'DEL n',
    ],
    ["SET n ''", 'INCR n', 'SET n -0', 'INCR n', 'SET n -', 'INCR n', 'DEL n'],
    [
      'SET n 9223372036854775806',
      'INCR n',
      'INCR n',
      'GET n',
      'INCRBY n -9223372036854775808',
      'GET n',
      'DEL n',
    ],
    ['SET n -9223372036854775808', 'DECR n', 'DECRBY n 1', 'GET n', 'INCR n', 'DEL n'],
    [
      'INCRBY n x',
      'INCRBY n 9223372036854775808',
      'DECRBY n -9223372036854775808',
      'DECRBY n x',
      'INCRBY n 01',
      'EXISTS n',
    ],
    ['INCRBY n 1.0', "INCRBY n ''", 'INCRBY n 18446744073709551616', 'EXISTS n'],
    [
      'APPEND s a',
      'APPEND s bc',
      "APPEND s ''",
      'GET s',
      'STRLEN s',
      'SET s x EX 100',
      'APPEND s y',
      'TTL s',
      'DEL s',
    ],
    ['SET n 10 EX 100', 'INCR n', 'TTL n', 'DEL n'],
    [
      'EXPIRE a 10',
      'SET a 1',
      'EXPIRE a 100',
      'TTL a',
      'PERSIST a',
      'PERSIST a',
      'TTL a',
      'PERSIST nosuch',
      'DEL a',
    ],
    [
      'SET a 1',
      'EXPIRE a -1',
      'GET a',
      'SET a 1',
      'PEXPIRE a 0',
      'GET a',
      'SET a 1',
      'EXPIREAT a 1',
      'EXISTS a',
      'SET a 1',
      'PEXPIREAT a 1',
      'EXISTS a',
    ],
    [
      'SET a 1',
      'EXPIRE a x',
      'EXPIRE a 9223372036854775807',
      'EXPIRE a -9223372036854775808',
      'PEXPIRE a 9223372036854775807',
      'EXPIREAT a 9223372036854775807',
      'GET a',
      'DEL a',
    ],
    ['SET a 1', 'PEXPIREAT a 9223372036854775807', 'EXISTS a', 'DEL a'],
    [
      'SET a 1',
      'EXPIRE a 100 NX',
      'EXPIRE a 200 NX',
      'TTL a',
      'EXPIRE a 50 GT',
      'EXPIRE a 300 GT',
      'TTL a',
      'EXPIRE a 400 LT',
      'EXPIRE a 20 LT',
      'TTL a',
      'EXPIRE a 30 XX',
      'TTL a',
      'DEL a',
    ],
    ['SET a 1', 'EXPIRE a 100 XX', 'EXPIRE a 100 GT', 'TTL a', 'EXPIRE a 100 LT', 'TTL a', 'DEL a'],
    [
      'SET a 1',
      'EXPIRE a 100 NX XX',
      'EXPIRE a 100 GT LT',
      'EXPIRE a 100 NX GT',
      'EXPIRE a 100 BOGUS',
      'EXPIRE a 100 nx',
      'DEL a',
    ],
    ['SET a 1', 'EXPIRE a 100 XX GT', 'PEXPIRE a 100000 NX', 'TTL a', 'DEL a'],
    ['MSET a 1 b 2 a 3', 'MGET a b c a', 'DEL a b c', "MSET '' empty", "GET ''", "DEL ''"],
    ['MSET a 1 EX 5', 'MGET a EX', 'DEL a EX'],
    [
      'SELECT 0',
      'SELECT 99',
      'SELECT x',
      'SELECT -1',
      'SELECT 9999999999',
      'SELECT 00',
      'SELECT 9223372036854775808',
    ],
    [
      'ECHO hello',
      'PING',
      'PING hello',
      'ping',
      'CLIENT SETNAME me',
      'CLIENT GETNAME',
      'CLIENT NOSUCH',
      'CONFIG NOSUCH',
    ],
    [
      'CLIENT GETNAME',
      "CLIENT SETNAME ''",
      'CLIENT SETNAME',
      'CLIENT SETNAME a b',
      'CLIENT GETNAME x',
      'CLIENT ID x',
    ],
    ['CONFIG GET nosuch', 'CONFIG GET', 'HELLO 9', 'HELLO 2 BOGUS'],
    ['QUIT', 'PING'],
  ])('%s, …', async (...lines) => {
    await expectLikeRedis(commands(...lines));
  });
});
