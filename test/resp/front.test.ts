/** A client's connection as a whole: passwords, limits, pauses, and who may connect. */
import { beforeAll, describe, expect, it } from 'vitest';
import { connect, say, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient, respCommand } from '../support/resp-client.js';

const PASSWORD = 'a password of 26 letters..';

async function guessTenTimes(primary: { listenAddress: string | undefined }): Promise<void> {
  const guesser = await connect(primary);
  guesser.write(Buffer.concat(Array(10).fill(respCommand('AUTH', 'wrong'))));
  for (const answer of await guesser.replies(10)) expect(answer).toMatch(/^-WRONGPASS /);
}

describe('a password', () => {
  it('is asked for before anything else, and then no more', async () => {
    const { primary } = await start({ password: PASSWORD });
    const client = await connect(primary);
    expect(await say(client, 'GET', 'a')).toBe('-NOAUTH Authentication required.');
    expect(await say(client, 'AUTH', 'wrong')).toMatch(/^-WRONGPASS /);
    expect(await say(client, 'SET', 'a', '1')).toBe('-NOAUTH Authentication required.');
    expect(await say(client, 'AUTH', PASSWORD)).toBe('+OK');
    expect(await say(client, 'SET', 'a', '1')).toBe('+OK');
    expect(primary.get('a')?.toString()).toBe('1');
    expect(await say(client, 'RESET')).toBe('+RESET');
    expect(await say(client, 'GET', 'a')).toBe('-NOAUTH Authentication required.');
  });

  it('holds for a whole pipeline, in which it may come', async () => {
    const { primary } = await start({ password: PASSWORD });
    const client = await connect(primary);
    client.write(
      Buffer.concat([
        respCommand('SET', 'a', 'too early'),
        respCommand('AUTH', PASSWORD),
        respCommand('GET', 'a'),
      ]),
    );
    expect(await client.replies(3)).toEqual(['-NOAUTH Authentication required.', '+OK', null]);
  });

  it('is compared a second later behind ten wrong ones in a minute, and others are not kept waiting', async () => {
    const { primary } = await start({ password: PASSWORD });
    const [guesser, user] = await Promise.all([connect(primary), connect(primary)]);
    expect(await say(user, 'AUTH', PASSWORD)).toBe('+OK');
    await guessTenTimes(primary);
    const startedAt = performance.now();
    const answered: string[] = [];
    const guessed = guesser.command('AUTH', PASSWORD).then((reply) => {
      answered.push('guesser');
      return reply;
    });
    expect(await say(user, 'PING')).toBe('+PONG');
    answered.push('user');
    expect(await guessed).toBe('+OK');
    expect(answered).toEqual(['user', 'guesser']);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  it('is not found by those who open many connections at once: all but a few are refused', async () => {
    const { primary } = await start({ password: PASSWORD });
    await guessTenTimes(primary);
    const guessers = await Promise.all(Array.from({ length: 50 }, () => connect(primary)));
    const answers = await Promise.all(
      guessers.map((guesser, index) =>
        index % 2 === 0 ? say(guesser, 'AUTH', PASSWORD) : say(guesser, 'HELLO', '3', 'AUTH', 'default', 'x'),
      ),
    );
    const refused = answers.filter((answer) => answer.startsWith('-ERR too many wrong passwords'));
    expect(refused).toHaveLength(47);
  });

  it('keeps who does not read its replies from making the server hold them', async () => {
    const { primary, warnings } = await start({ password: PASSWORD });
    const client = await connect(primary);
    client.socket.pause();
    client.write(Buffer.concat(Array.from({ length: 200_000 }, () => respCommand('GET', 'a'))));
    await eventually(
      () => warnings.length,
      (count) => count > 0,
    );
    expect(warnings[0]).toMatch(/does not read what it is told before its password; closed$/);
  });
});

describeWith(redisServer, 'before the password, as redis-server has it,', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start('--requirepass', PASSWORD);
  });

  it.each([
    ['eleven arguments', `*11\r\n${'$4\r\nPING\r\n'.repeat(11)}`],
    ['eleven arguments, announced', '*11\r\n'],
    ['ten arguments', `*10\r\n${'$4\r\nPING\r\n'.repeat(10)}*1\r\n$4\r\nQUIT\r\n`],
    ['two million arguments, announced', '*2000000\r\n'],
    ['an argument of 100,000,000 bytes, announced', '*1\r\n$100000000\r\n'],
    ['an argument of 16,385 bytes, announced', '*2\r\n$4\r\nECHO\r\n$16385\r\n'],
    [
      'an argument of 16,384 bytes',
      `*2\r\n$4\r\nECHO\r\n$16384\r\n${'x'.repeat(16_384)}\r\n*1\r\n$4\r\nQUIT\r\n`,
    ],
    ['many commands', `${'*1\r\n$4\r\nPING\r\n'.repeat(50)}*1\r\n$4\r\nQUIT\r\n`],
  ])('%s', async (_what, bytes) => {
    const { primary } = await start({ password: PASSWORD });
    const [ours, theirs] = await Promise.all(
      [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(async (address) => {
        const client = await RespClient.connect(address);
        client.write(bytes);
        return (await client.untilClosed()).toString();
      }),
    );
    expect(ours).toBe(theirs);
  });
});

