/**
 * A move from a live redis-server under load: all commands of strings, keys that expire, links that are cut,
 * and the cut-over, after which both have the same.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { systemClock, systemTimers } from '../../src/clock.js';
import { Import } from '../../src/import/import.js';
import type { ImportOptions } from '../../src/import/options.js';
import { Primary } from '../../src/index.js';
import { tcpTransport } from '../../src/transport/tcp.js';
import { portOf } from '../support/embedded-pair.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, freePort } from '../support/processes.js';
import { RandomSource } from '../support/random.js';
import { RedisServer, redisCli, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';
import { tlsFile } from '../support/tls.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startRedis(...args: string[]): Promise<RedisServer> {
  const prompt = ['--repl-diskless-sync-delay', '0', '--enable-debug-command', 'yes'];
  const server = await RedisServer.start(...prompt, ...args);
  closing.push(() => server.kill());
  return server;
}

async function startTarget(): Promise<{ primary: Primary; port: number }> {
  const primary = await Primary.start({ bind: ':0', listen: ':0' });
  closing.push(() => primary.close());
  return { primary, port: portOf(primary.listenAddress) };
}

async function clientOf(port: number): Promise<RespClient> {
  const client = await RespClient.connect(`127.0.0.1:${port}`);
  closing.push(() => client.close());
  return client;
}

function importOf(from: number, to: number, options: Partial<ImportOptions> = {}): Import {
  return new Import({
    source: {
      address: { host: '127.0.0.1', port: from },
      isTls: false,
      user: undefined,
      password: undefined,
      database: 0,
    },
    to: `127.0.0.1:${to}`,
    password: undefined,
    connectTimeoutMs: 5_000,
    isReplacing: false,
    skipsOthers: false,
    cutsOver: false,
    pauseMs: 20_000,
    signal: new AbortController().signal,
    sourceTransport: tcpTransport,
    targetTransport: tcpTransport,
    clock: systemClock,
    timers: systemTimers,
    ...options,
  });
}

/** A way to a server whose links can all be cut. */
async function startProxy(to: number): Promise<{ port: number; cut(): void }> {
  const links = new Set<Socket>();
  const proxy = createServer((inbound) => {
    const outbound = connect(to, '127.0.0.1');
    for (const socket of [inbound, outbound]) {
      links.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        links.delete(socket);
        inbound.destroy();
        outbound.destroy();
      });
    }
    inbound.pipe(outbound).pipe(inbound);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of links) socket.destroy();
  };
  closing.push(() => {
    cut();
    proxy.close();
  });
  return { port: (proxy.address() as { port: number }).port, cut };
}

const KEYS = 400;

/** A random command that writes; some are refused. */
function randomWrite(random: RandomSource): string[] {
  const key = () => `k:${random.below(KEYS)}`;
  const number = () => `n:${random.below(40)}`;
  const value = () => 'v'.repeat(random.skewed(3_000)) + random.below(1_000);
  const soon = () => `${Date.now() + random.below(3_000)}`;
  return random.pick([
    () => ['SET', key(), value()],
    () => ['SET', key(), value(), 'PX', `${1 + random.below(4_000)}`],
    () => ['SET', key(), value(), 'NX', 'EX', '1000'],
    () => ['SET', key(), value(), 'XX', 'GET', 'KEEPTTL'],
    () => ['SETEX', key(), '2', value()],
    () => ['PSETEX', key(), '900', value()],
    () => ['SETNX', key(), value()],
    () => ['GETSET', key(), value()],
    () => ['GETDEL', key()],
    () => ['GETEX', key(), 'EX', '3'],
    () => ['GETEX', key(), 'PERSIST'],
    () => ['MSET', key(), value(), key(), value()],
    () => ['MSETNX', key(), value(), key(), value()],
    () => ['APPEND', key(), 'more'],
    () => ['SETRANGE', key(), `${random.below(100)}`, 'range'],
    () => ['SETBIT', key(), `${random.below(1_000)}`, '1'],
    () => ['BITFIELD', key(), 'INCRBY', 'u8', '3', '1'],
    () => ['BITOP', 'XOR', key(), key(), key()],
    () => ['INCR', number()],
    () => ['DECRBY', number(), '7'],
    () => ['INCRBYFLOAT', number(), '0.5'],
    () => ['DEL', key(), key()],
    () => ['UNLINK', key()],
    () => ['EXPIRE', key(), '2'],
    () => ['EXPIRE', key(), '2', 'GT'],
    () => ['PEXPIREAT', key(), soon()],
    () => ['PERSIST', key()],
    () => ['RENAME', key(), key()],
    () => ['RENAMENX', key(), key()],
    () => ['COPY', key(), key(), 'REPLACE'],
    () => [
      'EVAL',
      "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('INCR', KEYS[2])",
      '2',
      key(),
      number(),
      'x',
    ],
    () => ['MULTI'],
    () => ['EXEC'],
  ])();
}

