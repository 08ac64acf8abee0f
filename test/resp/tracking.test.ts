/**
 * CLIENT TRACKING: the invalidations that clients are sent that keep keys, their place among the replies, and
 * for whom.
 */
import { describe, expect, it } from 'vitest';
import type { Primary } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { follow, startPrimary } from '../support/library.js';
import { connect, say, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RandomSource } from '../support/random.js';
import { answersTo } from '../support/raw-answers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { type RespClient, respCommand } from '../support/resp-client.js';
import { parseWire, showWire } from '../support/resp-wire.js';

/** A client of RESP3, whose replies and messages are read as they come. */
class Cache {
  readonly client: RespClient;

  constructor(client: RespClient) {
    this.client = client;
  }

  send(...commands: (string | string[])[]): void {
    const words = commands.map((command) => (typeof command === 'string' ? command.split(' ') : command));
    this.client.write(Buffer.concat(words.map((args) => respCommand(...args))));
  }

  /** The next replies and messages, for people. */
  async next(count: number): Promise<string[]> {
    const shown: string[] = [];
    while (shown.length < count) shown.push(showWire(parseWire(await this.client.rawReply())));
    return shown;
  }

  /** Returns the answer to one command; nothing else may have come before. */
  async ask(...command: string[]): Promise<string> {
    this.send(command.length === 1 ? command[0]! : command);
    return (await this.next(1))[0]!;
  }

  async id(): Promise<string> {
    return (await this.ask('CLIENT ID')).slice(1);
  }
}

async function cacheOf(
  primary: { listenAddress: string | undefined },
  ...tracking: string[]
): Promise<Cache> {
  const cache = new Cache(await connect(primary));
  await cache.ask('HELLO 3');
  if (tracking.length > 0) expect(await cache.ask(`CLIENT TRACKING ${tracking.join(' ')}`)).toBe('+OK');
  return cache;
}

const invalid = (...keys: string[]) =>
  `>2[$"invalidate" *${keys.length}[${keys.map((key) => `$${JSON.stringify(key)}`).join(' ')}]]`;
const INVALID_ALL = '>2[$"invalidate" _nil]';

