/**
 * Keyspace notifications: the same commands lead to the same events as on redis-server, in the same order;
 * expiry, eviction and replicas; and nothing is noted for nobody.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Primary } from '../../src/index.js';
import { parseEventClasses } from '../../src/resp/keyspace-event-classes.js';
import { KeyspaceEvents } from '../../src/resp/keyspace-events.js';
import { PubSub } from '../../src/resp/pubsub/pubsub.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, startPrimary } from '../support/library.js';
import { connect, say, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { RandomSource } from '../support/random.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';
import { ServerHost } from '../support/server-host.js';
import { VirtualWorld } from '../support/virtual-world.js';

type Command = readonly string[];

const END = '__keyevent@0__:end';

/** A server's subscriber of all events of these classes. */
class Listener {
  readonly #subscriber: RespClient;
  readonly #client: RespClient;

  private constructor(subscriber: RespClient, client: RespClient) {
    this.#subscriber = subscriber;
    this.#client = client;
  }

  static async on(address: string, classes: string): Promise<Listener> {
    const [subscriber, client] = [await RespClient.connect(address), await RespClient.connect(address)];
    expect(await client.command('CONFIG', 'SET', 'notify-keyspace-events', classes)).toBe('+OK');
    await subscriber.command('PSUBSCRIBE', '__key*__:*');
    return new Listener(subscriber, client);
  }

  /** The events of these commands, in order: the channel behind its `__`, and the message. */
  async eventsOf(commands: readonly Command[]): Promise<string[]> {
    for (let at = 0; at < commands.length; at += 100)
      await this.#client.pipeline(commands.slice(at, at + 100));
    await this.#client.command('PUBLISH', END, '');
    return this.untilEnd();
  }

  async untilEnd(): Promise<string[]> {
    const events: string[] = [];
    for (;;) {
      const [, , channel, message] = ((await this.#subscriber.reply()) as Buffer[]).map(String);
      if (channel === END) return events;
      events.push(`${channel!.replace(/^__key(.*)@0__/, '$1')} ${message}`);
    }
  }

  close(): void {
    this.#subscriber.close();
    this.#client.close();
  }
}

/** Commands of all families on few keys, so that most find what others have left. */
function randomCommands(seed: number, count: number): Command[] {
  const random = new RandomSource(seed);
  const of = <T>(items: readonly T[]): T => random.pick(items);
  const key = () => of(['a', 'b', 'c', 'd', '\xff\0']);
  const value = () => of(['1', '25', 'text', '', '3.5']);
  const expiry = () => of([['EX', '100'], ['PX', '100000'], ['EXAT', '9000000000'], ['KEEPTTL'], []]);
  const makers: (() => Command)[] = [
    () => ['SET', key(), value(), ...expiry(), ...of([[], ['NX'], ['XX'], ['GET']])],
    () => ['GET', key()],
    () => ['MGET', key(), key(), key()],
    () => ['MSET', key(), value(), key(), value()],
    () => ['MSETNX', key(), value(), key(), value()],
    () => [of(['DEL', 'UNLINK']), key(), key()],
    () => [of(['EXISTS', 'TOUCH']), key(), key()],
    () => [of(['INCR', 'DECR', 'STRLEN', 'TTL', 'PTTL', 'TYPE', 'GETDEL', 'PERSIST', 'EXPIRETIME']), key()],
    () => [of(['INCRBY', 'DECRBY', 'INCRBYFLOAT', 'APPEND', 'GETSET', 'SETNX']), key(), value()],
    () => ['SETRANGE', key(), of(['0', '3']), of(['x', ''])],
    () => ['GETRANGE', key(), '0', '2'],
    () => ['SETBIT', key(), of(['0', '9']), of(['0', '1'])],
    () => [of(['GETBIT', 'OBJECT']), ...of([['ENCODING'], []]), key(), '3'],
    () => ['BITCOUNT', key()],
    () => [of(['EXPIRE', 'PEXPIRE']), key(), of(['100000', '0', '-1']), ...of([[], ['NX'], ['XX']])],
    () => [of(['EXPIREAT', 'PEXPIREAT']), key(), of(['1', '9000000000000'])],
    () => [of(['RENAME', 'RENAMENX']), key(), key()],
    () => ['COPY', key(), key(), ...of([[], ['REPLACE']])],
    () => ['GETEX', key(), ...of([[], ['PERSIST'], ['EX', '100'], ['PXAT', '1'], ['EXAT', '9000000000']])],
    () => [of(['SETEX', 'PSETEX']), key(), '100000', value()],
    () => [
      'EVAL',
      "redis.call('SET', KEYS[1], '1', 'EX', 10); return redis.call('INCR', KEYS[2])",
      '2',
      key(),
      key(),
    ],
    () => ['LCS', key(), key()],
    () => of([['MULTI'], ['EXEC'], ['FLUSHALL'], ['RANDOMKEY'], ['DBSIZE']]),
  ];
  const commands = Array.from({ length: count }, () => of(makers)());
  return [...commands, ['DISCARD']];
}

describeWith(redisServer, 'beside redis-server', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start('--databases', '1');
  });

