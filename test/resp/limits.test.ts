/**
 * Acts that a client may not do, and that harm no other client: too long values, clients that do not read,
 * clients that go.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, FastcacheProcess } from '../support/processes.js';
import { RespClient, respCommand } from '../support/resp-client.js';

const MIB = 1024 * 1024;
const BULK_LENGTH_FAULT = '-ERR Protocol error: invalid bulk length\r\n';

async function startPrimary(...flags: string[]) {
  const process = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0', ...flags]);
  return { process, address: (await process.event('ready')).listen as string };
}

function residentBytes(process: FastcacheProcess): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(process.pid)], { encoding: 'utf8' })) * 1024;
}

describe('with --max-value 1mb', () => {
  let address: string;
  let client: RespClient;
  beforeAll(async () => {
    ({ address } = await startPrimary('--max-value', '1mb'));
    client = await RespClient.connect(address);
  });
  afterAll(() => client.close());

  /** Returns the answer to `bytes` before the connection is closed. */
  async function lastWords(bytes: Buffer | string): Promise<string> {
    const one = await RespClient.connect(address);
    one.write(bytes);
    return (await one.untilClosed()).toString();
  }

  it('a value of just that size is stored', async () => {
    const value = Buffer.alloc(MIB, 'v');
    expect(await client.command('SET', 'full', value)).toBe('+OK');
    expect(((await client.command('GET', 'full')) as Buffer).equals(value)).toBe(true);
  });

  it('a longer value gets the protocol error of Redis, and what was there stays', async () => {
    await client.command('SET', 'k', 'stays');
    expect(await lastWords(respCommand('SET', 'k', Buffer.alloc(MIB + 1)))).toBe(BULK_LENGTH_FAULT);
    expect(await client.command('GET', 'k')).toEqual(Buffer.from('stays'));
  });

  it('commands before it in the pipeline are answered, those behind it never run', async () => {
    const pipeline = [
      respCommand('SET', 'before', '1'),
      respCommand('SET', 'k', Buffer.alloc(MIB + 1)),
      respCommand('SET', 'behind', '1'),
    ];
    expect(await lastWords(Buffer.concat(pipeline))).toBe(`+OK\r\n${BULK_LENGTH_FAULT}`);
    expect(await client.command('MGET', 'before', 'behind')).toEqual([Buffer.from('1'), null]);
  });

  it('a longer one is refused when it is announced, before any of it has come', async () => {
    expect(await lastWords('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n')).toBe(BULK_LENGTH_FAULT);
    expect(await lastWords('*2\r\n$3\r\nGET\r\n$1048577\r\n')).toBe(BULK_LENGTH_FAULT);
  });

  it('a longer one is refused behind arguments that are long themselves', async () => {
    const start = Buffer.concat([
      Buffer.from('*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1000000\r\n'),
      Buffer.alloc(1_000_000),
      Buffer.from('\r\n$1\r\nb\r\n'),
    ]);
    expect(await lastWords(Buffer.concat([start, Buffer.from('$1048577\r\n')]))).toBe(BULK_LENGTH_FAULT);
    expect(await client.command('EXISTS', 'a', 'b')).toBe(0);
  });

  it('APPEND does not go past it either', async () => {
    await client.command('SET', 'appended', Buffer.alloc(MIB - 1, 'a'));
    expect(await client.command('APPEND', 'appended', 'b')).toBe(MIB);
    expect(await client.command('APPEND', 'appended', 'c')).toMatch(
      /^-ERR string exceeds maximum allowed size/,
    );
    expect(await client.command('STRLEN', 'appended')).toBe(MIB);
  });

  it('a command whose arguments are too much together is refused, and nothing of it is stored', async () => {
    const pairs = Array.from({ length: 66 }, (_, index) => [`part:${index}`, Buffer.alloc(MIB)]).flat();
    expect(await lastWords(respCommand('MSET', ...pairs))).toMatch(/^-ERR Protocol error: /);
    expect(await client.command('EXISTS', 'part:0', 'part:65')).toBe(0);
  });

  it('a client that leaves in the middle of a command changes nothing', async () => {
    await client.command('SET', 'k', 'stays');
    const whole = respCommand('SET', 'k', Buffer.alloc(900_000));
    for (const bytes of [10, 30, 500_000, whole.length - 1]) {
      const one = await RespClient.connect(address);
      await new Promise<void>((resolve) => one.socket.write(whole.subarray(0, bytes), () => resolve()));
      one.close();
    }
    expect(await client.command('GET', 'k')).toEqual(Buffer.from('stays'));
  });
});

