/** TIME, INFO, MONITOR, SHUTDOWN, DEBUG, LATENCY, SLOWLOG. */
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

describeWith(redisServer, 'commands about the server answer as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start('--slowlog-log-slower-than', '-1');
  });

  it.each([
    ['TIME x', 'MONITOR x', 'DEBUG', 'DEBUG JMAP', 'DEBUG OBJECT key', 'debug sleep 0'],
    ['SHUTDOWN nosuch', 'SHUTDOWN ABORT', 'SHUTDOWN ABORT NOW', 'SHUTDOWN SAVE NOSAVE', 'SHUTDOWN NOW x'],
    ['SHUTDOWN abort ABORT', 'SHUTDOWN NOSAVE ABORT', 'SHUTDOWN save nosave FORCE NOW'],
    ['LATENCY', 'LATENCY LATEST', 'LATENCY LATEST x', 'LATENCY HISTORY', 'LATENCY HISTORY command'],
    ['LATENCY HISTORY a b', 'LATENCY RESET', 'LATENCY RESET a b', 'LATENCY NOSUCH', 'LATENCY HELP x'],
    ['SLOWLOG', 'SLOWLOG GET', 'SLOWLOG GET 5', 'SLOWLOG GET -1', 'SLOWLOG GET 0', 'SLOWLOG GET -2'],
    [
      'SLOWLOG GET x',
      'SLOWLOG GET 1 2',
      'SLOWLOG GET 9223372036854775808',
      'SLOWLOG GET 9223372036854775807',
    ],
    ['SLOWLOG LEN', 'SLOWLOG LEN x', 'SLOWLOG RESET', 'SLOWLOG RESET x', 'SLOWLOG NOSUCH', 'SLOWLOG HELP'],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
    await redis.expectAlike(lines, new ServerHost(), 3);
  });
});

describe('TIME', () => {
  it('is the clock, in seconds and microseconds', () => {
    const host = new ServerHost();
    host.clock.ms = 1_800_000_000_007;
    expect(host.answer('TIME', host.newClient())).toBe('*2\r\n$10\r\n1800000000\r\n$4\r\n7000\r\n');
  });
});

describe('INFO', () => {
  it('asks for the sections that are named, as text for people', () => {
    const host = new ServerHost();
    expect(host.answer('INFO Server COMMANDSTATS', host.newClient())).toBe(
      '$21\r\n# server commandstats\r\n',
    );
    expect(host.answer('INFO', host.newClient({ protocol: 3 }))).toBe('=6\r\ntxt:# \r\n');
  });
});

describe('MONITOR', () => {
  it('begins once', () => {
    const host = new ServerHost();
    const client = host.newClient({ id: 4 });
    expect(host.answer('MONITOR', client)).toBe('+OK\r\n');
    expect(host.answer('MONITOR', client)).toBe('');
    expect(host.deeds).toEqual(['monitor 4']);
  });

  it('is refused inside of a transaction', () => {
    const host = new ServerHost();
    const client = host.newClient();
    client.isInExec = true;
    expect(host.answer('MONITOR', client)).toBe("-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
  });
});

describe('SHUTDOWN', () => {
  it.each(['SHUTDOWN', 'SHUTDOWN NOSAVE', 'shutdown save now force'])(
    '%s asks the server to close',
    (line) => {
      const host = new ServerHost();
      expect(host.answer(line, host.newClient())).toBe('');
      expect(host.deeds).toEqual(['shutdown']);
    },
  );
});

describe('SLOWLOG', () => {
  it('shows the newest first, trimmed as Redis trims', () => {
    const host = new ServerHost();
    const client = host.newClient();
    client.name = 'me';
    host.clock.ms = 1_800_000_000_500;
    host.slowlog.record([Buffer.from('GET'), Buffer.from('k')], 20_000, client);
    host.slowlog.record([Buffer.from('SET'), Buffer.alloc(130, 'x')], 30_000.7, client);
    const second = `*6\r\n:1\r\n:1800000000\r\n:30000\r\n*2\r\n$3\r\nSET\r\n$146\r\n${'x'.repeat(128)}... (2 more bytes)`;
    const rest = '$15\r\n127.0.0.1:50001\r\n$2\r\nme\r\n';
    expect(host.answer('SLOWLOG GET 1', client)).toBe(`*1\r\n${second}\r\n${rest}`);
    expect(host.answer('SLOWLOG GET', client)).toMatch(/^\*2\r\n\*6\r\n:1\r\n/);
    expect(host.answer('SLOWLOG LEN', client)).toBe(':2\r\n');
    host.answer('SLOWLOG RESET', client);
    expect(host.answer('SLOWLOG LEN', client)).toBe(':0\r\n');
  });
});
