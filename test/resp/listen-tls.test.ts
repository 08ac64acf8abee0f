/** The port of clients by TLS, which serves replicas too. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Primary, PrimaryOptions } from '../../src/index.js';
import { follow, startPrimary } from '../support/library.js';
import { RespClient, respCommand } from '../support/resp-client.js';
import { pemOf, tlsFile } from '../support/tls.js';

const CERTIFIED = { tlsCert: tlsFile('server.crt'), tlsKey: tlsFile('server.key') } as const;
const TRUSTING = { tls: true, tlsCa: tlsFile('ca.crt') } as const;

const clients: RespClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

const start = (options: PrimaryOptions = {}) => startPrimary({ ...CERTIFIED, listenTls: ':0', ...options });

async function clientOf(primary: Primary, cert?: string): Promise<RespClient> {
  const client = await RespClient.connectTls(primary.listenTlsAddress!, pemOf(cert, 'ca'));
  clients.push(client);
  return client;
}

const logged = (primary: Primary, pattern: RegExp) =>
  new Promise<string>((resolve) => {
    primary.on('log', ({ message }) => {
      if (pattern.test(message)) resolve(message);
    });
  });

describe('a port of TLS', () => {
  it('serves clients alone, or beside a plain port', async () => {
    const alone = await start();
    const client = await clientOf(alone);
    expect(await client.command('SET', 'key', 'value')).toBe('+OK');
    expect(String(await client.command('GET', 'key'))).toBe('value');
    const port = /\d+$/.exec(alone.listenTlsAddress!)![0];
    expect(String(await client.command('CONFIG', 'GET', 'tls-port'))).toBe(`tls-port,${port}`);
    expect(String(await client.command('CONFIG', 'GET', 'port'))).toBe('port,0');
    expect(String(await client.command('INFO', 'server'))).toContain(`tcp_port:${port}\r\n`);

    const beside = await start({ listen: ':0' });
    const secure = await clientOf(beside);
    const plain = await RespClient.connect(beside.listenAddress!);
    clients.push(plain);
    await secure.command('SET', 'key', 'from TLS');
    expect(String(await plain.command('GET', 'key'))).toBe('from TLS');
    expect(
      String(await plain.command('CLIENT', 'LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(2);
  });

  it('carries long pipelines and large values, and waits for readers that are slow', async () => {
    const client = await clientOf(await start());
    const large = Buffer.alloc(5_000_000, 'x');
    expect(await client.command('SET', 'large', large)).toBe('+OK');
    const gets = Array.from({ length: 10 }, () => ['GET', 'large']);
    client.socket.pause();
    const replies = client.pipeline(gets);
    setTimeout(() => client.socket.resume(), 50);
    for (const reply of await replies) expect(large.equals(reply as Buffer)).toBe(true);
    const pings = Array.from({ length: 50_000 }, (_, i) => ['ECHO', `${i}`]);
    expect((await client.pipeline(pings)).map(String)).toEqual(pings.map(([, text]) => text));
  });

  it('serves replicas, whose connections are no clients’', async () => {
    const primary = await start({ password: 'a password of some length' });
    const client = await clientOf(primary);
    await client.command('AUTH', 'a password of some length');
    await client.command('SET', 'key', 'value');
    const options = { ...TRUSTING, password: 'a password of some length' };
    const replica = await follow(primary.listenTlsAddress!, options);
    await new Promise((resolve) => replica.on('caught-up', resolve));
    expect(String(replica.get('key'))).toBe('value');
    await client.command('SET', 'large', Buffer.alloc(3_000_000, 'y'));
    expect(await client.command('WAIT', '1', '20000')).toBe(1);
    expect(replica.get('large')).toHaveLength(3_000_000);
    expect(
      String(await client.command('CLIENT', 'LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
    // Without the password it is no replica.
    const stranger = await follow(primary.listenTlsAddress!, TRUSTING);
    const { error } = await new Promise<{ error: Error }>((resolve) => stranger.on('refused', resolve));
    expect(error).toMatchObject({ code: 'TOKEN_REFUSED' });
  });

  it('finds out who comes from first bytes that come one by one', async () => {
    const primary = await start();
    const halting = await clientOf(primary);
    for (const byte of 'FC') halting.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
    halting.write('OO\r\n');
    expect(String(await halting.reply())).toMatch(/^-ERR unknown command/);
  });

  it('refuses clients beyond their number, and not a replica', async () => {
    const primary = await start();
    const first = await clientOf(primary);
    await first.command('CONFIG', 'SET', 'maxclients', '1');
    const second = await clientOf(primary);
    second.write(respCommand('PING'));
    expect(String(await second.reply())).toMatch(/^-ERR max number of clients reached/);
    const replica = await follow(primary.listenTlsAddress!, TRUSTING);
    await new Promise((resolve) => replica.on('caught-up', resolve));
  });

  it('asks clients for certificates where authorities are given', async () => {
    const primary = await start({ tlsCa: tlsFile('ca.crt') });
    const noticed = logged(primary, /presents no certificate/);
    const client = await clientOf(primary, 'client');
    expect(await client.command('PING')).toBe('+PONG');
    expect(String(await client.command('CONFIG', 'GET', 'tls-auth-clients'))).toBe('tls-auth-clients,yes');
    await clientOf(primary).catch(() => {});
    expect(await noticed).toMatch(/^127\.0\.0\.1:\d+ presents no certificate/);
  });
});

describe('who speaks the wrong one', () => {
  it('is closed with a line in the log, on either port', async () => {
    const primary = await start({ listen: ':0' });
    const plain = logged(primary, /speaks no TLS/);
    const client = await RespClient.connect(primary.listenTlsAddress!);
    clients.push(client);
    client.write(respCommand('PING'));
    expect(await plain).toMatch(/^127\.0\.0\.1:\d+ speaks no TLS on a TLS port/);
    const secure = logged(primary, /speaks TLS/);
    const options = pemOf(undefined, 'ca');
    await expect(RespClient.connectTls(primary.listenAddress!, options)).rejects.toThrow();
    expect(await secure).toMatch(/^client 127\.0\.0\.1:\d+ is closed: it speaks TLS on a port without it/);
  });
});
