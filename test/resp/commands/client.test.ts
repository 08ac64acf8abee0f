/** CLIENT: its answers are redis-server's; the registry shows its effects on clients. */
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

describeWith(redisServer, 'CLIENT answers as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
  });

  it.each([
    ['CLIENT ID', 'CLIENT ID x', 'CLIENT GETNAME', 'CLIENT SETNAME me', 'client getname', 'CLIENT GETNAME x'],
    ['CLIENT SETNAME "a b"', 'CLIENT SETNAME "\\n"', 'CLIENT SETNAME "\\x80"', 'CLIENT SETNAME a b'],
    ['CLIENT SETNAME x', 'CLIENT SETNAME ""', 'CLIENT GETNAME', 'CLIENT SETNAME'],
    ['CLIENT INFO x', 'CLIENT LIST TYPE', 'CLIENT LIST TYPE nosuch', 'CLIENT LIST ID x', 'CLIENT LIST ID'],
    ['CLIENT LIST x', 'CLIENT LIST TYPE normal x', 'CLIENT LIST TYPE "no\\x00such"', 'CLIENT LIST ID 1.5'],
    [
      'CLIENT LIST TYPE pubsub',
      'CLIENT LIST TYPE replica',
      'CLIENT LIST TYPE MASTER',
      'CLIENT LIST ID 999999',
    ],
    ['CLIENT LIST ID -1', 'CLIENT LIST TYPE SLAVE', 'CLIENT LIST ID 9223372036854775808'],
    ['CLIENT KILL', 'CLIENT KILL 1.2.3.4:5', 'CLIENT KILL ID 0', 'CLIENT KILL ID x', 'CLIENT KILL ID -1'],
    ['CLIENT KILL ID 999999', 'CLIENT KILL a b c', 'CLIENT KILL ID 1 ADDR', 'CLIENT KILL nosuch x'],
    ['CLIENT KILL TYPE nosuch', 'CLIENT KILL TYPE pubsub', 'CLIENT KILL TYPE replica SKIPME no'],
    [
      'CLIENT KILL USER nobody',
      'CLIENT KILL USER Default',
      'CLIENT KILL SKIPME maybe',
      'CLIENT KILL SKIPME yes ID 99999',
    ],
    [
      'CLIENT KILL LADDR 1.2.3.4:5',
      'CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:5',
      'CLIENT KILL USER default ID 99999',
    ],
    ['CLIENT REPLY', 'CLIENT REPLY ON', 'CLIENT REPLY maybe', 'CLIENT REPLY ON x'],
    [
      'CLIENT PAUSE',
      'CLIENT PAUSE x',
      'CLIENT PAUSE -1',
      'CLIENT PAUSE 1.5',
      'CLIENT PAUSE 0',
      'CLIENT PAUSE 0 write',
    ],
    [
      'CLIENT PAUSE 0 maybe',
      'CLIENT PAUSE x maybe',
      'CLIENT PAUSE 0 ALL x',
      'CLIENT PAUSE 9223372036854775807',
    ],
    ['CLIENT UNPAUSE', 'CLIENT UNPAUSE x', 'CLIENT NO-EVICT', 'CLIENT NO-EVICT on', 'CLIENT NO-EVICT off'],
    ['CLIENT NO-EVICT maybe', 'CLIENT NO-EVICT on x', 'CLIENT HELP x'],
    ['CLIENT UNBLOCK', 'CLIENT UNBLOCK x', 'CLIENT UNBLOCK 99999', 'CLIENT UNBLOCK x foo'],
    ['CLIENT UNBLOCK 99999 timeout', 'CLIENT UNBLOCK 99999 ERROR', 'CLIENT UNBLOCK 1 error x'],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
    await redis.expectAlike(lines, new ServerHost(), 3);
  });

  it('a line of CLIENT INFO has the same fields, and those that can be equal are', async () => {
    const [, theirs] = await redis.answers(['CLIENT SETNAME me', 'CLIENT INFO']);
    const host = new ServerHost();
    const client = host.newClient();
    host.answer('CLIENT SETNAME me', client);
    const ours = fieldsOf(host.answer('CLIENT INFO', client));
    const expected = fieldsOf(theirs!);
    expect(ours.map(([name]) => name)).toEqual(expected.map(([name]) => name));
    // Sockets, addresses and memory are a server's own; a second may end between its client's coming and
    // asking.
    const own = /^(id|addr|laddr|fd|age|idle|q.*|.*-mem|rb.|o.*)$/;
    const comparable = (fields: string[][]) => fields.filter(([name]) => !own.test(name!));
    expect(comparable(ours)).toEqual(comparable(expected));
  });
});

