import { copyFileSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { Primary, Replica, ReplicaOptions } from '../../src/index.js';
import { primaryConfig, replicaConfig } from '../../src/server/config.js';
import { parseAddress } from '../../src/transport/address.js';
import { clientOf, directory, follow, startPrimary } from '../support/library.js';
import { pemOf, tlsFile } from '../support/tls.js';

const CERTIFIED = { tls: true, tlsCert: tlsFile('server.crt'), tlsKey: tlsFile('server.key') } as const;
const TRUSTING = { tls: true, tlsCa: tlsFile('ca.crt') } as const;

/** Resolves with an event, or at once with a log line that matches. */
const next = (node: Primary | Replica, name: 'caught-up' | 'lost' | 'live') =>
  new Promise<{ error?: Error }>((resolve) => node.on(name, (event) => resolve(event as { error?: Error })));

const logged = (node: Primary | Replica, pattern: RegExp) =>
  new Promise<string>((resolve) => {
    node.on('log', ({ level, message }) => {
      if (pattern.test(message)) resolve(`${level}: ${message}`);
    });
  });

/** The serial number of the certificate that a port shows now. */
function serialOf(address: string): Promise<string> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, ...pemOf('client', 'ca') });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
  });
}

describe('replication over TLS', () => {
  it('carries all of it, to a relay and through it, and back to a primary that recovers', async () => {
    const ca = { tlsCa: tlsFile('ca.crt') };
    const primary = await startPrimary({ ...CERTIFIED, ...ca, token: 'a token of some length' });
    primary.set('greeting', 'hello');
    const options = { ...CERTIFIED, ...ca, token: 'a token of some length', bind: ':0' };
    const relay = await follow(primary.bindAddress, options);
    await next(relay, 'caught-up');
    const leaf = await follow(relay.bindAddress!, { ...options, bind: false });
    await next(leaf, 'caught-up');
    primary.set('large', 'x'.repeat(5_000_000));
    primary.flush();
    while (leaf.get('large')?.length !== 5_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(String(leaf.get('greeting'))).toBe('hello');
    await primary.close();
    const again = await startPrimary({ ...options, recover: [relay.bindAddress!] });
    expect(String(again.get('greeting'))).toBe('hello');
    // Another primary is followed by TLS as well, whoever names it.
    relay.follow(again.bindAddress);
    await next(relay, 'live');
  });

  it('keeps no primary from closing whose replicas come to the port of clients', async () => {
    const primary = await startPrimary({ ...CERTIFIED, listenTls: ':0' });
    primary.set('key', 'value');
    const replica = await follow(primary.listenTlsAddress!, TRUSTING);
    await next(replica, 'caught-up');
    const lost = next(replica, 'lost');
    await primary.close();
    await lost;
  });

  it.each<[string, ReplicaOptions, RegExp]>([
    [
      'the wrong authority',
      { tls: true, tlsCa: tlsFile('other-ca.crt') },
      /no authority that is trusted here/,
    ],
    ['no TLS', {}, /closed|reset/],
  ])('leads nowhere with %s', async (_, options, message) => {
    const primary = await startPrimary(CERTIFIED);
    const replica = await follow(primary.bindAddress, options);
    expect((await next(replica, 'lost')).error?.message).toMatch(message);
  });

  it('asks for certificates, and logs who has none', async () => {
    const primary = await startPrimary({ ...CERTIFIED, tlsCa: tlsFile('ca.crt') });
    const noticed = logged(primary, /presents no certificate/);
    const replica = await follow(primary.bindAddress, TRUSTING);
    expect((await next(replica, 'lost')).error?.message).toMatch(/wants a certificate/);
    expect(await noticed).toMatch(/^warn: 127\.0\.0\.1:\d+ presents no certificate, which --tls-ca asks for/);
    const free = await startPrimary({ ...CERTIFIED, ...TRUSTING, asksClientCertificates: false });
    await next(await follow(free.bindAddress, TRUSTING), 'caught-up');
  });
});

describe('metrics over HTTPS', () => {
  it('are given to whom the authority vouches for, and to nobody else', async () => {
    const options = { ...CERTIFIED, tls: false, tlsCa: tlsFile('ca.crt'), metrics: ':0', metricsTls: true };
    const primary = await startPrimary(options);
    const url = `https://${primary.metricsAddress}/healthz`;
    const status = (given: object) =>
      new Promise<number | undefined>((resolve, reject) => {
        httpsGet(url, { ...given, agent: false }, ({ statusCode }) => resolve(statusCode)).once(
          'error',
          reject,
        );
      });
    expect(await status(pemOf('client', 'ca'))).toBe(200);
    await expect(status(pemOf(undefined, 'ca'))).rejects.toThrow();
    const noticed = logged(primary, /speaks no TLS/);
    await expect(
      new Promise((resolve, reject) => {
        httpGet(url.replace('https', 'http'), { agent: false }, resolve).once('error', reject);
      }),
    ).rejects.toThrow();
    expect(await noticed).toMatch(/speaks no TLS on a TLS port/);
  });
});

describe('certificates', () => {
  const paths = { cert: join(directory, 'now.crt'), key: join(directory, 'now.key') };
  const put = (name: string) => {
    copyFileSync(tlsFile(`${name}.crt`), paths.cert);
    copyFileSync(tlsFile(`${name}.key`), paths.key);
  };
  const start = () => {
    put('server');
    return startPrimary({ tls: true, tlsCert: paths.cert, tlsKey: paths.key, listen: ':0' });
  };

  it('are read anew, and a broken one leaves the old in force', async () => {
    const primary = await start();
    const first = await serialOf(primary.bindAddress);
    put('renewed');
    const renewed = logged(primary, /certificates anew/);
    primary.reloadCertificates();
    expect(await renewed).toMatch(/^info: .*now\.crt, valid until 2119/);
    const second = await serialOf(primary.bindAddress);
    expect(second).not.toBe(first);
    writeFileSync(paths.cert, 'half a cert');
    const kept = logged(primary, /stay in force/);
    primary.reloadCertificates();
    expect(await kept).toMatch(/^error: .*tls-cert names is no certificate in PEM/);
    expect(await serialOf(primary.bindAddress)).toBe(second);
  });

  it('are replaced by CONFIG SET, all of one command or nothing', async () => {
    const primary = await start();
    const client = await clientOf(primary.listenAddress);
    const config = async (...args: string[]) => String(await client.command('CONFIG', ...args));
    const first = await serialOf(primary.bindAddress);
    const alone = await config('SET', 'tls-cert-file', tlsFile('renewed.crt'), 'maxmemory', '7777777');
    expect(alone).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS configuration. Check server logs.",
    );
    expect(await config('GET', 'tls-cert-file')).toBe(`tls-cert-file,${paths.cert}`);
    expect(await config('GET', 'maxmemory')).toBe('maxmemory,0');
    expect(await serialOf(primary.bindAddress)).toBe(first);
    const both = ['tls-cert-file', tlsFile('renewed.crt'), 'tls-key-file', tlsFile('renewed.key')];
    expect(await config('SET', ...both)).toBe('+OK');
    expect(await serialOf(primary.bindAddress)).not.toBe(first);
    expect(await config('SET', 'tls-ca-cert-file', tlsFile('ca.crt'))).toMatch(/^-ERR CONFIG SET failed/);
    expect(await config('GET', 'tls-auth-clients')).toBe('tls-auth-clients,no');
  });

  it('are not begun with while the server runs', async () => {
    const { listenAddress } = await startPrimary({ listen: ':0' });
    const client = await clientOf(listenAddress);
    const reply = await client.command('CONFIG', 'SET', 'tls-cert-file', tlsFile('server.crt'));
    expect(String(reply)).toMatch(/^-ERR CONFIG SET failed/);
  });

  it('that have expired, and keys that all may read, are warned of', async () => {
    const key = join(directory, 'open.key');
    writeFileSync(key, pemOf('expired', undefined).key!, { mode: 0o644 });
    const primary = await startPrimary({ tls: true, tlsCert: tlsFile('expired.crt'), tlsKey: key });
    const warnings = [logged(primary, /open\.key/), logged(primary, /expired/)];
    expect(await Promise.all(warnings)).toEqual([
      `warn: every user of this machine may read the key ${key}; chmod 600 it`,
      expect.stringMatching(/^warn: the certificate .*expired\.crt has expired/),
    ]);
  });

  it('that cannot be used end the start', async () => {
    const nothing = { ...CERTIFIED, tlsCert: join(directory, 'nothing.crt') };
    await expect(startPrimary(nothing)).rejects.toMatchObject({ code: 'NO_INPUT', file: nothing.tlsCert });
    const mixed = { ...CERTIFIED, tlsKey: tlsFile('client.key') };
    await expect(startPrimary(mixed)).rejects.toMatchObject({ code: 'TLS_UNUSABLE', exitCode: 1 });
  });
});

