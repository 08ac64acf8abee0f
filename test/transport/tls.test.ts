import { createConnection, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { FastcacheError } from '../../src/errors.js';
import { parseAddress } from '../../src/transport/address.js';
import { Tls } from '../../src/transport/tls.js';
import { End } from '../support/connection-end.js';
import { pemOf } from '../support/tls.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server, its address, what was accepted and what was warned of. */
class Server {
  readonly tls: Tls;
  address = '';
  readonly accepted: End[] = [];
  readonly warnings: string[] = [];
  #wake = () => {};

  constructor(tls: Tls) {
    this.tls = tls;
  }

  static async start(tls: Tls): Promise<Server> {
    const server = new Server(tls);
    const listener = await tls.listen(
      parseAddress('127.0.0.1:0'),
      (connection) => {
        server.accepted.push(new End(connection));
        server.#wake();
      },
      (kind, message) => {
        expect(message).toContain(kind);
        server.warnings.push(message);
        server.#wake();
      },
    );
    server.address = listener.address;
    cleanups.push(() => {
      for (const { connection } of server.accepted) connection.destroy();
      return listener.close();
    });
    return server;
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Returns the fate of a connection: its end with the error, or an opened one. */
async function connect(tls: Tls, address: string): Promise<End> {
  const end = new End();
  tls.connect(parseAddress(address), { connectTimeoutMs: 20_000 }, end);
  await end.until(() => end.connection !== undefined || end.closes.length > 0);
  cleanups.push(() => end.connection?.destroy());
  return end;
}

async function faultOf(tls: Tls, address: string): Promise<FastcacheError> {
  const end = await connect(tls, address);
  await end.until(() => end.closes.length > 0);
  return end.closes[0] as FastcacheError;
}

const client = (ca: string | undefined, cert?: string) => new Tls(pemOf(cert, ca), false);

/** The certificate that the server shows now, and the session; undefined for one that was resumed. */
function shownBy(address: string, options: ConnectionOptions = {}) {
  const { host, port } = parseAddress(address);
  const socket = connectTls({ host, port, ca: pemOf(undefined, 'ca').ca, ...options }).resume();
  const session = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  return new Promise<{ serial: string; session: Buffer | undefined; protocol: string | null }>(
    (resolve, reject) => {
      socket.once('error', reject);
      socket.once('secureConnect', async () => {
        const { serialNumber: serial } = socket.getPeerCertificate();
        const protocol = socket.getProtocol();
        resolve({ serial, protocol, session: socket.isSessionReused() ? undefined : await session });
        socket.destroy();
      });
    },
  );
}

describe('a server’s certificate', () => {
  it('is accepted for an address and for a name', async () => {
    const { address } = await Server.start(new Tls(pemOf('server', undefined), false));
    for (const host of ['127.0.0.1', 'localhost']) {
      const end = await connect(client('ca'), address.replace('127.0.0.1', host));
      expect(end.closes).toEqual([]);
    }
  });

  it.each([
    ['of another authority', 'server', 'other-ca', /no authority that is trusted here.*--tls-ca/],
    ['of no authority that is known', 'server', undefined, /no authority that is trusted here.*--tls-ca/],
    [
      'for another name',
      'elsewhere',
      'ca',
      /not for 127\.0\.0\.1 but for DNS:elsewhere\.example.*connect to/,
    ],
    ['that has expired', 'expired', 'ca', /has expired.*renewed/],
  ])('%s is refused, with the next step', async (_, cert, ca, message) => {
    const { address } = await Server.start(new Tls(pemOf(cert, undefined), false));
    const fault = await faultOf(client(ca), address);
    expect(fault).toMatchObject({ code: 'TLS_FAILED', exitCode: 69, address });
    expect(fault.message).toMatch(message);
  });
});

describe('a client’s certificate', () => {
  const start = () => Server.start(new Tls(pemOf('server', 'ca'), true));

  it('that the authority vouches for opens the door', async () => {
    const server = await start();
    const end = await connect(client('ca', 'client'), server.address);
    end.connection.write(Buffer.from('hello'));
    await server.until(() => server.accepted.length > 0);
    await server.accepted[0]!.until(() => String(server.accepted[0]!.bytes) === 'hello');
    expect(server.warnings).toEqual([]);
  });

  it('that lacks is asked for at both ends', async () => {
    const server = await start();
    const fault = await faultOf(client('ca'), server.address);
    expect(fault.message).toMatch(/wants a certificate, which --tls-cert and --tls-key give/);
    await server.until(() => server.warnings.length > 0);
    expect(server.warnings).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+ presents no certificate, which --tls-ca asks for/),
    ]);
    expect(server.accepted).toEqual([]);
  });

  it('of another authority is refused at both ends', async () => {
    const server = await start();
    const fault = await faultOf(client('ca', 'stranger'), server.address);
    expect(fault.message).toMatch(/does not accept the certificate of --tls-cert/);
    await server.until(() => server.warnings.length > 0);
    expect(server.warnings).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+ has a certificate that the authority of --tls-ca does not/),
    ]);
    expect(server.accepted).toEqual([]);
  });
});