describe('a client that tracks what it reads', () => {
  it('hears of a change by another once, and again when it has read the key again', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON'), await connect(primary)];
    expect(await cache.ask('GET k')).toBe('_nil');
    for (const value of ['1', '2']) {
      await say(other, 'SET', 'k', value);
      await say(other, 'SET', 'k', value);
      expect(await cache.next(1)).toEqual([invalid('k')]);
      expect(await cache.ask('GET k')).toBe(`$"${value}"`);
    }
    await say(other, 'DEL', 'k');
    expect(await cache.next(1)).toEqual([invalid('k')]);
    expect(await cache.ask('PING')).toBe('+PONG');
  });

  it('hears of its own changes behind the reply to each, in the kernel and outside', async () => {
    const { primary } = await start();
    const cache = await cacheOf(primary, 'ON');
    cache.send('GET k', 'SET k 1', 'GET k', 'SETRANGE k 0 2', 'GET k', 'GETDEL k', 'PING');
    expect(await cache.next(10)).toEqual([
      '_nil',
      '+OK',
      invalid('k'),
      '$"1"',
      ':1',
      invalid('k'),
      '$"2"',
      '$"2"',
      invalid('k'),
      '+PONG',
    ]);
  });

  it.each([
    ['GETRANGE k 0 1'],
    ['GETBIT k 0'],
    ['BITCOUNT k'],
    ['LCS k j'],
    ['TYPE k'],
    ['EXPIRETIME k'],
    ['OBJECT ENCODING k'],
    ['MGET j k'],
    ['EXISTS j k'],
  ])('hears of a key that it has read by %s', async (command) => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON'), await connect(primary)];
    await say(other, 'SET', 'k', 'v');
    await cache.ask(command);
    await say(other, 'SET', 'k', 'w');
    expect(await cache.next(1)).toEqual([invalid('k')]);
  });

  it.each([
    ['SET k v'],
    ['GETSET k v'],
    ['GETEX k'],
    ['GETDEL k'],
    ['SCAN 0'],
    ['KEYS k'],
    ['WATCH k'],
    ['DBSIZE'],
  ])('does not track by %s', async (command) => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON'), await connect(primary)];
    await say(other, 'SET', 'k', 'v');
    await cache.ask(command);
    await say(other, 'SET', 'k', 'w');
    expect(await cache.ask('PING')).toBe('+PONG');
  });

  it('hears behind the whole reply of EXEC and of a script', async () => {
    const { primary } = await start();
    const cache = await cacheOf(primary, 'ON');
    await cache.ask('SCRIPT LOAD return');
    await cache.ask('GET k');
    cache.send('MULTI', 'INCR k', 'GET k', 'EXEC', ['EVAL', "redis.call('incr', 'k'); return 'done'", '0']);
    expect(await cache.next(7)).toEqual([
      '+OK',
      '+QUEUED',
      '+QUEUED',
      '*2[:1 $"1"]',
      invalid('k'),
      '$"done"',
      invalid('k'),
    ]);
  });

  it('tracks all declared keys of a script once that has read any', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON'), await connect(primary)];
    await cache.ask('EVAL', "redis.call('set', KEYS[1], 1)", '2', 'a', 'b');
    await say(other, 'MSET', 'a', '1', 'b', '1');
    await cache.ask('EVAL_RO', "return redis.call('get', 'c')", '2', 'a', 'b');
    await say(other, 'MSET', 'a', '1', 'b', '1', 'c', '1');
    expect((await cache.next(2)).sort()).toEqual([invalid('a'), invalid('b')]);
    expect(await cache.ask('PING')).toBe('+PONG');
  });

  it('hears of expiry and eviction', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON', 'NOLOOP'), await connect(primary)];
    cache.send('SET k v PX 30', 'GET k', 'SET j v', 'GET j');
    expect(await cache.next(5)).toEqual(['+OK', '$"v"', '+OK', '$"v"', invalid('k')]);
    await say(other, 'CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'allkeys-random');
    expect(await cache.next(1)).toEqual([invalid('j')]);
  });

  it('hears of an eviction before the reply to the command for which it was evicted', async () => {
    const { primary } = await start();
    const cache = await cacheOf(primary, 'ON');
    const other = await connect(primary);
    await say(other, 'CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl');
    cache.send('SET k v EX 1000', 'GET k', ['SETRANGE', 'big', '300000', 'x']);
    await cache.next(3);
    await say(other, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '100kb');
    cache.send('CONFIG SET maxmemory-policy volatile-ttl', 'GETBIT big 0');
    expect(await cache.next(3)).toEqual(['+OK', invalid('k'), ':0']);
  });

  it('is told to forget everything at FLUSHALL, its own behind the reply', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON'), await connect(primary)];
    cache.send('SET k 1', 'GET k');
    await cache.next(2);
    await say(other, 'FLUSHALL');
    expect(await cache.next(1)).toEqual([INVALID_ALL]);
    cache.send('GET k', 'FLUSHDB', 'PING');
    expect(await cache.next(4)).toEqual(['_nil', '+OK', INVALID_ALL, '+PONG']);
    await say(other, 'SET', 'k', '2');
    expect(await cache.ask('PING')).toBe('+PONG');
  });

  it('is sent invalidations although CLIENT REPLY is off, and none in RESP2', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON'), await connect(primary)];
    await cache.ask('GET k');
    cache.send('CLIENT REPLY OFF', 'PING');
    await say(other, 'PING');
    await eventually(
      () => say(other, 'CLIENT', 'LIST'),
      (list) => /cmd=ping /.test(list),
    );
    await say(other, 'SET', 'k', '1');
    expect(await cache.next(1)).toEqual([invalid('k')]);
    expect(await cache.ask('CLIENT REPLY ON')).toBe('+OK');
    await cache.ask('HELLO 2');
    await cache.ask('GET k');
    await say(other, 'SET', 'k', '2');
    expect(await cache.ask('PING')).toBe('+PONG');
  });

  it('with NOLOOP does not hear of what it changes itself, in place, outside or in a script', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON', 'NOLOOP'), await connect(primary)];
    const changes = ['SET k 1', 'SETRANGE k 0 2', 'EVAL x'];
    for (const change of changes) {
      await cache.ask('GET k');
      if (change === 'EVAL x') await cache.ask('EVAL', "redis.call('set', 'k', 1)", '0');
      else await cache.ask(change);
      expect(await cache.ask('PING')).toBe('+PONG');
    }
    await cache.ask('GET k');
    await say(other, 'SET', 'k', '1');
    expect(await cache.next(1)).toEqual([invalid('k')]);
  });

  it('with OPTIN tracks only behind CLIENT CACHING YES, with OPTOUT not behind NO', async () => {
    const { primary } = await start();
    const other = await connect(primary);
    const optIn = await cacheOf(primary, 'ON', 'OPTIN');
    optIn.send('CLIENT CACHING YES', 'CLIENT ID', 'GET a', 'GET b', 'CLIENT CACHING YES', 'MULTI', 'GET c');
    optIn.send('MGET d', 'EXEC', 'GET e');
    await optIn.next(10);
    const optOut = await cacheOf(primary, 'ON', 'OPTOUT');
    optOut.send('CLIENT CACHING NO', 'GET a', 'GET b');
    await optOut.next(3);
    await say(other, 'MSET', ...['a', 'b', 'c', 'd', 'e'].flatMap((key) => [key, '1']));
    expect(await optIn.next(3)).toEqual([invalid('a'), invalid('c'), invalid('d')]);
    expect(await optOut.next(1)).toEqual([invalid('b')]);
    expect(await optIn.ask('PING')).toBe('+PONG');
  });

  it('may have another client sent its invalidations, and hears when that has gone', async () => {
    const { primary } = await start();
    const [listener, other] = [await cacheOf(primary), await connect(primary)];
    const cache = await cacheOf(primary, 'ON', 'REDIRECT', await listener.id());
    expect(await cache.ask('CLIENT GETREDIR')).toBe(`:${await listener.id()}`);
    await cache.ask('GET k');
    await say(other, 'SET', 'k', '1');
    expect(await listener.next(1)).toEqual([invalid('k')]);
    const id = await listener.id();
    await cache.ask('GET k');
    listener.client.close();
    await eventually(
      () => say(other, 'CLIENT', 'LIST'),
      (list) => !list.includes(`id=${id} `),
    );
    await say(other, 'SET', 'k', '2');
    expect(await cache.next(1)).toEqual([`>2[$"tracking-redir-broken" :${id}]`]);
    expect(await cache.ask('CLIENT TRACKINGINFO')).toContain('$"broken_redirect"');
    expect(await say(other, 'CLIENT', 'LIST')).toMatch(new RegExp(` flags=tR .* redir=${id} `));
  });
});