describe('options of TLS', () => {
  const { tls: _, ...files } = CERTIFIED;
  it.each<[string, object, RegExp]>([
    ['a certificate without its key', { tlsCert: 'x' }, /`tlsCert` and `tlsKey` belong together/],
    ['a certificate that nothing would use', files, /Nothing would use TLS/],
    [
      'a port of TLS without a certificate',
      { tls: true },
      /`bind` is a port of TLS here, which needs `tlsCert`/,
    ],
    ['HTTPS without an address', { ...files, metricsTls: true }, /`metricsTls` needs `metrics`/],
    ['an open port', { bind: '0.0.0.0:0' }, /nothing is encrypted.*`tls`.*; `insecure` allows it/],
    ['an open port of clients', { listen: '0.0.0.0:0' }, /nothing is encrypted.*`listenTls`.*; `insecure`/],
    [
      'an open port of TLS for clients',
      { ...files, listenTls: '0.0.0.0:0' },
      /anybody.*`password`, or `tlsCa`/,
    ],
    ['an open port of TLS', { ...CERTIFIED, bind: '0.0.0.0:0' }, /anybody may come in.*`token`, or `tlsCa`/],
  ])('are refused with %s', (__, options, message) => {
    expect(() => primaryConfig(options)).toThrow(message);
  });

  it.each<[string, object]>([
    ['a token', { token: 'x' }],
    ['certificates of clients', { tlsCa: 'ca' }],
    ['--insecure', { insecure: true }],
  ])('let an open port be guarded by %s', (__, options) => {
    expect(primaryConfig({ ...CERTIFIED, bind: '0.0.0.0:0', ...options }).bind?.host).toBe('0.0.0.0');
  });

  it('need no certificate for a replica that serves none', () => {
    expect(replicaConfig('127.0.0.1:1', { tls: true }).tls).toBe(true);
  });
});
