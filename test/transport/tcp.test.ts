import { afterEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/transport/address.js';
import type { Listener, Transport } from '../../src/transport/connection.js';
import { tcpTransport } from '../../src/transport/tcp.js';
import { Tls } from '../../src/transport/tls.js';
import { End } from '../support/connection-end.js';
import { freePort } from '../support/processes.js';
import { pemOf } from '../support/tls.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const transports: [name: string, transport: Transport][] = [
  ['TCP', tcpTransport],
  ['TLS', new Tls(pemOf('server', 'ca'), false)],
];

async function pair(transport: Transport): Promise<{ client: End; server: End; listener: Listener }> {
  let accepted: (end: End) => void = () => {};
  const accepting = new Promise<End>((resolve) => {
    accepted = resolve;
  });
  const listener = await transport.listen(parseAddress('127.0.0.1:0'), (connection) =>
    accepted(new End(connection)),
  );
  const client = new End();
  transport.connect(parseAddress(listener.address), { connectTimeoutMs: 5_000 }, client);
  const server = await accepting;
  await client.until(() => client.connection !== undefined);
  cleanups.push(
    () => listener.close(),
    () => client.connection.destroy(),
    () => server.connection.destroy(),
  );
  return { client, server, listener };
}

it('says what to do where nobody listens, and where somebody does already', async () => {
  const end = new End();
  tcpTransport.connect(parseAddress(`127.0.0.1:${await freePort()}`), { connectTimeoutMs: 5_000 }, end);
  await end.until(() => end.closes.length > 0);
  expect(end.closes[0]?.message).toMatch(
    /: nobody listens there \(ECONNREFUSED\); check that the server runs/,
  );
  const { listener } = await pair(tcpTransport);
  const taken = tcpTransport.listen(parseAddress(listener.address), () => {});
  await expect(taken).rejects.toThrow(/already: stop it, or choose another port/);
});

describe.each(transports)('%s', (_, transport) => {
  it('says which free port it took, and carries bytes both ways', async () => {
    const { client, server, listener } = await pair(transport);
    expect(listener.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    expect(client.connection.remoteAddress).toBe(listener.address);
    client.connection.write(Buffer.from('ping'));
    await server.until(() => server.bytes.length === 4);
    server.connection.write(Buffer.from('pong'));
    await client.until(() => client.bytes.length === 4);
    expect(`${server.bytes}${client.bytes}`).toBe('pingpong');
  });

  it('refuses a port that is taken', async () => {
    const { listener } = await pair(transport);
    await expect(transport.listen(parseAddress(listener.address), () => {})).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      address: listener.address,
    });
  });

  it('refuses an address that is not this machine’s', async () => {
    await expect(transport.listen({ host: '192.0.2.1', port: 0 }, () => {})).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
    });
  });

  it('tells that nobody listens, with the address', async () => {
    const free = `127.0.0.1:${await freePort()}`;
    const end = new End();
    transport.connect(parseAddress(free), { connectTimeoutMs: 5_000 }, end);
    await end.until(() => end.closes.length > 0);
    expect(end.closes).toEqual([
      expect.objectContaining({ code: 'PRIMARY_UNREACHABLE', address: free, exitCode: 69 }),
    ]);
  });

  it('does not take a standstill of its own for a peer that cannot be reached', async () => {
    const { listener } = await pair(transport);
    const end = new End();
    transport.connect(parseAddress(listener.address), { connectTimeoutMs: 1_000 }, end);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    await end.until(() => end.connection !== undefined || end.closes.length > 0);
    expect(end.closes).toEqual([]);
    end.connection.destroy();
  });

  it('says nothing more to whoever gave up', async () => {
    const end = new End();
    const free = parseAddress(`127.0.0.1:${await freePort()}`);
    const attempt = transport.connect(free, { connectTimeoutMs: 5_000 }, end);
    attempt.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(end.closes).toEqual([]);
  });

  it('tells when its buffer is full and when there is room again', async () => {
    const { client, server } = await pair(transport);
    server.connection.pause();
    const block = Buffer.alloc(1_048_576, 1);
    let sent = 0;
    let hasRoom = true;
    while (hasRoom && sent < 100) {
      hasRoom = client.connection.write(block);
      sent += 1;
    }
    expect(hasRoom).toBe(false);
    expect(client.connection.bufferedBytes).toBeGreaterThan(0);
    expect(client.drains).toBe(0);
    server.connection.resume();
    await client.until(() => client.drains > 0);
    await server.until(() => server.bytes.length === sent * block.length);
    expect(client.connection.bufferedBytes).toBe(0);
  });

  it('sends what is queued before it ends, and both ends learn of it once', async () => {
    const { client, server } = await pair(transport);
    client.connection.write(Buffer.alloc(300_000, 7));
    client.connection.end();
    await server.until(() => server.closes.length > 0);
    await client.until(() => client.closes.length > 0);
    expect(server.bytes.length).toBe(300_000);
    expect([...server.closes, ...client.closes]).toEqual([undefined, undefined]);
  });

  it('a peer that drops the connection is noticed at once, and writing then does no harm', async () => {
    const { client, server } = await pair(transport);
    client.connection.destroy();
    await server.until(() => server.closes.length > 0);
    expect(server.connection.write(Buffer.from('late'))).toBe(false);
    expect(server.closes).toHaveLength(1);
  });
});
