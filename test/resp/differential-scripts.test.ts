/**
 * As differential.test.ts, for what would disturb random sessions: scripts, run on ours and on redis-server
 * alike.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Primary, Replica } from '../../src/index.js';
import { type Script, transcriptOf } from '../support/differential/script.js';
import { PROMISED_COMMANDS } from '../support/differential/server-commands.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { respCommand } from '../support/resp-client.js';

const PASSWORD = 'open sesame';

/** Only Redis saves, and it leaves channels in the order of a hash table. */
const UNCALLED = /^(quit|monitor|shutdown|hello|reset|auth|save|bgsave|lastsave|[sp]?(un)?subscribe)$/;
/** Names of promised commands with as many arguments as they want at the least. */
const CALLS = PROMISED_COMMANDS.filter((name) => !UNCALLED.test(name)).map((name) => [name, 'a', 'b', 'c']);

describeWith(redisServer, 'scripts are answered as by redis-server:', () => {
  let addresses: [ours: string, theirs: string];
  let locked: [ours: string, theirs: string];
  let replicas: [ours: string, theirs: string];
  const open: { close(): Promise<unknown> }[] = [];

  async function startPair(password?: string): Promise<[string, string]> {
    const ours = await Primary.start({ bind: ':0', listen: ':0', password });
    open.unshift(ours);
    const redis = await RedisServer.start(
      '--databases',
      '1',
      ...(password ? ['--requirepass', password] : []),
    );
    return [ours.listenAddress!, `127.0.0.1:${redis.port}`];
  }

  async function startReplicas(): Promise<[string, string]> {
    const primary = await Primary.start({ bind: ':0', listen: false });
    open.unshift(primary);
    const replica = await Replica.follow(primary.bindAddress, { listen: ':0' });
    open.unshift(replica);
    const redis = await RedisServer.start('--repl-diskless-sync-delay', '0');
    const follower = await RedisServer.start('--replicaof', '127.0.0.1', String(redis.port));
    const pair: [string, string] = [replica.listenAddress!, `127.0.0.1:${follower.port}`];
    const isUp = async (address: string) =>
      (
        await transcriptOf(
          address,
          async (connect) => void (await (await connect()).ask('INFO', 'replication')),
        )
      )
        .join()
        .includes('master_link_status:up');
    for (const address of pair) await eventually(() => isUp(address), Boolean);
    return pair;
  }

  beforeAll(async () => {
    [addresses, locked, replicas] = await Promise.all([startPair(), startPair(PASSWORD), startReplicas()]);
  });
  afterAll(async () => {
    for (const part of open) await part.close();
  });

  async function expectAlike([ours, theirs]: [string, string], script: Script): Promise<void> {
    const [answered, expected] = await Promise.all([
      transcriptOf(ours, script),
      transcriptOf(theirs, script),
    ]);
    expect(answered).toEqual(expected);
    expect(expected.join()).not.toContain('broken off');
  }

  const scripts: Record<string, Script> = {
    'CLIENT REPLY': async (connect) => {
      const client = await connect();
      for (const word of ['OFF', 'SKIP']) {
        client.tell('CLIENT', 'REPLY', word);
        client.tell('SET', 'a', word);
        client.tell('GET', 'a');
        client.tell('NOSUCH');
        await client.hearNothing();
        client.tell('CLIENT', 'REPLY', 'ON');
        await client.hear();
        await client.ask('GET', 'a');
      }
      client.client.write(
        Buffer.concat([
          respCommand('CLIENT', 'REPLY', 'SKIP'),
          respCommand('CLIENT', 'REPLY', 'SKIP'),
          respCommand('INCR', 'n'),
          respCommand('INCR', 'n'),
          respCommand('CLIENT', 'REPLY', 'OFF'),
          respCommand('MULTI'),
          respCommand('INCR', 'n'),
          respCommand('EXEC'),
          respCommand('RESET'),
          respCommand('GET', 'n'),
        ]),
      );
      for (let n = 0; n < 3; n++) await client.hear();
      await client.hearNothing();
    },

    'QUIT is the last command': async (connect) => {
      for (const end of [['QUIT'], ['quit', 'now'], ['MULTI']]) {
        const client = await connect();
        client.client.write(
          Buffer.concat([respCommand('SET', 'q', '1'), respCommand(...end), respCommand('QUIT')]),
        );
        client.tell('SET', 'q', '2');
        await client.hearOut();
      }
      await (await connect()).ask('GET', 'q');
    },

    'RESET forgets everything': async (connect) => {
      const [client, other] = [await connect(), await connect()];
      await client.ask('CLIENT', 'SETNAME', 'named');
      await client.ask('WATCH', 'a');
      await other.ask('SET', 'a', 'changed');
      await client.ask('MULTI');
      await client.ask('RESET');
      await client.ask('EXEC');
      await client.ask('CLIENT', 'GETNAME');
      await client.askAll('MULTI', 'GET a', 'EXEC', 'HELLO 3 SETNAME x', 'GET nosuch', 'RESET', 'GET nosuch');
    },

    'CLIENT KILL': async (connect) => {
      const [killer, ...others] = [await connect(), await connect(), await connect(), await connect()];
      const [byId, byAddress, byName] = others;
      const id = async (client: typeof killer) => (await client.client.command('CLIENT', 'ID')) as number;
      await killer.ask('CLIENT', 'KILL', 'ID', String(await id(byId!)), 'TYPE', 'normal').catch(() => {});
      await byId!.hearOut();
      const { localAddress, localPort } = byAddress!.client.socket;
      await killer.ask('CLIENT', 'KILL', `${localAddress}:${localPort}`);
      await byAddress!.hearOut();
      await byName!.ask('CLIENT', 'KILL', 'ID', String(await id(byName!)));
      await byName!.hearNothing();
      byName!.tell('CLIENT', 'KILL', 'ID', String(await id(byName!)), 'SKIPME', 'no');
      byName!.tell('PING');
      await byName!.hearOut();
      const monitor = await connect();
      await monitor.ask('MONITOR');
      await killer.ask('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await killer.ask('CLIENT', 'KILL', 'USER', 'default', 'SKIPME', 'yes');
      await monitor.client.untilClosed();
      await killer.ask('PING');
    },

    'CLIENT PAUSE': async (connect, note) => {
      const [pauser, writer, reader] = [await connect(), await connect(), await connect()];
      await pauser.ask('CLIENT', 'PAUSE', '60000', 'WRITE');
      writer.tell('SET', 'paused', 'late');
      await writer.hearNothing();
      await reader.askAll('GET paused', 'PING', 'MULTI', 'GET paused', 'EXEC');
      await reader.ask('MULTI');
      reader.tell('SET', 'paused', '2');
      await reader.hearNothing();
      await pauser.ask('CLIENT', 'UNPAUSE');
      await writer.hear();
      await reader.hear();
      await reader.ask('EXEC');
      const startedAt = performance.now();
      await pauser.ask('CLIENT', 'PAUSE', '1000');
      await reader.ask('PING');
      note(performance.now() - startedAt > 990 ? 'waited' : 'did not wait');
    },

    MONITOR: async (connect) => {
      const [monitor, client] = [await connect(), await connect()];
      const withoutTime = (text: string) => text.replace(/\d+\.\d{6}/, 'time');
      await monitor.ask('MONITOR');
      await client.askAll('PING', 'SET a b', 'get A', 'NOSUCH x', 'GET', 'INCR a', 'AUTH x', 'SELECT 0');
      await client.ask('SET', Buffer.from([0, 7, 8, 9, 10, 13, 27, 34, 92, 127, 200, 255]), 'a"b\\c\'d e');
      await client.askAll('CONFIG GET maxmemory', 'CLIENT ID x', 'MULTI', 'SET a 1', 'GET a', 'EXEC');
      await client.askAll(
        'MULTI',
        'SET a 1',
        'DISCARD',
        'WATCH a',
        'UNWATCH',
        'COMMAND COUNT x',
        'ECHO last',
      );
      client.client.write('set inline "quo\\"ted"\r\n');
      await client.hear();
      await client.ask('ECHO', 'the end');
      for (;;) {
        const { text } = await monitor.hear('sees', withoutTime);
        if (text?.includes('the end')) break;
      }
      await monitor.ask('GET', 'a');
      await monitor.ask('RESET');
      await monitor.ask('GET', 'a');
      await client.ask('SET', 'a', 'unseen');
      await monitor.hearNothing();
    },

    'keys that expire meanwhile': async (connect) => {
      const [client, other] = [await connect(), await connect()];
      await client.askAll('FLUSHALL', 'SET stays 1');
      const short = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => `SET ${key} 1 PX 1000`);
      await client.askAtOnce(...short, 'WATCH a', 'GET a', 'EXISTS b', 'SET c 2 KEEPTTL');
      await sleep(1_300);
      await client.askAll('MULTI', 'GET stays', 'EXEC', 'WATCH b', 'MULTI', 'GET stays', 'EXEC');
      await other.askAll('GET a', 'TTL b', 'PTTL c', 'RENAME d stays', 'COPY e stays REPLACE', 'SET f 1 XX');
      await other.askAll('GETEX f', 'GETDEL f', 'INCR g', 'TTL g', 'PERSIST b', 'EXPIRE b 100', 'TYPE b');
      await other.askAll('OBJECT ENCODING b', 'TOUCH a b c', 'DEL a b c', 'MGET a b c d e', 'EXPIRETIME b');
      await other.askAll(
        'KEYS s*',
        'DBSIZE',
        'APPEND e x',
        'SETRANGE d 1 x',
        'BITCOUNT c',
        'LCS a b',
        'STRLEN b',
      );
    },

    'keys that are set to a time that is over': async (connect) => {
      const client = await connect();
      await client.askAll(
        'FLUSHALL',
        'SET a 1 PXAT 1',
        'GET a',
        'SET a 1',
        'EXPIREAT a 1',
        'GET a',
        'DBSIZE',
      );
      await client.askAll('SET a 1', 'PEXPIRE a -1', 'EXISTS a', 'SET a 1', 'GETEX a EXAT 1', 'GET a');
      await client.askAll('SET a 1', 'MULTI', 'SET a 2 EXAT 1', 'GET a', 'EXISTS a', 'EXEC');
    },

    'OBJECT tells of what SET has stored': async (connect) => {
      const client = await connect();
      const values = ['1', '-5', '9223372036854775807', '9223372036854775808', '01', '1.5', '', 'text'];
      for (const value of [
        ...values,
        'x'.repeat(44),
        'x'.repeat(45),
        '9'.repeat(20),
        '-9223372036854775808',
      ]) {
        await client.ask('SET', 'object', value);
        await client.ask('OBJECT', 'ENCODING', 'object');
      }
      await client.askAtOnce('SET object text', 'OBJECT IDLETIME object', 'OBJECT REFCOUNT object');
      await sleep(2_100);
      await client.askAtOnce(
        'GET object',
        'OBJECT IDLETIME object',
        'OBJECT FREQ object',
        'OBJECT IDLETIME nosuch',
      );
    },

    'WAIT without replicas': async (connect, note) => {
      const client = await connect();
      await client.askAll('SET a 1', 'WAIT 0 0', 'WAIT 0 100');
      const startedAt = performance.now();
      await client.ask('WAIT', '1', '150');
      note(performance.now() - startedAt >= 140 ? 'waited' : 'did not wait');
      await client.askAll('MULTI', 'SET a 2', 'WAIT 1 0', 'EXEC');
    },

    'no memory left': async (connect) => {
      const [client, admin] = [await connect(), await connect()];
      await client.askAll('SET a 1', 'SET n 1', 'MULTI', 'SET a 2');
      await admin.ask('CONFIG', 'SET', 'maxmemory', '1');
      await client.askAll('SET a 3', 'EXEC', 'GET a');
      for (const name of [
        'SET',
        'GETSET',
        'APPEND',
        'SETNX',
        'MSET',
        'COPY',
        'RENAME',
        'EXPIRE',
        'LCS',
        'MSETNX',
      ])
        await client.ask(name, 'a', '100');
      await client.askAll(
        'INCR n',
        'INCRBYFLOAT n 1',
        'SETBIT a 1 1',
        'SETRANGE a 1 x',
        'GETDEL a',
        'GETEX n',
      );
      await client.askAll(
        'DEL a',
        'PERSIST n',
        'TTL n',
        'SETEX a 1 x',
        'PSETEX a 1 x',
        'EXISTS n',
        'TOUCH n',
      );
      await client.askAll(
        'MULTI',
        'GET a',
        'EXEC',
        'MULTI',
        'SET a 1',
        'EXEC',
        'UNLINK n',
        'WATCH a',
        'UNWATCH',
      );
      await admin.ask('CONFIG', 'SET', 'maxmemory', '0');
      await client.askAll('SET a 4', 'GET a');
    },

    'DEBUG, SHUTDOWN and REPLICAOF as far as they may be asked': async (connect) => {
      const client = await connect();
      await client.askAll(
        'DEBUG SLEEP 0',
        'DEBUG SEGFAULT',
        'SHUTDOWN FOO',
        'SHUTDOWN ABORT',
        'SHUTDOWN SAVE NOSAVE',
      );
      await client.askAll('MULTI', 'SHUTDOWN', 'DEBUG JMAP', 'EXEC', 'REPLICAOF NO ONE', 'SLAVEOF no one');
      await client.askAll('BGREWRITEAOF foo', 'COMMAND INFO BGREWRITEAOF');
      await client.askAll('REPLICAOF localhost 0x', 'REPLICAOF localhost 70000', 'REPLICAOF localhost');
    },
  };

  for (const [name, script] of Object.entries(scripts)) {
    it(name, () => expectAlike(addresses, script));
  }

  it.each([2, 3])('before the password, every command in RESP%i', async (protocol) => {
    await expectAlike(locked, async (connect) => {
      const client = await connect();
      for (const call of CALLS) await client.ask(...call);
      await client.askAll(
        'NOSUCH',
        'GET',
        'MULTI',
        'EXEC',
        'RESET',
        `HELLO ${protocol}`,
        'AUTH a b c',
        'AUTH nope',
      );
      await client.ask('AUTH', 'default', 'nope');
      await client.ask('HELLO', String(protocol), 'AUTH', 'default', 'nope');
      await client.ask('HELLO', '9', 'AUTH', 'default', PASSWORD);
      await client.ask('HELLO', String(protocol), 'AUTH', 'default', PASSWORD, 'SETNAME', 'known');
      await client.askAll('CLIENT GETNAME', 'GET nosuch', 'RESET', 'GET nosuch', 'AUTH nope');
      await client.ask('AUTH', PASSWORD);
      await client.ask('PING');
      client.tell('QUIT');
      await client.hearOut();
    });
  });

  describe('on a replica', () => {
    it('writes are refused, reads are not', () =>
      expectAlike(replicas, async (connect) => {
        const client = await connect();
        const unlike = /^(client|command|config|debug|info|memory|monitor|replicaof|role|slaveof|time|wait)$/;
        // Redis leaves channels in the order of a table.
        const isCompared = (name: string) => !unlike.test(name) && !name.endsWith('subscribe');
        for (const call of CALLS.filter(([name]) => isCompared(name!))) {
          for (let count = 1; count <= call.length; count++) await client.ask(...call.slice(0, count));
        }
        await client.askAll('RESET', 'MULTI', 'GET a', 'EXEC', 'MULTI', 'SET a 1', 'GET a', 'EXEC', 'GET a');
        await client.askAll('WAIT 0 0', 'DBSIZE', 'FLUSHALL', 'FLUSHDB', 'CONFIG GET replica-read-only');
      }));
  });
});