describeWith(redisServer, 'a pipeline of a client that tracks', () => {
  const KEYS = ['a', 'b', 'c', 'd'];
  const SCRIPT = "local v = redis.call('get', KEYS[1]); redis.call('set', KEYS[2], 'x'); return v";

  function randomCommand(random: RandomSource): string[] {
    const [key, other] = [random.pick(KEYS), random.pick(KEYS)];
    return random.pick([
      ['GET', key],
      ['MGET', key, other],
      ['STRLEN', key],
      ['GETRANGE', key, '0', '1'],
      ['SET', key, `${random.below(100)}`],
      ['APPEND', key, 'x'],
      ['GETSET', key, 'y'],
      ['MSET', key, 'x', other, 'y'],
      ['DEL', key, other],
      ['PERSIST', key],
      ['EXPIRE', key, '1000'],
      ['EXPIRE', key, '-1'],
      ['RENAME', key, other],
      ['COPY', key, other],
      ['EVAL', SCRIPT, '2', key, other],
      ['EVAL_RO', "return redis.call('get', KEYS[1])", '1', key],
      ['CLIENT', 'CACHING', random.pick(['YES', 'NO'])],
      ['CLIENT', 'TRACKINGINFO'],
      ...(random.chance(0.1) ? [['FLUSHALL']] : []),
    ]);
  }

  it.each([[''], ['NOLOOP'], ['OPTIN'], ['OPTOUT']])(
    'is answered as by redis-server, invalidations in their places: ON %s',
    async (option) => {
      const random = new RandomSource(17);
      const redis = await RedisServer.start();
      const { primary } = await start();
      const commands = [
        ['HELLO', '3'],
        ['FLUSHALL'],
        ['CLIENT', 'TRACKING', 'ON', ...option.split(' ').filter(Boolean)],
      ];
      for (let n = 0; n < 2_000; n += 1) {
        if (random.chance(0.1)) {
          commands.push(['MULTI'], randomCommand(random), randomCommand(random), randomCommand(random), [
            'EXEC',
          ]);
        } else commands.push(randomCommand(random));
      }
      const bytes = Buffer.concat([
        respCommand('SCRIPT', 'LOAD', 'return'),
        ...commands.map((args) => respCommand(...args)),
      ]);
      const [ours, theirs] = await Promise.all(
        [primary.listenAddress!, `127.0.0.1:${redis.port}`].map(
          async (address) => (await answersTo(address, bytes)).answer,
        ),
      );
      await redis.kill();
      // Of two keys that one command changes, either may come first.
      const inOrder = (answer: string) =>
        answer
          .slice(answer.indexOf('$7\r\nmodules'))
          .replace(/(>2\r\n\$10\r\ninvalidate\r\n\*1\r\n\$1\r\n.\r\n){2,}/g, (both) =>
            both.split(/(?=>)/).sort().join(''),
          )
          .split('\r\n');
      expect(inOrder(ours!)).toEqual(inOrder(theirs!));
      expect(theirs!.split('invalidate').length).toBeGreaterThan(option.startsWith('N') ? 1 : 30);
    },
  );
});

