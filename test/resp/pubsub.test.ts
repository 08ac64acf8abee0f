/**
 * Channels: the messages that each subscriber is sent, and when; its allowed commands; the end of one that
 * does not read.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Primary } from '../../src/index.js';
import { connect, say, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient, respCommand } from '../support/resp-client.js';
import { parseWire, showWire } from '../support/resp-wire.js';

/** The next reply or message, as it is for people. */
async function next(client: RespClient): Promise<string> {
  return showWire(parseWire(await client.rawReply()));
}

async function ask(client: RespClient, line: string): Promise<string> {
  client.write(respCommand(...line.split(' ')));
  return next(client);
}

async function connected(primary: Primary, protocol: '2' | '3' = '2'): Promise<RespClient> {
  const client = await connect(primary);
  await ask(client, `HELLO ${protocol}`);
  return client;
}

describeWith(redisServer, 'as redis-server, so does a primary answer:', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  const scripts = [
    'SUBSCRIBE a b a|PING|PING hello|UNSUBSCRIBE b|UNSUBSCRIBE nosuch|UNSUBSCRIBE|PING|GET a',
    'SUBSCRIBE a|PSUBSCRIBE p* q|SSUBSCRIBE s|PUNSUBSCRIBE q|SUNSUBSCRIBE|UNSUBSCRIBE|PUNSUBSCRIBE|PING',
    'UNSUBSCRIBE|PUNSUBSCRIBE|SUNSUBSCRIBE|UNSUBSCRIBE a|PUNSUBSCRIBE a b|SUNSUBSCRIBE a',
    'SUBSCRIBE a|GET a|DEL a|PUBLISH b 1|MULTI|EXEC|NOSUCH|SUBSCRIBE|UNSUBSCRIBE|GET a',
    'SUBSCRIBE a|CONFIG SET timeout 0|INFO nosuch|ECHO x|SELECT 0|EVAL return(1) 0|MULTI|EXEC',
    'SUBSCRIBE a|PING a b|RESET|PING|GET a',
    'SSUBSCRIBE s|GET a|PSUBSCRIBE|SUNSUBSCRIBE s|GET a',
    'MULTI|SUBSCRIBE a|PSUBSCRIBE p|SSUBSCRIBE s|UNSUBSCRIBE a|PUNSUBSCRIBE|EXEC|PING',
    'MULTI|SUBSCRIBE a|PING|EXEC|PING|GET a',
    'PUBLISH a 1|SPUBLISH a 1|PUBLISH a|PUBLISH a 1 2|SUBSCRIBE|SSUBSCRIBE|PSUBSCRIBE',
    'PUBSUB CHANNELS|PUBSUB NUMPAT|PUBSUB NUMSUB|PUBSUB NUMSUB a b|PUBSUB SHARDCHANNELS|PUBSUB SHARDNUMSUB x',
    'PUBSUB|PUBSUB NOSUCH|PUBSUB CHANNELS a b|PUBSUB NUMPAT a|PUBSUB SHARDCHANNELS a b|PUBSUB HELP',
    'EVAL_RO return(redis.pcall("PUBLISH","a","1")) 0|EVAL return(redis.pcall("PUBLISH","a","1")) 0',
    'EVAL return(redis.pcall("SUBSCRIBE","a")) 0|EVAL return(redis.pcall("SPUBLISH","a","1")) 0',
    'COMMAND GETKEYS SSUBSCRIBE a b|COMMAND GETKEYS SUBSCRIBE a b|COMMAND GETKEYS SPUBLISH a b',
    'SUBSCRIBE a|QUIT',
  ];
  it.each(scripts)('%s', async (script) => {
    const { primary } = await start();
    for (const protocol of ['2', '3']) {
      const lines = script.split('|').map((line) => respCommand(...line.split(' ')));
      const [ours, theirs] = await Promise.all(
        [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(async (address) => {
          const client = await RespClient.connect(address);
          await ask(client, `HELLO ${protocol}`);
          client.write(Buffer.concat([...lines, respCommand('RESET'), respCommand('QUIT')]));
          return (await client.untilClosed()).toString('latin1');
        }),
      );
      expect(ours).toBe(theirs);
    }
  });

  it.each(['2', '3'])('messages to channels, patterns and shard channels in RESP%s', async (protocol) => {
    const { primary } = await start();
    const told = await Promise.all(
      [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(async (address) => {
        const subscriber = await RespClient.connect(address);
        const publisher = await RespClient.connect(address);
        await ask(subscriber, `HELLO ${protocol}`);
        const lines: string[] = [];
        for (const line of ['SUBSCRIBE news', 'PSUBSCRIBE n*', 'PSUBSCRIBE ne[vw]s', 'SSUBSCRIBE news']) {
          lines.push(await ask(subscriber, line));
        }
        const published = [
          ['news', 'hello'],
          ['news', ''],
          ['none', 'a\r\nb\0'],
          ['other', 'x'],
          ['N', 'x'],
        ];
        for (const [channel, payload] of published) {
          lines.push(String(await publisher.command('PUBLISH', channel!, payload!)));
          lines.push(String(await publisher.command('SPUBLISH', channel!, payload!)));
        }
        lines.push(await ask(publisher, 'PUBSUB CHANNELS'), await ask(publisher, 'PUBSUB CHANNELS n?ws'));
        lines.push(
          await ask(publisher, 'PUBSUB CHANNELS x'),
          await ask(publisher, 'PUBSUB NUMSUB news x news'),
        );
        lines.push(await ask(publisher, 'PUBSUB NUMPAT'), await ask(publisher, 'PUBSUB SHARDNUMSUB news'));
        lines.push(await ask(publisher, 'PUBSUB SHARDCHANNELS ne*'));
        const messages: string[] = [];
        for (let count = 0; count < 9; count += 1) messages.push(await next(subscriber));
        for (const client of [subscriber, publisher]) client.close();
        // Redis walks the patterns in the order of a hash table.
        return [lines, messages.slice(0, 1), messages.sort()];
      }),
    );
    expect(told[0]).toEqual(told[1]);
  });
});

describe('a message', () => {
  it('follows the reply to the command that its receiver is having run, and the whole of EXEC', async () => {
    const { primary } = await start();
    const client = await connected(primary, '3');
    await ask(client, 'SUBSCRIBE a');
    client.write(
      Buffer.concat(
        ['PUBLISH a 1', 'MULTI', 'PUBLISH a 2', 'PING', 'EXEC', 'PING'].map((line) =>
          respCommand(...line.split(' ')),
        ),
      ),
    );
    const told: string[] = [];
    for (let count = 0; count < 8; count += 1) told.push(await next(client));
    expect(told).toEqual([
      ':1',
      '>3[$"message" $"a" $"1"]',
      '+OK',
      '+QUEUED',
      '+QUEUED',
      '*2[:1 +PONG]',
      '>3[$"message" $"a" $"2"]',
      '+PONG',
    ]);
  });

  it('comes whatever CLIENT REPLY says, and so do the answers to SUBSCRIBE', async () => {
    const { primary } = await start();
    const client = await connected(primary, '3');
    client.write(Buffer.concat([respCommand('CLIENT', 'REPLY', 'OFF'), respCommand('SUBSCRIBE', 'a', 'b')]));
    expect([await next(client), await next(client)]).toEqual([
      '>3[$"subscribe" $"a" :1]',
      '>3[$"subscribe" $"b" :2]',
    ]);
    client.write(respCommand('PUBLISH', 'a', '1'));
    expect(await next(client)).toBe('>3[$"message" $"a" $"1"]');
  });

  it('comes in the protocol that its receiver has by then', async () => {
    const { primary } = await start();
    const client = await connected(primary, '3');
    const publisher = await connect(primary);
    await ask(client, 'SUBSCRIBE a');
    await ask(client, 'HELLO 2');
    await say(publisher, 'PUBLISH', 'a', '1');
    expect(await next(client)).toBe('*3[$"message" $"a" $"1"]');
  });

  it('of a script goes out with it, and waits for the end of a CLIENT PAUSE', async () => {
    const { primary } = await start();
    const client = await connected(primary);
    const publisher = await connect(primary);
    await ask(client, 'SUBSCRIBE a');
    expect(await say(publisher, 'EVAL', "return redis.call('PUBLISH', 'a', ARGV[1])", '0', 'x')).toBe('1');
    expect(await next(client)).toBe('*3[$"message" $"a" $"x"]');
    const another = await connect(primary);
    await say(publisher, 'CLIENT', 'PAUSE', '100000', 'WRITE');
    const answer = say(another, 'PUBLISH', 'a', 'y');
    await say(publisher, 'PING');
    expect(client.unreadBytes).toBe(0);
    await say(publisher, 'CLIENT', 'UNPAUSE');
    expect(await answer).toBe('1');
    expect(await next(client)).toBe('*3[$"message" $"a" $"y"]');
  });
});

describe('a subscriber', () => {
  it('is of the type pubsub, and has its counts in CLIENT LIST, until it leaves all channels', async () => {
    const { primary } = await start();
    const client = await connected(primary, '3');
    const other = await connect(primary);
    await ask(client, 'SUBSCRIBE a');
    await ask(client, 'PSUBSCRIBE p');
    await ask(client, 'SSUBSCRIBE s');
    expect(await say(other, 'CLIENT', 'LIST', 'TYPE', 'pubsub')).toMatch(
      / flags=P db=0 sub=1 psub=1 ssub=1 /,
    );
    expect(await say(other, 'CLIENT', 'LIST', 'TYPE', 'normal')).toMatch(/^[^\n]* flags=N [^\n]*\n$/);
    expect(await ask(client, 'RESET')).toBe('+RESET');
    expect(await ask(client, 'CLIENT INFO')).toMatch(/ flags=N db=0 sub=0 psub=0 ssub=0 /);
    expect(await say(other, 'PUBLISH', 'a', '1')).toBe('0');
    await ask(client, 'SUBSCRIBE a');
    expect(await say(other, 'CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe('1');
    await client.untilClosed();
    expect(await say(other, 'PUBSUB', 'NUMSUB', 'a')).toBe('a,0');
  });

  it('that does not read is closed at its hard limit, and harms nobody', async () => {
    const { primary, warnings } = await start();
    const client = await connected(primary);
    const publisher = await connect(primary);
    await say(publisher, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 0 0');
    await ask(client, 'SUBSCRIBE a');
    client.socket.pause();
    const payload = 'x'.repeat(100_000);
    for (let sent = 0; sent < 5_000 && warnings.length === 0; sent += 1) {
      await say(publisher, 'PUBLISH', 'a', payload);
    }
    expect(warnings[0]).toMatch(/ is closed: \d+ bytes wait for it \(client-output-buffer-limit: 1048576,/);
    client.close();
    expect(await say(publisher, 'PUBLISH', 'a', payload)).toBe('0');
  });

  it('that does not read is closed above its soft limit after a while', async () => {
    const { primary, warnings } = await start();
    const client = await connected(primary);
    const publisher = await connect(primary);
    await say(publisher, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 64kb 1');
    await ask(client, 'SUBSCRIBE a');
    client.socket.pause();
    // The system takes some megabytes before anything waits here.
    await say(publisher, 'PUBLISH', 'a', 'x'.repeat(32 * 1024 * 1024));
    expect(warnings).toEqual([]);
    client.socket.on('close', () => {});
    while (warnings.length === 0) await say(publisher, 'PING');
    expect(warnings[0]).toMatch(/or 65536 for 1 s\)/);
  });

  it('may not be subscribed to more than its query buffer has bytes for', async () => {
    const { primary } = await start();
    const client = await connected(primary);
    const other = await connect(primary);
    await say(other, 'CONFIG', 'SET', 'client-query-buffer-limit', '1mb');
    const names = Array.from({ length: 4_000 }, (_, n) => `channel ${n}`);
    const answer = await client.command('SUBSCRIBE', ...names);
    expect(answer).toBe('-ERR the subscriptions are larger than the query buffer may be');
    expect(await say(other, 'PUBSUB', 'CHANNELS')).toBe('');
  });

  it('is not closed for being idle', async () => {
    const { primary } = await start();
    const client = await connected(primary);
    const other = await connected(primary);
    await ask(client, 'SUBSCRIBE a');
    await ask(other, 'CONFIG SET timeout 1');
    await other.untilClosed();
    expect(await ask(client, 'PING')).toBe('*2[$"pong" $""]');
  });
});
