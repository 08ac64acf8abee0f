/**
 * MONITOR: its lines, their place among a monitor's own replies, and the end of a monitor that does not keep
 * up.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { settledBytes, staysWell } from '../support/hostile-acts.js';
import { connect, say, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient, respCommand } from '../support/resp-client.js';

const PASSWORD = 's3cret';

describe('MONITOR', () => {
  it('shows what others run, in place or not, but no passwords', async () => {
    const { primary } = await start();
    const monitor = await connect(primary);
    const client = await connect(primary);
    expect(await say(monitor, 'MONITOR')).toBe('+OK');
    await say(client, 'SET', 'a\n', '"1"');
    await say(client, 'GETRANGE', 'a', '0', '1');
    await say(client, 'AUTH', PASSWORD);
    await say(client, 'CONFIG', 'GET', 'maxmemory');
    await say(client, 'PING');
    const lines = (await monitor.replies(4)).map(String);
    expect(lines.map((line) => line.replace(/^\+\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] /, ''))).toEqual([
      '"SET" "a\\n" "\\"1\\""',
      '"GETRANGE" "a" "0" "1"',
      '"AUTH" "(redacted)"',
      '"PING"',
    ]);
  });

  it('is cut off when it does not keep up, and harms nobody', async () => {
    const { primary, warnings } = await start();
    const monitor = await connect(primary);
    const client = await connect(primary);
    await say(client, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 0 0');
    await say(monitor, 'MONITOR');
    monitor.socket.pause();
    const value = 'x'.repeat(100_000);
    for (let sent = 0; sent < 5_000 && warnings.length === 0; sent += 1) await say(client, 'SET', 'a', value);
    expect(warnings[0]).toMatch(/client-output-buffer-limit/);
    expect(await say(client, 'STRLEN', 'a')).toBe('100000');
  });
});

describe('a command of megabytes before a monitor', () => {
  const huge = Buffer.alloc(8 * 1024 * 1024);

  it('is shown as the beginning of each argument, with how much is left out', async () => {
    const before = settledBytes();
    const { primary } = await start();
    const monitor = await connect(primary);
    const client = await connect(primary);
    await say(monitor, 'MONITOR');
    expect(await client.command('SET', 'a', huge)).toBe('+OK');
    const [line] = (await monitor.replies(1)).map(String);
    expect(line).toMatch(/^\+\S+ \[0 \S+\] "SET" "a" "(\\x00){16384}"\.\.\. \(8372224 more bytes\)$/);
    await staysWell(primary, before);
  });

  it('of a great many arguments is shown as the first of them, with how many are left out', async () => {
    const before = settledBytes();
    const { primary } = await start();
    const monitor = await connect(primary);
    const client = await connect(primary);
    await say(monitor, 'MONITOR');
    client.write(`*200001\r\n$6\r\nEXISTS\r\n${'$0\r\n\r\n'.repeat(200_000)}`);
    expect(await client.reply()).toBe(0);
    const [line] = (await monitor.replies(1)).map(String);
    expect(line).toMatch(/ "" \.\.\. \(\d+ more arguments\)$/);
    expect(line!.length).toBeLessThan(300_000);
    await staysWell(primary, before);
  });

  it('closes a monitor without room for its line before the line is made', async () => {
    const { primary, warnings } = await start();
    const monitor = await connect(primary);
    const client = await connect(primary);
    await say(client, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 64kb 0 0');
    await say(monitor, 'MONITOR');
    expect(await say(client, 'MSET', ...Array<string>(10).fill('x'.repeat(16_384)))).toBe('+OK');
    expect(warnings[0]).toMatch(/ is closed: 163844 bytes wait for it/);
    expect((await monitor.untilClosed()).length).toBe(0);
  });
});

describeWith(
  redisServer,
  'a client in MONITOR is told of its own commands where redis-server tells it:',
  () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await RedisServer.start();
    });

    it.each([
      ['MONITOR', 'PING'],
      ['PING', 'MONITOR', 'PING', 'GET a', 'SET a 1', 'MONITOR', 'PING'],
      ['MONITOR', 'MULTI', 'PING', 'ECHO a', 'EXEC', 'PING'],
      ['MONITOR', 'PING', 'RESET', 'PING'],
      ['MONITOR', 'CLIENT REPLY OFF', 'PING', 'CLIENT REPLY ON', 'PING'],
      ['MONITOR', 'CLIENT REPLY SKIP', 'PING', 'PING'],
      ['CLIENT REPLY SKIP', 'MONITOR', 'PING'],
      ['MONITOR', 'WAIT 0 10', 'PING'],
      ['MONITOR', 'WAIT 1 20', 'PING'],
      ['MONITOR', 'NOSUCH', 'GET', 'CONFIG GET save', 'PING'],
      ['MONITOR', 'EVAL return(1) 0', 'PUBLISH a b', 'SCRIPT EXISTS a', 'PING'],
    ])('%s, …', async (...lines) => {
      const { primary } = await start();
      const pipeline = Buffer.concat([...lines, 'QUIT'].map((line) => respCommand(...line.split(' '))));
      const [ours, theirs] = await Promise.all(
        [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(async (address) => {
          const client = await RespClient.connect(address);
          client.write(pipeline);
          const told = (await client.untilClosed()).toString();
          return told.replace(/\d+\.\d{6} \[0 [^\]]*\]/g, 'when and who');
        }),
      );
      expect(ours).toBe(theirs);
    });

    it('a script of another client comes before its commands', async () => {
      const { primary } = await start();
      const [ours, theirs] = await Promise.all(
        [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(async (address) => {
          const monitor = await RespClient.connect(address);
          await monitor.command('MONITOR');
          const client = await RespClient.connect(address);
          const script = "redis.call('set', KEYS[1], '1') return redis.call('get', KEYS[1])";
          await client.command('EVAL', script, '1', 'a');
          await client.pipeline([['MULTI'], ['EVAL_RO', 'return 1', '0'], ['EXEC'], ['PING']]);
          const lines = (await monitor.replies(7)).map(String);
          return lines.map((line) => line.replace(/\d+\.\d{6} \[0 (lua)?[^\]]*\]/, 'when and who $1'));
        }),
      );
      expect(ours).toEqual(theirs);
    });
  },
);