/** Writes until it is stopped. */
function startWriter(client: RespClient, seed: number): () => Promise<void> {
  const random = new RandomSource(seed);
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      for (let n = 0; n < 50; n++) await client.command(...randomWrite(random));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  return async () => {
    isOver = true;
    await writing;
  };
}

/** Each key with its value and when it expires. */
async function contentOf(client: RespClient): Promise<Map<string, string>> {
  const keys = ((await client.command('KEYS', '*')) as Buffer[]).map(String).sort();
  const content = new Map<string, string>();
  for (const key of keys) {
    const value = await client.command('GET', key);
    const expiry = await client.command('PEXPIRETIME', key);
    if (value !== null) content.set(key, `${value} @${expiry}`);
  }
  return content;
}

describeWith(redisServer, 'an import from a live redis-server', () => {
  it('takes all that writers do, over lost links, with and without a disk', async () => {
    const redis = await startRedis('--repl-diskless-sync', 'yes');
    const { port } = await startTarget();
    const proxy = await startProxy(redis.port);
    const first = await clientOf(redis.port);
    for (let n = 0; n < 300; n++) await first.command('SET', `fixed:${n}`, `value ${n}`);
    const stops = [1, 2].map((seed) => clientOf(redis.port).then((client) => startWriter(client, seed)));
    const writers = await Promise.all(stops);

    let commands = 0;
    let syncs = { fullSyncs: 0, partialSyncs: 0 };
    const events: string[] = [];
    const importing = importOf(proxy.port, port, {
      onProgress: ({ counts }) => {
        commands = counts.commands;
        syncs = { ...counts };
      },
      onEvent: (text) => events.push(text),
    });
    const result = importing.run();
    result.catch(() => {});
    const moreThan = (count: number) =>
      eventually(
        () => commands,
        (now) => now > count,
      );
    await moreThan(200);
    proxy.cut();
    await eventually(
      () => syncs.partialSyncs,
      (partial) => partial === 1,
    );
    await moreThan(commands + 200);
    // With another id the primary cannot continue.
    proxy.cut();
    await first.command('CONFIG', 'SET', 'repl-diskless-sync', 'no');
    await first.command('DEBUG', 'CHANGE-REPL-ID');
    await eventually(
      () => syncs.fullSyncs,
      (full) => full === 2,
    );
    await moreThan(commands + 200);
    importing.cutOver();
    // The writers wait from the pause on.
    const { keys, counts } = await result;
    const source = await clientOf(redis.port);
    const target = await clientOf(port);
    await eventually(
      async () => [await contentOf(source), await contentOf(target)] as const,
      ([there, here]) =>
        there.size === here.size && [...there].every(([key, text]) => here.get(key) === text),
    );
    expect(keys).toBeGreaterThan(300);
    expect(counts.refused).toEqual(new Map());
    expect(counts.foreign).toEqual(new Map());
    expect(events.join('\n')).toContain('Connecting again');
    await source.command('CLIENT', 'UNPAUSE');
    for (const stop of writers) await stop();
  }, 30_000);

  it('leaves out and names what is not about strings, and takes away what it replaced', async () => {
    const redis = await startRedis();
    const { port } = await startTarget();
    await redisCli(redis.port, 'RPUSH', 'list', 'a');
    await redisCli(redis.port, '-n', '1', 'SET', 'elsewhere', 'v');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await redisCli(redis.port, 'SET', key, 'v');
    await expect(importOf(redis.port, port).run()).rejects.toMatchObject({ code: 'RDB_OTHER_TYPES' });
    const target = await clientOf(port);
    await target.command('SET', 'stray', 'gone');
    await expect(importOf(redis.port, port).run()).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    let isFollowing = false;
    const importing = importOf(redis.port, port, {
      isReplacing: true,
      skipsOthers: true,
      onProgress: ({ phase }) => {
        isFollowing = phase === 'following';
      },
    });
    const result = importing.run();
    await eventually(
      () => isFollowing,
      (is) => is,
    );
    expect(await target.command('EXISTS', 'stray')).toBe(0);
    await redisCli(redis.port, 'RENAME', 'list', 'a');
    await redisCli(redis.port, 'SUNIONSTORE', 'b', 'none', 'neither');
    await redisCli(redis.port, 'SADD', 'set', 'm');
    await redisCli(redis.port, 'SUNIONSTORE', 'c', 'set');
    await redisCli(redis.port, 'MOVE', 'd', '1');
    await redisCli(redis.port, '-n', '1', 'SET', 'elsewhere', 'w');
    await redisCli(redis.port, '-n', '1', 'MOVE', 'elsewhere', '0');
    importing.cutOver();
    const { keys, counts } = await result;
    expect(keys).toBe(2);
    expect(await target.command('GET', 'elsewhere')).toEqual(Buffer.from('w'));
    expect(Object.fromEntries(counts.types)).toMatchObject({ list: expect.any(Number) });
    expect(Object.fromEntries(counts.foreign)).toMatchObject({ SADD: 1, SUNIONSTORE: 2, SET: 1 });
    expect(counts.fullSyncs).toBe(2);
  }, 20_000);

  it('is a command, which says when clients may move', async () => {
    const redis = await startRedis('--requirepass', 'a long password');
    const { port } = await startTarget();
    await redisCli(redis.port, '-a', 'a long password', 'SET', 'k', 'v');
    const url = `redis://127.0.0.1:${redis.port}`;
    const args = ['import', url, '--to', `127.0.0.1:${port}`, '--cut-over', '--pause', '5'];
    const refused = await runCommand(args);
    expect([refused.status, refused.stderr]).toEqual([77, expect.stringContaining('PASSWORD_REFUSED')]);
    const env = { FASTCACHE_SOURCE_PASSWORD: 'a long password' };
    const moved = await runCommand(args, { env });
    expect(moved.stdout).toContain('1 key. Clients may move now.');
    expect(moved.status).toBe(0);
    const again = await runCommand([...args, '--json'], { env });
    expect(JSON.parse(again.stdout).error).toMatchObject({ code: 'TARGET_NOT_EMPTY', exit: 1 });
    expect(again.status).toBe(1);
    const replaced = await runCommand([...args, '--json', '--replace'], { env });
    expect(JSON.parse(replaced.stdout)).toMatchObject({ outcome: 'cut-over', keys: 1, loaded: 1 });
  }, 20_000);

  it('moves nobody while the source does not say how far it is', async () => {
    const redis = await startRedis();
    const { port } = await startTarget();
    const silent = createServer((client) => {
      const server = connect(redis.port, '127.0.0.1');
      for (const socket of [client, server]) socket.on('error', () => {});
      client.pipe(server);
      server.on('data', (bytes) => {
        // The reply keeps its length.
        const text = bytes.toString('latin1').replace('\nmaster_repl_offset:', '\nanother_rep_offset:');
        client.write(Buffer.from(text, 'latin1'));
      });
      server.on('close', () => client.destroy());
      client.on('close', () => server.destroy());
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { status, stdout } = await runCommand([
      ...['import', url, '--to', `127.0.0.1:${port}`, '--cut-over', '--json'],
    ]);
    silent.close();
    expect([status, JSON.parse(stdout).error.code]).toEqual([1, 'REPLY_MALFORMED']);
    expect(stdout).toContain('master_repl_offset');
  }, 20_000);

  it('goes by TLS to both ends, with a certificate of its own', async () => {
    const tlsPort = await freePort();
    const files = {
      'tls-cert-file': 'server.crt',
      'tls-key-file': 'server.key',
      'tls-ca-cert-file': 'ca.crt',
    };
    const certified = Object.entries(files).flatMap(([name, file]) => [`--${name}`, tlsFile(file)]);
    const redis = await startRedis('--tls-port', `${tlsPort}`, ...certified);
    const primary = await Primary.start({
      bind: ':0',
      listen: false,
      listenTls: ':0',
      tlsCert: tlsFile('server.crt'),
      tlsKey: tlsFile('server.key'),
      tlsCa: tlsFile('ca.crt'),
    });
    closing.push(() => primary.close());
    await redisCli(redis.port, 'SET', 'k', 'v');
    const ends = ['import', `rediss://127.0.0.1:${tlsPort}`, '--to', primary.listenTlsAddress!, '--cut-over'];
    const trusting = ['--tls-ca', tlsFile('ca.crt')];
    const stranger = await runCommand([...ends, '--to-tls', ...trusting]);
    expect([stranger.status, stranger.stderr]).toEqual([
      69,
      expect.stringContaining('it wants a certificate'),
    ]);
    const own = [...trusting, '--tls-cert', tlsFile('client.crt'), '--tls-key', tlsFile('client.key')];
    const plain = await runCommand([...ends, ...own]);
    expect([plain.status, primary.get('k')]).toEqual([69, undefined]);
    const moved = await runCommand([...ends, '--to-tls', ...own]);
    expect(moved.stdout).toContain('1 key. Clients may move now.');
    expect([moved.status, primary.get('k')?.toString()]).toEqual([0, 'v']);
  }, 20_000);
});