describe('a port of TLS', () => {
  async function send(address: string, bytes: string): Promise<{ socket: Socket; ended: Promise<Buffer> }> {
    const { host, port } = parseAddress(address);
    const socket = createConnection(port, host);
    socket.on('error', () => {});
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(bytes);
    return { socket, ended: new Promise((done) => socket.once('close', () => done(Buffer.concat(chunks)))) };
  }

  it.each([
    ['of Redis', '*1\r\n$4\r\nPING\r\n'],
    ['of FCRP', 'FCRP\x01\x01\x00\x00'],
    ['of HTTP', 'GET / HTTP/1.1\r\n\r\n'],
  ])('closes a plain client %s at once', async (_, bytes) => {
    const server = await Server.start(new Tls(pemOf('server', undefined), false));
    await (await send(server.address, bytes)).ended;
    await server.until(() => server.warnings.length > 0);
    expect(server.warnings).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+ speaks no TLS on a TLS port/)]);
    expect(server.accepted).toEqual([]);
  });

  it('drops unfinished handshakes when it closes', async () => {
    const tls = new Tls(pemOf('server', undefined), false);
    let begun = () => {};
    const listener = await tls.listen(parseAddress('127.0.0.1:0'), () => {});
    const { socket, ended } = await send(listener.address, '');
    await new Promise<void>((resolve) => {
      begun = resolve;
      socket.once('connect', () => begun());
    });
    await listener.close();
    await ended;
  });

  it('gives the oldest handshake’s place away when there are too many', async () => {
    const { address } = await Server.start(new Tls(pemOf('server', undefined), false));
    const crowd = await Promise.all(Array.from({ length: 1_030 }, () => send(address, '')));
    await Promise.race(crowd.map(({ ended }) => ended));
    const end = await connect(client('ca'), address);
    expect(end.closes).toEqual([]);
    for (const { socket } of crowd) socket.destroy();
  });

  it('speaks no version below 1.2, and resumes sessions', async () => {
    const { address } = await Server.start(new Tls(pemOf('server', undefined), false));
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(shownBy(address, old)).rejects.toThrow();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { protocol, session } = await shownBy(address, { maxVersion: version });
      expect(protocol).toBe(version);
      expect((await shownBy(address, { maxVersion: version, session })).session).toBe(undefined);
    }
  });
});

describe('certificates that are renewed', () => {
  it('are shown from then on; open connections stay, and sessions of before are not resumed', async () => {
    const server = await Server.start(new Tls(pemOf('server', 'ca'), false));
    const end = await connect(client('ca'), server.address);
    const before = await shownBy(server.address);
    server.tls.renew(pemOf('renewed', 'ca'));
    const after = await shownBy(server.address, { session: before.session });
    expect(after.serial).not.toBe(before.serial);
    expect(after.session).toBeDefined();
    end.connection.write(Buffer.from('still here'));
    await server.until(() => server.accepted.length > 0);
    await server.accepted[0]!.until(() => String(server.accepted[0]!.bytes) === 'still here');
  });

  it.each([
    ['a key of another certificate', { key: pemOf('client', undefined).key }, /not that of the certificate/],
    ['a key that is none', { key: Buffer.from('nothing') }, /tls-key names is no private key/],
    ['a certificate that is none', { cert: Buffer.from('nothing') }, /tls-cert names is no certificate/],
    ['an authority that is none', { ca: Buffer.alloc(0) }, /tls-ca names is no certificate/],
  ])('are refused with %s, and those of before stay', async (_, part, message) => {
    const server = await Server.start(new Tls(pemOf('server', 'ca'), false));
    const before = await shownBy(server.address);
    const broken = { ...pemOf('server', 'ca'), ...part };
    expect(() => server.tls.renew(broken)).toThrow(message);
    expect((await shownBy(server.address)).serial).toBe(before.serial);
    expect(() => new Tls(broken, false)).toThrow(expect.objectContaining({ code: 'TLS_UNUSABLE' }));
  });
});

describe('a server without TLS', () => {
  it('is named as such', async () => {
    const server = createServer((socket) => socket.end('-ERR unknown command\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as { port: number };
    const fault = await faultOf(client('ca'), `127.0.0.1:${port}`);
    expect(fault).toMatchObject({ code: 'TLS_FAILED' });
    expect(fault.message).toMatch(/no TLS is spoken there.*leave out --tls/);
  });
});