describe('CLIENT', () => {
  it('LIST shows everybody, or those asked for, in the order asked', () => {
    const host = new ServerHost();
    const [first] = [1, 2, 3].map((id) => host.newClient({ id }));
    const lines = (line: string) =>
      [...host.answer(line, first!).matchAll(/(?:^|\n)id=(\d+) /g)].map(([, id]) => id);
    expect(lines('CLIENT LIST')).toEqual(['1', '2', '3']);
    expect(lines('CLIENT LIST TYPE normal')).toEqual(['1', '2', '3']);
    expect(lines('CLIENT LIST ID 3 99 1')).toEqual(['3', '1']);
  });

  it('LIST tells how long a client has been there and silent, and what it is', () => {
    const host = new ServerHost();
    const client = host.newClient();
    host.clock.pass(90_000);
    client.heardAtMs = host.clock.nowMs() - 30_000;
    client.transaction = {
      queue: [[Buffer.from('GET'), Buffer.from('key')]],
      queuedBytes: 6,
      isBroken: false,
    };
    client.isBlocked = true;
    client.isMonitor = true;
    client.isNeverEvicted = true;
    const line = host.answer('CLIENT INFO', client);
    for (const field of ['age=90', 'idle=30', 'flags=Oxbe', 'multi=1', 'multi-mem=6', 'cmd=client|info']) {
      expect(line).toContain(` ${field} `);
    }
  });

  it('SETINFO and NO-TOUCH of Redis 7.2 are taken', () => {
    const host = new ServerHost();
    const client = host.newClient();
    expect(host.answer('CLIENT SETINFO LIB-NAME lib', client)).toBe('+OK\r\n');
    expect(host.answer('CLIENT SETINFO lib-ver 1.0', client)).toBe('+OK\r\n');
    expect(host.answer('CLIENT INFO', client)).toContain(' lib-name=lib lib-ver=1.0\n');
    expect(host.answer('CLIENT SETINFO lib-name "a b"', client)).toBe(
      '-ERR lib-name cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(host.answer('CLIENT SETINFO nosuch x', client)).toBe("-ERR Unrecognized option 'nosuch'\r\n");
    expect(host.answer('CLIENT NO-TOUCH on', client)).toBe('+OK\r\n');
    expect(client.isNeverTouching).toBe(true);
  });

  it.each([
    { line: 'CLIENT KILL 127.0.0.1:50002', answer: '+OK\r\n', killed: [2], leaves: false },
    { line: 'CLIENT KILL 127.0.0.1:50001', answer: '+OK\r\n', killed: [], leaves: true },
    { line: 'CLIENT KILL ID 2', answer: ':1\r\n', killed: [2], leaves: false },
    { line: 'CLIENT KILL ID 1', answer: ':0\r\n', killed: [], leaves: false },
    { line: 'CLIENT KILL ID 1 SKIPME no', answer: ':1\r\n', killed: [], leaves: true },
    { line: 'CLIENT KILL TYPE normal', answer: ':2\r\n', killed: [2, 3], leaves: false },
    { line: 'CLIENT KILL TYPE normal SKIPME no', answer: ':3\r\n', killed: [2, 3], leaves: true },
    { line: 'CLIENT KILL USER default ID 3', answer: ':1\r\n', killed: [3], leaves: false },
    { line: 'CLIENT KILL ID 2 ID 3', answer: ':1\r\n', killed: [3], leaves: false },
    { line: 'CLIENT KILL LADDR 127.0.0.1:6380 ID 2', answer: ':1\r\n', killed: [2], leaves: false },
    { line: 'CLIENT KILL ADDR 127.0.0.1:50002 ID 3', answer: ':0\r\n', killed: [], leaves: false },
  ])('$line kills $killed', ({ line, answer, killed, leaves }) => {
    const host = new ServerHost();
    const [first] = [1, 2, 3].map((id) => host.newClient({ id }));
    expect(host.answer(line, first!)).toBe(answer);
    expect(host.deeds).toEqual(killed.map((id) => `kill ${id}`));
    expect(first!.leaves).toBe(leaves);
  });

  it.each([
    ['ID 3 2', [3, 2]],
    ['id 3 2 99 skipme yes TYPE normal', [3, 2]],
    ['SKIPME yes', [2, 3]],
    ['NAME worker', [2]],
    ['NAME ""', []],
    ['LIB-NAME lib LIB-VER 1', [3]],
    ['MAXAGE 60', [1, 2]],
    ['MAXAGE 61', []],
    ['IDLE 50', [1]],
    ['FLAGS N', [2]],
    ['FLAGS bx', []],
    ['FLAGS x', [1]],
    ['USER default ADDR 127.0.0.1:50002', [2]],
    ['LADDR 127.0.0.1:6380 DB 0', [1, 2, 3]],
    ['IP 127.0.0.1', [1, 2, 3]],
    ['IP 127.0.0', []],
    ['CAPA r', [3]],
    ['TYPE pubsub', []],
    ['NOT-ID 1 2', [3]],
    ['NOT-NAME worker NOT-FLAGS x', [3]],
    ['NOT-TYPE pubsub NOT-IP 10.0.0.1', [1, 2, 3]],
  ])('LIST and KILL know the filter %s', (filter, expected) => {
    const clients = () => {
      const host = new ServerHost();
      const [first, second] = [1, 2].map((id) => host.newClient({ id }));
      host.clock.pass(60_000);
      const third = host.newClient({ id: 3 });
      second!.heardAtMs = host.clock.nowMs();
      second!.name = 'worker';
      first!.transaction = { queue: [], queuedBytes: 0, isBroken: false };
      for (const line of ['SETINFO LIB-NAME lib', 'SETINFO LIB-VER 1', 'CAPA redirect unknown']) {
        expect(host.answer(`CLIENT ${line}`, third)).toBe('+OK\r\n');
      }
      third.isBlocked = true;
      return { host, first: first! };
    };
    const listed = clients();
    const lines = listed.host.answer(`CLIENT LIST ${filter}`, listed.first);
    expect([...lines.matchAll(/(?:^|\n)id=(\d+) /g)].map(([, id]) => Number(id))).toEqual(expected);
    const killed = clients();
    expect(killed.host.answer(`CLIENT KILL SKIPME no ${filter}`, killed.first)).toBe(
      `:${expected.length}\r\n`,
    );
  });

  it.each([
    ['KILL MAXAGE x', 'maxage is not an integer or out of range'],
    ['KILL MAXAGE 0', 'maxage should be greater than 0'],
    ['LIST IDLE -1', 'idle should be greater than 0'],
    ['LIST IDLE 1.5', 'idle is not an integer or out of range'],
    ['LIST FLAGS z', 'Unknown flags found in the provided filter: z'],
    ['LIST CAPA x', 'Unknown capa found in the provided filter: x'],
    ['LIST DB 1', 'DB number should be between 0 and 0'],
    ['LIST DB x', 'DB is not an integer or out of range'],
    ['LIST USER nobody', "No such user 'nobody'"],
    ['LIST NOT-MAXAGE 5', 'syntax error'],
    ['LIST NAME', 'syntax error'],
    ['LIST ID 1 2.5', 'Invalid client ID'],
    ['KILL ID 1 0', 'client-id should be greater than 0'],
    ['KILL ID 10 wrong_arg', 'syntax error'],
    ['KILL ID 10 2x', 'syntax error'],
  ])('%s is refused', (line, error) => {
    const host = new ServerHost();
    expect(host.answer(`CLIENT ${line}`, host.newClient())).toBe(`-ERR ${error}\r\n`);
  });

  it('CAPA is shown of a client that has sent it', () => {
    const host = new ServerHost();
    const client = host.newClient();
    expect(host.answer('CLIENT CAPA nosuch', client)).toBe('+OK\r\n');
    expect(host.answer('CLIENT INFO', client)).not.toContain('capa=');
    host.answer('CLIENT CAPA REDIRECT', client);
    expect(host.answer('CLIENT INFO', client)).toContain(' capa=r\n');
  });

  it('UNBLOCK reaches the registry', () => {
    const host = new ServerHost();
    const [first] = [1, 2].map((id) => host.newClient({ id }));
    expect(host.answer('CLIENT UNBLOCK 2', first!)).toBe(':1\r\n');
    expect(host.answer('CLIENT UNBLOCK 1 ERROR', first!)).toBe(':0\r\n');
    expect(host.deeds).toEqual(['unblock 2 timeout', 'unblock 1 error']);
  });

  it('PAUSE and UNPAUSE reach the registry', () => {
    const host = new ServerHost();
    const client = host.newClient();
    for (const line of ['PAUSE 50', 'PAUSE 60 WRITE', 'UNPAUSE']) host.answer(`CLIENT ${line}`, client);
    expect(host.deeds).toEqual(['pause all 50', 'pause write 60', 'unpause']);
  });

  it('REPLY OFF and SKIP are not answered', () => {
    const host = new ServerHost();
    const client = host.newClient();
    expect(host.answer('CLIENT REPLY SKIP', client)).toBe('');
    expect(client.replies).toBe('skip-next');
    expect(host.answer('CLIENT REPLY OFF', client)).toBe('');
    expect(host.answer('CLIENT REPLY SKIP', client)).toBe('');
    expect(client.replies).toBe('off');
    expect(host.answer('CLIENT REPLY ON', client)).toBe('+OK\r\n');
    expect(client.replies).toBe('on');
  });

  it('HELP tells the subcommands that there are', () => {
    const host = new ServerHost();
    const help = host.answer('CLIENT HELP', host.newClient());
    expect(help).toContain(
      '+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n+CACHING (YES|NO)\r\n',
    );
    expect(help).toMatch(/\+HELP\r\n\+ {4}Prints this help\.\r\n$/);
  });
});

function fieldsOf(answer: string): string[][] {
  return answer
    .split('\r\n')[1]!
    .trim()
    .split(' ')
    .map((field) => field.split('='));
}
