/** PING, ECHO, SELECT, AUTH, HELLO, QUIT, RESET, as redis-server answers them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

const PASSWORD = 'correct horse';

describeWith(redisServer, 'commands of connections', () => {
  let redis: RedisOracle;
  let guarded: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
    guarded = await RedisOracle.start('--requirepass', PASSWORD);
  });

  describe.each([2, 3] as const)('in RESP%i', (protocol) => {
    it.each([
      ['PING', 'PING hello', 'ping ""', 'PING a b', 'ECHO hello', 'ECHO', 'ECHO a b'],
      ['SELECT 0', 'SELECT 1', 'SELECT -1', 'SELECT x', 'SELECT ""', 'SELECT 00', 'SELECT 2147483647'],
      ['SELECT 2147483648', 'SELECT -2147483649', 'SELECT 9223372036854775807', 'SELECT 9223372036854775808'],
      ['AUTH', 'AUTH x', 'AUTH default x', 'AUTH Default x', 'AUTH nobody x', 'AUTH a b c'],
      ['HELLO', 'HELLO 2', 'HELLO', 'HELLO 3', 'HELLO', 'PING'],
      ['HELLO 1', 'HELLO 4', 'HELLO x', 'HELLO 03', 'HELLO ""', 'HELLO 9223372036854775808', 'HELLO -1'],
      ['HELLO 3 SETNAME me', 'CLIENT GETNAME', 'HELLO 2 setname ""', 'CLIENT GETNAME'],
      ['HELLO 3 SETNAME "a b"', 'HELLO 2 SETNAME ok BOGUS', 'CLIENT GETNAME', 'HELLO', 'HELLO 2 SETNAME'],
      ['HELLO 3 AUTH default', 'HELLO 3 AUTH default x', 'HELLO 3 AUTH nobody x', 'HELLO 2 "b\\x00c"'],
      ['HELLO 3 AUTH default x SETNAME both', 'CLIENT GETNAME', 'HELLO 2 "line\\r\\nbreak"'],
      ['CLIENT SETNAME me', 'HELLO 3', 'RESET', 'CLIENT GETNAME', 'PING', 'RESET x'],
      ['NOSUCH', 'NOSUCH a "b c" ""', 'NO\\x00SUCH a', '""', '"NO\\x00SUCH" "a\\x00b" c'],
      [
        'CLIENT NOSUCH',
        'client "no\\x00such"',
        'CLIENT',
        'CLIENT "\\r\\n"',
        'CLIENT "" x',
        'CONFIG nosuch a b',
      ],
    ])('%s, …', async (...lines) => {
      await redis.expectAlike(lines, new ServerHost(), protocol);
    });
  });

  it.each([
    [
      'HELLO',
      'HELLO 3',
      'HELLO 3 SETNAME x',
      'AUTH wrong',
      'AUTH nobody "correct horse"',
      'AUTH default wrong',
    ],
    ['HELLO 3 AUTH default wrong', 'HELLO 3 AUTH default "correct horse"', 'HELLO', 'RESET', 'HELLO'],
    ['AUTH "correct horse"', 'HELLO', 'AUTH wrong', 'HELLO'],
    ['AUTH default "correct horse"', 'HELLO 3 AUTH default wrong', 'HELLO'],
    ['AUTH ""', 'AUTH default ""', 'AUTH "correct horse " x y', 'AUTH "correct horse\\x00"'],
  ])('with a password: %s, …', async (...lines) => {
    const host = new ServerHost({ password: PASSWORD });
    const client = host.newClient();
    const withoutIds = (answer: string) => answer.replace(/id\r\n:\d+/, 'id');
    const theirs = await guarded.answers(lines);
    expect(lines.map((line) => withoutIds(host.answer(line, client)))).toEqual(theirs.map(withoutIds));
  });
});

it('QUIT says OK and is the last', () => {
  const host = new ServerHost();
  const client = host.newClient();
  expect(host.answer('QUIT', client)).toBe('+OK\r\n');
  expect(client.leaves).toBe(true);
});

it('RESET makes a client as it came', () => {
  const host = new ServerHost({ password: PASSWORD });
  const client = host.newClient({ id: 7 });
  host.answer(`HELLO 3 AUTH default "${PASSWORD}" SETNAME me`, client);
  host.answer('MONITOR', client);
  host.answer('CLIENT REPLY OFF', client);
  client.transaction = { queue: [], queuedBytes: 0, isBroken: false };
  expect(host.answer('RESET', client)).toBe('+RESET\r\n');
  expect(host.deeds).toEqual(['monitor 7', 'no monitor 7']);
  expect(client).toMatchObject({
    protocol: 2,
    isAuthenticated: false,
    name: '',
    transaction: undefined,
    isMonitor: false,
    replies: 'on',
  });
});