describe('a client of RESP2', () => {
  it('has a subscriber sent its invalidations as messages of a channel', async () => {
    const { primary } = await start();
    const [listener, other] = [new Cache(await connect(primary)), await connect(primary)];
    const id = await listener.id();
    await listener.ask('SUBSCRIBE __redis__:invalidate');
    const cache = new Cache(await connect(primary));
    expect(await cache.ask(`CLIENT TRACKING ON REDIRECT ${id}`)).toBe('+OK');
    await cache.ask('GET k');
    await say(other, 'SET', 'k', '1');
    const message = (content: string) => `*3[$"message" $"__redis__:invalidate" ${content}]`;
    expect(await listener.next(1)).toEqual([message('*1[$"k"]')]);
    await say(other, 'FLUSHALL');
    expect(await listener.next(1)).toEqual([message('$nil')]);
    await listener.ask('UNSUBSCRIBE');
    await cache.ask('GET k');
    await say(other, 'SET', 'k', '2');
    expect(await listener.ask('PING')).toBe('+PONG');
  });
});

describe('a client in BCAST mode', () => {
  it('hears of all changes of its prefixes at the end of the turn, each key once', async () => {
    const { primary } = await start();
    const [cache, other] = [
      await cacheOf(primary, 'ON', 'BCAST', 'PREFIX', 'a:', 'PREFIX', 'b'),
      await connect(primary),
    ];
    await cache.ask('GET a:1');
    other.write(
      Buffer.concat(
        ['SET a:1 1', 'SET c 1', 'SET b 1', 'SET a:2 1', 'INCR a:1'].map((line) =>
          respCommand(...line.split(' ')),
        ),
      ),
    );
    await other.replies(5);
    expect(await cache.next(2)).toEqual([invalid('a:1', 'a:2'), invalid('b')]);
    expect(await cache.ask('CLIENT TRACKING ON BCAST PREFIX c')).toBe('+OK');
    cache.send('SET c 1', 'PING');
    expect(await cache.next(3)).toEqual(['+OK', '+PONG', invalid('c')]);
  });

  it('with NOLOOP hears of others’ changes only, and of expiry', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON', 'BCAST', 'NOLOOP'), await connect(primary)];
    cache.send('SET a 1', 'SET b 1');
    await cache.next(2);
    await say(other, 'MSET', 'a', '1', 'c', '1');
    expect(await cache.next(1)).toEqual([invalid('a', 'c')]);
    expect(await cache.ask('SET', 'a', '1', 'PX', '20')).toBe('+OK');
    expect(await cache.next(1)).toEqual([invalid('a')]);
    await say(other, 'FLUSHALL');
    expect(await cache.next(1)).toEqual([INVALID_ALL]);
    expect(await cache.ask('PING')).toBe('+PONG');
  });

  it('does not hear of what it tracked before', async () => {
    const { primary } = await start();
    const [cache, other] = [await cacheOf(primary, 'ON'), await connect(primary)];
    cache.send('GET k', 'CLIENT TRACKING OFF', 'CLIENT TRACKING ON BCAST PREFIX x');
    await cache.next(3);
    await say(other, 'SET', 'k', '1');
    expect(await cache.ask('PING')).toBe('+PONG');
  });

  it('has a limit of prefixes, whoever asks for them', async () => {
    const { primary } = await start();
    const cache = await cacheOf(primary);
    const prefixes = (count: number) => Array.from({ length: count }, (_, n) => ['PREFIX', `${n}:`]).flat();
    expect(await cache.ask('CLIENT', 'TRACKING', 'ON', 'BCAST', ...prefixes(1_001))).toMatch(
      /^-ERR all clients together may have 1000 different prefixes/,
    );
    expect(await cache.ask('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'x'.repeat(5_000))).toMatch(
      /^-ERR all clients/,
    );
    expect(await cache.ask('CLIENT', 'TRACKING', 'ON', 'BCAST', ...prefixes(1_000))).toBe('+OK');
    const other = await cacheOf(primary);
    expect(await other.ask('CLIENT TRACKING ON BCAST PREFIX 7:')).toBe('+OK');
    expect(await other.ask('CLIENT TRACKING ON BCAST PREFIX x')).toMatch(/^-ERR all clients/);
  });
});

