/** The HTTP port against clients that mean it and clients that do not. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/transport/address.js';
import { type HttpRequest, listenHttp, plainText } from '../../src/transport/http.js';
import { closesLater } from '../support/library.js';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function serve(answer = async ({ path }: HttpRequest) => plainText(200, path), place = ':0') {
  const server = await listenHttp(parseAddress(place), answer);
  closesLater(server);
  return server;
}

/** A raw connection, all that it was sent so far, and its end. */
class RawClient {
  text = '';
  readonly closed: Promise<unknown>;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.text += chunk;
    });
    socket.on('error', () => {});
    this.closed = once(socket, 'close');
  }

  static async open(address: string): Promise<RawClient> {
    const socket = connect(parseAddress(address));
    sockets.push(socket);
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) await once(this.#socket, 'data');
  }
}

describe('the HTTP port', () => {
  it('answers GET with the text, HEAD with its length alone, and other methods with what it allows', async () => {
    const { address } = await serve();
    const got = await fetch(`http://${address}/there?x=1`);
    expect([got.status, await got.text()]).toEqual([200, '/there\n']);
    const head = await fetch(`http://${address}/there`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '7', '']);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = await fetch(`http://${address}/there`, { method });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  it('hands on the query, and answers 500 when there is no answer', async () => {
    const { address } = await serve(async ({ query }) => {
      if (query.has('fail')) throw new Error('no figures');
      return plainText(200, query.getAll('n').join());
    });
    expect(await (await fetch(`http://${address}/?n=1&n=a%20b?`)).text()).toBe('1,a b?\n');
    const failed = await fetch(`http://${address}/?fail`);
    expect([failed.status, await failed.text()]).toEqual([500, 'no figures\n']);
  });

  it('does not wait for a body, or ask for it, and leaves who sends one', async () => {
    const { address } = await serve();
    for (const more of [
      'Content-Length: 1000000',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue\r\nContent-Length: 9',
    ]) {
      const client = await RawClient.open(address);
      client.write(`GET /there HTTP/1.1\r\nHost: localhost\r\n${more}\r\n\r\n`);
      await client.closed;
      expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(client.text).toContain('Connection: close');
    }
  });

  it('refuses what is not HTTP and headers without end', async () => {
    const { address } = await serve();
    const wrong = await RawClient.open(address);
    wrong.write('*1\r\n$4\r\nPING\r\n');
    await wrong.closed;
    expect(wrong.text).toContain('400 Bad Request');
    const long = await RawClient.open(address);
    long.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(10_000)}`);
    await long.closed;
    expect(long.text).toContain('431');
  });

  it('lets go of whoever does not get to the end of its headers', async () => {
    const { address } = await serve();
    const slow = await RawClient.open(address);
    slow.write('GET /there HTTP/1.1\r\nHost: localhost\r\n');
    const silent = await RawClient.open(address);
    await Promise.all([slow.closed, silent.closed]);
    expect(slow.text).toContain('408 Request Timeout');
  });

  it('has room for so many and no more: the one that was idle for longest leaves for a new one', async () => {
    const { address } = await serve();
    const clients = await Promise.all(Array.from({ length: 32 }, () => RawClient.open(address)));
    for (const client of clients) {
      client.write('GET /kept HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await client.until('/kept\n');
    }
    clients[0]!.write('GET /again HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await clients[0]!.until('/again\n');
    const next = await RawClient.open(address);
    next.write('GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await next.until('/next\n');
    await clients[1]!.closed;
    clients[0]!.write('GET /still HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await clients[0]!.until('/still\n');
  });

  it('answers a probe while any number of clients trickle their headers', async () => {
    const { address } = await serve();
    for (let round = 0; round < 20; round += 1) {
      const slow = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(address)));
      for (const client of slow) client.write('GET /slow HTTP/1.1\r\nX-');
      const probe = await RawClient.open(address);
      probe.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await probe.until('/healthz\n');
    }
  });

  it('on this machine only does not answer pages that reach it by another name', async () => {
    const { address } = await serve();
    for (const [host, status] of [
      ['rebound.example', 421],
      ['127.0.0.1.rebound.example:80', 421],
      ['localhost.example', 421],
      [`localhost:${address.split(':')[1]}`, 200],
      ['LOCALHOST', 200],
      [address, 200],
      ['[::1]:9', 200],
    ] as const) {
      const client = await RawClient.open(address);
      client.write(`GET /there HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await client.until('\r\n\r\n');
      expect([host, client.text.slice(9, 12)]).toEqual([host, String(status)]);
    }
  });

  it('beyond this machine answers by every name', async () => {
    const { address } = await serve(undefined, '0.0.0.0:0');
    const client = await RawClient.open(`127.0.0.1:${address.split(':')[1]}`);
    client.write('GET /there HTTP/1.1\r\nHost: metrics.example\r\n\r\n');
    await client.until('200 OK');
  });

  it('takes its connections along when it closes', async () => {
    const server = await serve();
    const idle = await RawClient.open(server.address);
    const kept = await RawClient.open(server.address);
    kept.write('GET /kept HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await kept.until('/kept\n');
    await server.close();
    await Promise.all([idle.closed, kept.closed]);
    await expect(fetch(`http://${server.address}/`)).rejects.toThrow();
  });

  it('survives who leaves before the answer', async () => {
    let answer = () => {};
    const waits = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { address } = await serve(async ({ path }) => {
      if (path === '/late') await waits;
      return plainText(200, 'x'.repeat(path === '/late' ? 10_000_000 : 1));
    });
    const gone = await RawClient.open(address);
    gone.write('GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await fetch(`http://${address}/now`);
    for (const socket of sockets.splice(0)) socket.destroy();
    await gone.closed;
    answer();
    expect((await fetch(`http://${address}/now`)).status).toBe(200);
  });

  it('refuses a port that is taken', async () => {
    const { address } = await serve();
    await expect(listenHttp(parseAddress(address), async () => plainText(200, ''))).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      address,
    });
  });
});