it('more arguments than a command may have are refused when they are announced', async () => {
  const { address } = await startPrimary();
  const client = await RespClient.connect(address);
  client.write('*1048577\r\n');
  expect((await client.untilClosed()).toString()).toBe('-ERR Protocol error: invalid multibulk length\r\n');
});

describe('clients that do not read', () => {
  const CLIENTS = 4;
  const REPLIES = 200;
  const VALUE = Buffer.alloc(MIB, 'slow reader ');

  async function stalledClients(address: string): Promise<RespClient[]> {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RespClient.connect(address)));
    for (const client of clients) {
      client.socket.pause();
      client.write(Buffer.concat(Array.from({ length: REPLIES }, () => respCommand('GET', 'large'))));
    }
    return clients;
  }

  it('cost bounded memory, hold nobody up, and get every reply when they do read', async () => {
    const { process, address } = await startPrimary();
    const other = await RespClient.connect(address);
    await other.command('SET', 'large', VALUE);
    for (let round = 0; round < 20; round++) await other.command('GET', 'large');
    const before = residentBytes(process);
    const stalled = await stalledClients(address);
    for (let round = 0; round < 200; round++) {
      expect(await other.command('INCR', 'counter')).toBe(round + 1);
    }
    // All their replies together would be 800 MiB.
    expect(residentBytes(process) - before).toBeLessThan(100 * MIB);
    for (const client of stalled) {
      client.socket.resume();
      for (let reply = 0; reply < REPLIES; reply++) {
        expect(((await client.reply()) as Buffer).equals(VALUE)).toBe(true);
      }
      expect(await client.command('PING')).toBe('+PONG');
      client.close();
    }
    expect(residentBytes(process) - before).toBeLessThan(200 * MIB);
  });

  it('do not keep a primary from ending when it is told to', async () => {
    const { process, address } = await startPrimary();
    const other = await RespClient.connect(address);
    await other.command('SET', 'large', VALUE);
    const stalled = await stalledClients(address);
    await other.command('PING');
    expect(await process.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    for (const client of [other, ...stalled]) client.close();
  });

  it('nor hang up, having broken the protocol or said QUIT, are hung up on', async () => {
    const { address } = await startPrimary();
    const other = await RespClient.connect(address);
    for (const bytes of ['*x\r\n', 'QUIT\r\n']) {
      const socket = connect({ port: Number(address.split(':')[1]), allowHalfOpen: true });
      socket.on('error', () => {});
      socket.write(bytes);
      // Told, and not going.
      await once(socket.resume(), 'end');
    }
    await eventually(
      async () => String(await other.command('INFO', 'clients')),
      (info) => info.includes('connected_clients:1\r'),
    );
    other.close();
  });

  it('that broke the protocol are gone all the same', async () => {
    const { address } = await startPrimary();
    const other = await RespClient.connect(address);
    await other.command('SET', 'large', VALUE);
    const [client] = await stalledClients(address);
    client!.write('*x\r\n');
    client!.socket.resume();
    await client!.untilClosed();
    await eventually(
      async () => String(await other.command('INFO', 'clients')),
      (info) => info.includes(`connected_clients:${CLIENTS}`),
    );
  });
});