describe('the table', () => {
  const infoOf = async (primary: Primary) => {
    const client = await connect(primary);
    const text = (await say(client, 'INFO', 'stats')) + (await say(client, 'INFO', 'clients'));
    const field = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(text)![1]);
    return ['clients', 'total_keys', 'total_items', 'total_prefixes'].map((name) =>
      field(`tracking_${name}`),
    );
  };

  it('has no more keys than tracking-table-max-keys, also when that is lowered', async () => {
    const { primary } = await start();
    const cache = await cacheOf(primary, 'ON');
    const other = await connect(primary);
    cache.send(...Array.from({ length: 250 }, (_, n) => `GET ${n}`));
    await cache.next(250);
    expect(await say(other, 'CONFIG', 'SET', 'tracking-table-max-keys', '1')).toBe('+OK');
    expect(new Set(await cache.next(249)).size).toBe(249);
    expect(await infoOf(primary)).toEqual([1, 1, 1, 0]);
    cache.send('MGET x y z');
    expect(await cache.next(4)).toEqual([
      '*3[_nil _nil _nil]',
      ...Array.from({ length: 3 }, () => expect.stringContaining('invalidate')),
    ]);
  });

  it('keeps nothing of clients that have gone', async () => {
    const { primary } = await start();
    const caches = await Promise.all([1, 2, 3].map(() => cacheOf(primary, 'ON')));
    for (const cache of caches) {
      cache.send(...Array.from({ length: 1_000 }, (_, n) => `GET key:${n}`));
      await cache.next(1_000);
    }
    const broadcast = await cacheOf(primary, 'ON', 'BCAST', 'PREFIX', 'a', 'PREFIX', 'b');
    expect(await infoOf(primary)).toEqual([4, 1_000, 3_000, 2]);
    caches[0]!.client.close();
    broadcast.client.close();
    await caches[1]!.ask('CLIENT TRACKING OFF');
    await eventually(
      () => infoOf(primary),
      (info) => info.join() === '1,1000,1000,0',
    );
    await caches[2]!.ask('RESET');
    await eventually(
      () => infoOf(primary),
      (info) => info.join() === '0,0,0,0',
    );
  });

  it('gives the number of whoever has gone to another, who hears nothing of the first one’s keys', async () => {
    const { primary } = await start();
    const other = await connect(primary);
    const first = await cacheOf(primary, 'ON');
    await first.ask('GET k');
    first.client.close();
    await eventually(
      () => infoOf(primary),
      (info) => info.join() === '0,0,0,0',
    );
    const second = await cacheOf(primary, 'ON');
    await say(other, 'SET', 'k', '1');
    expect(await second.ask('PING')).toBe('+PONG');
  });
});

describe('a replica', () => {
  it('sends what its primary’s records change, and has all forgotten when a snapshot replaces its content', async () => {
    const primary = await startPrimary();
    primary.set('k', '1');
    const options = { listen: ':0', foreignHistory: 'accept' } as const;
    const replica = await follow(primary.bindAddress, options);
    await isCaughtUp({ primary, replica });
    const cache = await cacheOf(replica, 'ON');
    const broadcast = await cacheOf(replica, 'ON', 'BCAST');
    expect(await cache.ask('GET k')).toBe('$"1"');
    primary.set('k', '2');
    expect(await cache.next(1)).toEqual([invalid('k')]);
    expect(await broadcast.next(1)).toEqual([invalid('k')]);
    expect(await cache.ask('GET k')).toBe('$"2"');
    const address = primary.bindAddress;
    await primary.close();
    const successor = await startPrimary({ bind: address });
    successor.set('k', '3');
    expect(await cache.next(1)).toEqual([INVALID_ALL]);
    expect(await broadcast.next(1)).toEqual([INVALID_ALL]);
    expect(await cache.ask('GET k')).toBe('$"3"');
    successor.set('k', '4');
    expect(await cache.next(1)).toEqual([invalid('k')]);
    expect(await broadcast.next(1)).toEqual([invalid('k')]);
  });
});