describe('connections', () => {
  it('beyond maxclients are told so and closed', async () => {
    const { primary } = await start();
    const client = await connect(primary);
    expect(await say(client, 'CONFIG', 'SET', 'maxclients', '2')).toBe('+OK');
    const second = await connect(primary);
    expect(await say(second, 'PING')).toBe('+PONG');
    const third = await connect(primary);
    expect((await third.untilClosed()).toString()).toBe('-ERR max number of clients reached\r\n');
    second.close();
    await eventually(
      () => say(client, 'INFO', 'clients'),
      (text) => text.includes('connected_clients:1\r\n'),
    );
    expect(await say(await connect(primary), 'PING')).toBe('+PONG');
    expect(await say(client, 'INFO', 'stats')).toMatch(/rejected_connections:1\r\n/);
  });

  it('that leave too much unread for too long are closed, though nothing more is written to them', async () => {
    const { primary, warnings } = await start();
    const client = await connect(primary);
    const [stalled, patient] = [await connect(primary), await connect(primary)];
    await say(client, 'CONFIG', 'SET', 'client-output-buffer-limit', 'normal 0 500000 1');
    await client.command('SET', 'large', Buffer.alloc(3_000_000));
    const twelve = Buffer.concat(Array.from({ length: 12 }, () => respCommand('GET', 'large')));
    stalled.socket.pause();
    for (const one of [stalled, patient]) one.write(twelve);
    expect((await patient.replies(12)).length).toBe(12);
    await eventually(
      () => say(client, 'INFO', 'clients'),
      (text) => text.includes('connected_clients:2\r\n'),
    );
    expect(warnings).toEqual([
      expect.stringMatching(
        /is closed: \d+ bytes wait for it \(client-output-buffer-limit: 0, or 500000 for 1 s\)$/,
      ),
    ]);
  });

  it.each(['POST / HTTP/1.1\r\n', 'Host: 127.0.0.1\r\n', '*1\r\n$4\r\npOsT\r\n'])(
    'that speak HTTP are closed without an answer: %j',
    async (line) => {
      const { primary, warnings } = await start();
      const client = await connect(primary);
      client.write(`${line}SET a 1\r\n`);
      expect((await client.untilClosed()).toString()).toBe('');
      expect(primary.get('a')).toBeUndefined();
      expect(warnings[0]).toMatch(/sent a line of HTTP/);
    },
  );

  it('that are idle for longer than timeout are closed, others not', async () => {
    const { primary } = await start();
    const idle = await connect(primary);
    const busy = await connect(primary);
    await say(busy, 'CONFIG', 'SET', 'timeout', '1');
    let isIdleGone = false;
    const gone = idle.untilClosed().then(() => {
      isIdleGone = true;
    });
    await eventually(
      () => say(busy, 'GET', 'a'),
      () => isIdleGone,
    );
    await gone;
    expect(await say(busy, 'PING')).toBe('+PONG');
  });
});

describe('an inline command', () => {
  it('with an argument over the limit is refused, as others are', async () => {
    const { primary } = await start({ maxValueBytes: 1024 });
    const client = await connect(primary);
    client.write(`SET a ${'x'.repeat(2_000)}\r\nGETSET a ${'x'.repeat(2_000)}\r\nGET a\r\n`);
    expect(await client.replies(3)).toEqual([
      '-ERR Protocol error: invalid bulk length',
      '-ERR Protocol error: invalid bulk length',
      null,
    ]);
  });
});

describe('CLIENT REPLY', () => {
  it('SKIP leaves out one reply, OFF all until ON', async () => {
    const { primary } = await start();
    const client = await connect(primary);
    const reply = (what: string) => respCommand('CLIENT', 'REPLY', what);
    const incr = respCommand('INCR', 'n');
    client.write(Buffer.concat([incr, reply('SKIP'), incr, incr]));
    expect(await client.replies(2)).toEqual([1, 3]);
    client.write(Buffer.concat([reply('OFF'), incr, incr, respCommand('NOSUCH'), reply('ON'), incr]));
    expect(await client.replies(2)).toEqual(['+OK', 6]);
  });
});