  async function eventsOnBoth(classes: string, commands: readonly Command[]): Promise<string[][]> {
    const { primary } = await start();
    return Promise.all(
      [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(async (address) => {
        const listener = await Listener.on(address, classes);
        const events = await listener.eventsOf([['FLUSHALL'], ...commands]);
        listener.close();
        return events;
      }),
    );
  }

  it.each([1, 2, 3, 4])(
    'the same commands lead to the same events in the same order (seed %i)',
    async (seed) => {
      const [ours, theirs] = await eventsOnBoth('KEAmn', randomCommands(seed, 1_500));
      expect(theirs!.length).toBeGreaterThan(1_000);
      expect(ours).toEqual(theirs);
    },
  );

  it.each(['Kg', 'E$', 'Ex', 'Kn', 'Km', 'KEg$', 'Alshtzd', 'K', 'E', 'A', ''])(
    'only the events of the chosen classes are published: %j',
    async (classes) => {
      const [ours, theirs] = await eventsOnBoth(classes, randomCommands(5, 300));
      expect(ours).toEqual(theirs);
    },
  );

  it('CONFIG takes and shows the letters alike', async () => {
    const { primary } = await start();
    const told = await Promise.all(
      [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(async (address) => {
        const client = await RespClient.connect(address);
        const answers: string[] = [];
        for (const letters of [
          '',
          'KEA',
          'AKE',
          'nA',
          'mxK',
          'Kx$g',
          'g$lshzxetd',
          'KAn',
          'Q',
          'K E',
          'nmEK',
        ]) {
          answers.push(await say(client, 'CONFIG', 'SET', 'notify-keyspace-events', letters));
          answers.push(await say(client, 'CONFIG', 'GET', 'notify-keyspace-events'));
        }
        client.close();
        return answers;
      }),
    );
    expect(told[0]).toEqual(told[1]);
  });
});

async function listening(primary: Primary, classes = 'KEA'): Promise<Listener> {
  return Listener.on(primary.listenAddress!, classes);
}

describe('keyspace events', () => {
  it('are noted only while somebody is subscribed to anything', () => {
    const pubsub = new PubSub(() => false);
    const { timers } = new VirtualWorld().seams;
    const settings = { eventClasses: parseEventClasses('KEA')!, onChange: () => {} };
    const events = new KeyspaceEvents({ timers, pubsub, settings });
    const wanted: boolean[] = [];
    events.attach({ notes: { take: () => {}, want: (notes) => wanted.push(notes !== 0) } });
    const client = new ServerHost().newClient();
    pubsub.subscribe(client, 'channels', 'any');
    expect(events.isOn).toBe(true);
    pubsub.forget(client);
    expect(events.isOn).toBe(false);
    expect(wanted).toEqual([false, true, false]);
  });

  it('of keys that expire come from the sweep, without anybody who reads them', async () => {
    const { primary } = await start({ notifyKeyspaceEvents: 'Ex' });
    const subscriber = await connect(primary);
    await subscriber.command('SUBSCRIBE', '__keyevent@0__:expired');
    await say(await connect(primary), 'SET', 'key', 'v', 'PX', '1');
    expect(String(await subscriber.reply())).toBe('message,__keyevent@0__:expired,key');
  });

  it('name the keys that are evicted', async () => {
    const { primary } = await start({ eviction: 'allkeys-random', maxMemoryBytes: 2 * 1024 * 1024 });
    const listener = await listening(primary, 'Ee');
    const value = 'x'.repeat(10_000);
    const events = await listener.eventsOf(Array.from({ length: 400 }, (_, n) => ['SET', `key:${n}`, value]));
    expect(events.length).toBeGreaterThan(100);
    expect(events.every((event) => /^event:evicted key:\d+$/.test(event))).toBe(true);
    listener.close();
  });

  it('come in the order of commands and messages, in a pipeline and in a transaction', async () => {
    const { primary } = await start({ notifyKeyspaceEvents: 'KEA' });
    const subscriber = await connect(primary);
    await subscriber.command('PSUBSCRIBE', '*');
    const client = await connect(primary);
    await client.pipeline([
      ['SET', 'a', '1'],
      ['PUBLISH', 'between', '1'],
      ['INCR', 'a'],
      ['MULTI'],
      ['DEL', 'a'],
      ['PUBLISH', 'between', '2'],
      ['EXEC'],
    ]);
    const channels = (await subscriber.replies(8)).map((reply) => String((reply as Buffer[])[2]));
    expect(channels.filter((channel) => !channel.startsWith('__keyspace'))).toEqual([
      '__keyevent@0__:set',
      'between',
      '__keyevent@0__:incrby',
      '__keyevent@0__:del',
      'between',
    ]);
  });

  it('of a replica are its own: what comes is written, deleted or has expired', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const replica = await follow(primary.bindAddress, { listen: ':0', notifyKeyspaceEvents: 'EA' });
    await isCaughtUp({ primary, replica });
    const subscriber = await clientOf(replica.listenAddress);
    await subscriber.command('PSUBSCRIBE', '__keyevent*');
    const client = await clientOf(primary.listenAddress);
    const commands = [
      ['SET', 'a', '1'],
      ['SET', 'a', '2', 'EX', '100'],
      ['INCR', 'a'],
      ['EXPIRE', 'a', '200'],
      ['PERSIST', 'a'],
      ['DEL', 'a'],
      ['SET', 'b', '1', 'PX', '1'],
    ];
    for (const command of commands) await client.command(...command);
    const told = (await subscriber.replies(10)).map((reply) =>
      (reply as Buffer[]).slice(2).map(String).join(' '),
    );
    expect(told.map((line) => line.replace('__keyevent@0__:', ''))).toEqual(
      ['set a', 'set a', 'expire a', 'set a', 'expire a', 'persist a', 'del a'].concat([
        'set b',
        'expire b',
        'expired b',
      ]),
    );
    expect(await client.command('CONFIG', 'GET', 'notify-keyspace-events')).toEqual([
      Buffer.from('notify-keyspace-events'),
      Buffer.from(''),
    ]);
  });

  it('go on with the store that a snapshot has replaced', async () => {
    const first = await startPrimary();
    first.set('a', '1');
    const second = await startPrimary({ listen: ':0' });
    const replica = await follow(first.bindAddress, { listen: ':0', notifyKeyspaceEvents: 'EA' });
    await isCaughtUp({ primary: first, replica });
    const subscriber = await clientOf(replica.listenAddress);
    await subscriber.command('PSUBSCRIBE', '__keyevent*');
    const { port } = new URL(`http://${second.bindAddress}`);
    const replaced = new Promise((resolve) => replica.on('live', resolve));
    await (await clientOf(replica.listenAddress)).command('REPLICAOF', '127.0.0.1', port);
    await replaced;
    await (await clientOf(second.listenAddress)).command('SET', 'b', '1');
    expect(String(await subscriber.reply())).toBe('pmessage,__keyevent*,__keyevent@0__:set,b');
  });
});
