/**
 * The connection over which a replica writes: writes that wait for it are bounded, end, and are sent once.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { closesLater, startPrimary } from '../support/library.js';

/** A server that does with each connection's bytes what `onData` says; closed behind the test. */
async function serverOf(onData: (bytes: string, socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => onData(bytes.toString('latin1'), socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closesLater({
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function writerTo(writeTo: string) {
  const primary = await startPrimary();
  const replica = await Replica.follow(primary.bindAddress, { writeTo });
  closesLater(replica);
  return replica.write;
}

const codeOf = (write: Promise<unknown>) =>
  write.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

/** Answers a new connection's PING and nothing else. */
const silent = (bytes: string, socket: Socket) => {
  if (bytes.includes('PING')) socket.write('+PONG\r\n');
};

describe('writes that wait for the primary', () => {
  it('are bounded in number', async () => {
    const write = await writerTo(await serverOf(silent));
    const waiting = Array.from({ length: 16_384 }, (_, index) => codeOf(write.set(`key:${index}`, 'value')));
    await expect(write.set('one more', 'value')).rejects.toMatchObject({
      code: 'TOO_MANY_WRITES',
      message: expect.stringContaining('Await writes'),
    });
    write.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['CLOSED']));
  });

  it('are bounded in bytes, and one alone may be larger', async () => {
    const write = await writerTo(await serverOf(silent));
    const large = Buffer.alloc(80 * 1024 * 1024);
    const first = codeOf(write.set('large', large));
    await expect(write.set('small', 'value')).rejects.toMatchObject({ code: 'TOO_MANY_WRITES' });
    write.close();
    expect(await first).toBe('CLOSED');
  });

  it('end with the replica while its connection is being made', async () => {
    let connected = () => {};
    const isConnected = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const write = await writerTo(await serverOf(() => connected()));
    const waiting = codeOf(write.set('key', 'value'));
    await isConnected;
    write.close();
    expect(await waiting).toBe('CLOSED');
    expect(await codeOf(write.set('key', 'value'))).toBe('CLOSED');
  });

  it('are taken back by their signal before they are sent, and leave room', async () => {
    const received: string[] = [];
    let pings = 0;
    const address = await serverOf((bytes, socket) => {
      received.push(bytes);
      if (bytes.includes('PING')) pings += 1;
      if (bytes.includes('second')) socket.write('+OK\r\n');
    });
    const write = await writerTo(address);
    const ending = new AbortController();
    const first = write.set('first', Buffer.alloc(60 * 1024 * 1024), { signal: ending.signal });
    await expect.poll(() => pings, { timeout: 30_000 }).toBe(1);
    ending.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    await expect(write.set('x', 'y', { signal: ending.signal })).rejects.toThrow('enough');
    const second = codeOf(write.set('other', Buffer.alloc(60 * 1024 * 1024)));
    write.close();
    expect(await second).toBe('CLOSED');
    expect(received.join('')).not.toContain('first');
  });

  it('are sent once, whenever the connection is lost', async () => {
    const sets: string[] = [];
    let isLosing = true;
    const address = await serverOf((bytes, socket) => {
      silent(bytes, socket);
      const found = bytes.match(/(?<=SET\r\n\$\d+\r\n)[^\r]*/g) ?? [];
      sets.push(...found);
      if (found.length === 0) return;
      if (isLosing) socket.destroy();
      else socket.write('+OK\r\n'.repeat(found.length));
    });
    const write = await writerTo(address);
    expect(await codeOf(write.set('first', 'value'))).toBe('CONNECTION_LOST');
    isLosing = false;
    expect(await codeOf(write.set('second', 'value'))).toBe('done');
    expect(sets).toEqual(['first', 'second']);
  });

  it('have the bytes that they were called with', async () => {
    const received: string[] = [];
    const address = await serverOf((bytes, socket) => {
      received.push(bytes);
      silent(bytes, socket);
      if (bytes.includes('SET')) socket.write('+OK\r\n');
    });
    const write = await writerTo(address);
    const value = Buffer.from('before');
    const set = write.set('key', value);
    value.write('behind');
    await set;
    expect(received.join('')).toContain('before');
  });
});