describe('client-query-buffer-limit', () => {
  const MEGABYTE = 1_048_576;
  const set = (bytes: number) => respCommand('SET', 'a', Buffer.alloc(bytes));

  it.each([1_100_000, 2 * MEGABYTE, 20 * MEGABYTE])(
    'closes a client whose command is longer, one of %d bytes, as long as it is set',
    async (bytes) => {
      const { primary } = await start();
      const [admin, before] = [await connect(primary), await connect(primary)];
      expect(await say(admin, 'CONFIG', 'SET', 'client-query-buffer-limit', '1mb')).toBe('+OK');
      const refusal = '-ERR Protocol error: the command is larger than the query buffer may be\r\n';
      for (const client of [before, await connect(primary)]) {
        client.write(set(1_000_000));
        expect(await client.reply()).toBe('+OK');
        client.write(set(bytes));
        expect((await client.untilClosed()).toString()).toBe(refusal);
      }
      expect(await say(admin, 'STRLEN', 'a')).toBe('1000000');
      await say(admin, 'CONFIG', 'SET', 'client-query-buffer-limit', '64mb');
      admin.write(set(bytes));
      expect(await admin.reply()).toBe('+OK');
    },
  );

  it('closes a client whose transaction is larger', async () => {
    const { primary, warnings } = await start();
    const client = await connect(primary);
    await say(client, 'CONFIG', 'SET', 'client-query-buffer-limit', '1mb');
    client.write(Buffer.concat([respCommand('MULTI'), set(600_000), set(600_000), respCommand('EXEC')]));
    expect((await client.untilClosed()).toString()).toBe('+OK\r\n+QUEUED\r\n');
    expect(warnings[0]).toMatch(/queued more than it may in a transaction; closed$/);
    expect(primary.get('a')).toBeUndefined();
  });
});

describe('CLIENT PAUSE', () => {
  it('WRITE holds writes back, in their order, and lets reads through', async () => {
    const { primary } = await start();
    const [admin, writer, reader] = await Promise.all([connect(primary), connect(primary), connect(primary)]);
    await say(admin, 'SET', 'a', 'before');
    await say(admin, 'CLIENT', 'PAUSE', '60000', 'WRITE');
    writer.write(
      Buffer.concat([respCommand('GET', 'a'), respCommand('SET', 'a', 'after'), respCommand('GET', 'a')]),
    );
    expect(String(await writer.reply())).toBe('before');
    expect(await say(reader, 'GET', 'a')).toBe('before');
    expect(await say(admin, 'CLIENT', 'UNPAUSE')).toBe('+OK');
    expect((await writer.replies(2)).map(String)).toEqual(['+OK', 'after']);
    expect(await say(reader, 'GET', 'a')).toBe('after');
  });

  it('ALL holds everything back until its time is over', async () => {
    const { primary } = await start();
    const [admin, other] = await Promise.all([connect(primary), connect(primary)]);
    await say(admin, 'CLIENT', 'PAUSE', '300', 'ALL');
    const startedAt = performance.now();
    expect(await say(other, 'PING')).toBe('+PONG');
    expect(performance.now() - startedAt).toBeGreaterThan(200);
  });

  it('does not have the server take in all that a waiting client sends', async () => {
    const { primary } = await start();
    const [admin, writer] = await Promise.all([connect(primary), connect(primary)]);
    await say(admin, 'CLIENT', 'PAUSE', '60000', 'WRITE');
    const set = respCommand('SET', 'a', 'x'.repeat(1_000));
    const COUNT = 32_768;
    writer.write(Buffer.concat(Array(COUNT).fill(set)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const taken = Number(/total_net_input_bytes:(\d+)/.exec(await say(admin, 'INFO', 'stats'))?.[1]);
    expect(taken).toBeLessThan(4 * 1024 * 1024);
    await say(admin, 'CLIENT', 'UNPAUSE');
    expect(new Set(await writer.replies(COUNT))).toEqual(new Set(['+OK']));
  });

  it('is survived by a client that leaves meanwhile', async () => {
    const { primary } = await start();
    const [admin, leaving] = await Promise.all([connect(primary), connect(primary)]);
    await say(admin, 'CLIENT', 'PAUSE', '60000', 'WRITE');
    leaving.write(respCommand('SET', 'a', '1'));
    await eventually(
      () => say(admin, 'INFO', 'clients'),
      (text) => text.includes('blocked_clients:1\r\n'),
    );
    leaving.close();
    await eventually(
      () => say(admin, 'INFO', 'clients'),
      (text) => text.includes('connected_clients:1\r\n'),
    );
    expect(await say(admin, 'CLIENT', 'UNPAUSE')).toBe('+OK');
    expect(await say(admin, 'GET', 'a')).toBe('null');
  });
});

describe('a transaction', () => {
  it('holds back what the kernel would run in place, and gives each reply in its protocol', async () => {
    const { primary } = await start();
    const client = await connect(primary);
    client.write(
      Buffer.concat(
        [['MULTI'], ['SET', 'a', '1'], ['INCR', 'a'], ['GET', 'none'], ['GETDEL', 'a'], ['EXEC']].map(
          (args) => respCommand(...args),
        ),
      ),
    );
    expect((await client.replies(6)).slice(0, 5)).toEqual(['+OK', ...Array(4).fill('+QUEUED')]);
    expect(primary.get('a')).toBeUndefined();
  });

  it('may not gather without bound', async () => {
    const { primary, warnings } = await start({ maxValueBytes: 1024 * 1024 });
    const client = await connect(primary);
    await say(client, 'MULTI');
    const big = respCommand('SET', 'a', 'x'.repeat(1024 * 1024));
    for (let sent = 0; sent < 80 && warnings.length === 0; sent += 1) {
      client.write(big);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await client.untilClosed();
    expect(warnings[0]).toMatch(/queued more than it may in a transaction; closed/);
  });
});
