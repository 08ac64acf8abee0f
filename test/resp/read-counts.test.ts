/** Which reads count as hits and misses, and when a key counts as used. */
import { beforeAll, describe, expect, it } from 'vitest';
import { MODE_NO_TOUCH } from '../../src/kernel/layout.js';
import { UnixTime } from '../../src/resp/unix-time.js';
import { newEngine, StandingClock } from '../support/engines.js';
import { connect, say, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';

async function countsOf(client: RespClient): Promise<string[]> {
  return String(await client.command('INFO', 'stats')).match(/keyspace_(hits|misses):\d+/g)!;
}

describeWith(redisServer, 'hits and misses are those of redis-server:', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  it.each([
    'TYPE key',
    'TOUCH key other key',
    'COPY key target',
    'COPY key key2 REPLACE',
    'BITCOUNT key',
    'BITCOUNT key 0 1 BIT',
    'OBJECT ENCODING key',
    'OBJECT IDLETIME key',
    'OBJECT REFCOUNT key',
    'OBJECT FREQ key',
    'EXPIRETIME key',
    'PEXPIRETIME key',
    'SET key value GET',
    'SET key value XX GET',
    'SET key value NX',
    'SETNX key value',
    'SETBIT key 1 1',
    'APPEND key x',
  ])('%s', async (line) => {
    const { primary } = await start();
    const addresses = [primary.listenAddress!, `127.0.0.1:${redis.port}`];
    const [ours, theirs] = await Promise.all(
      addresses.map(async (address) => {
        const client = await RespClient.connect(address);
        await client.command('FLUSHALL');
        await client.command('CONFIG', 'RESETSTAT');
        await client.command(...line.split(' '));
        const missed = await countsOf(client);
        await client.command('SET', 'key', '1');
        await client.command(...line.split(' '));
        const found = await countsOf(client);
        client.close();
        return [missed, found];
      }),
    );
    expect(ours).toEqual(theirs);
  });
});

describe('CLIENT NO-TOUCH', () => {
  it('keeps a key that is set or changed as idle as it was', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const key = Buffer.from('key');
    engine.set(key, Buffer.from('1'));
    clock.pass(10_000);
    engine.kernel.exports.setMode(MODE_NO_TOUCH);
    engine.set(key, Buffer.from('22'));
    engine.set(key, Buffer.alloc(1_000));
    expect(engine.uses.idleSeconds(key)).toBe(10);
    engine.set(Buffer.from('new'), Buffer.from('1'));
    expect(engine.uses.idleSeconds(Buffer.from('new'))).toBe(0);
    engine.kernel.exports.setMode(0);
    engine.set(key, Buffer.from('3'));
    expect(engine.uses.idleSeconds(key)).toBe(0);
  });

  it('ends with RESET', async () => {
    const { primary } = await start();
    const client = await connect(primary);
    await say(client, 'CLIENT', 'NO-TOUCH', 'on');
    expect(await say(client, 'CLIENT', 'INFO')).toMatch(/ flags=T /);
    await say(client, 'RESET');
    expect(await say(client, 'CLIENT', 'INFO')).toMatch(/ flags=N /);
  });
});

describe('REPLICAOF', () => {
  it.each(['a\r\nrole:master', 'a b', '', '\u00e4', 'x'.repeat(256)])('refuses the host %j', async (host) => {
    const { primary } = await start();
    const client = await connect(primary);
    expect(await say(client, 'REPLICAOF', host, '7631')).toBe('-ERR Invalid master host');
    expect(await say(client, 'ROLE')).toContain('master');
  });
});

describe('SLOWLOG', () => {
  it('hides secrets, whichever settings they are meant for', async () => {
    const { primary } = await start();
    const client = await connect(primary);
    await say(client, 'CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    await say(client, 'CONFIG', 'SET', 'masterauth', 'hush-hush', 'timeout', '0');
    const entries = JSON.stringify(await client.command('SLOWLOG', 'GET', '10'), (_, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value,
    );
    expect(entries).toContain('(redacted)');
    expect(entries).not.toContain('hush-hush');
  });
});

describe('CLIENT LIST', () => {
  it('shows what the server keeps of a command that is not whole', async () => {
    const { primary } = await start();
    const [one, other] = await Promise.all([connect(primary), connect(primary)]);
    const lineOf = async (name: string) =>
      String(await other.command('CLIENT', 'LIST'))
        .split('\n')
        .find((line) => line.includes(` name=${name} `))!;
    await say(one, 'CLIENT', 'SETNAME', 'one');
    expect(await lineOf('one')).toMatch(/ qbuf=0 qbuf-free=0 argv-mem=0 .* rbs=0 /);
    one.write('*2\r\n$3\r\nGET\r\n$9\r\nhalf');
    await eventually(
      () => lineOf('one'),
      (line) => line.includes(' qbuf=21 '),
    );
    one.write(`_name\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$200000\r\n${'x'.repeat(100_000)}`);
    await eventually(
      () => lineOf('one'),
      (line) => / argv-mem=1000\d\d .* tot-mem=1000\d\d /.test(line),
    );
  });
});

describe('TIME', () => {
  it('has microseconds, never goes back, and agrees with the wall clock', () => {
    let ms = 1_800_000_000_000;
    let us = 777;
    const time = new UnixTime({ nowMs: () => ms, monotonicUs: () => us });
    expect(time.nowUs()).toBe(1_800_000_000_000_000);
    us += 250;
    expect(time.nowUs()).toBe(1_800_000_000_000_250);
    us += 900;
    expect(time.nowUs()).toBe(1_800_000_000_000_999);
    ms += 1;
    us += 1;
    expect(time.nowUs()).toBe(1_800_000_000_001_000);
    ms -= 5_000;
    expect(time.nowUs()).toBe(1_799_999_995_001_999);
  });
});
