/**
 * The wrong port: a peer that speaks another protocol than FCRP is answered in that, and the log has a line.
 */
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientProtocol, serverProtocol } from '../../../src/replication/link/other-protocol.js';
import { closesLater, startPrimary } from '../../support/library.js';
import { runCommand } from '../../support/run-command.js';

describe('a port for replicas', () => {
  it('answers a client of HTTP or of Redis in its protocol, and logs what has come', async () => {
    const primary = await startPrimary({});
    const lines: string[] = [];
    primary.on('log', ({ message }) => lines.push(message));
    const response = await fetch(`http://${primary.bindAddress}/metrics`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('metrics are at the port of --metrics');
    const { status, stderr } = await runCommand(['get', 'key', '--endpoint', primary.bindAddress]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('This is a port for replicas (FCRP). Clients connect to the port of --listen');
    for (const name of ['HTTP', 'the Redis protocol']) {
      expect(lines).toContainEqual(
        expect.stringContaining(`speaks ${name}, and this is the port for replicas`),
      );
    }
  });

  it.each([
    ['*1\r\n$4\r\nPING\r\n', 'the Redis protocol'],
    ['PING\r\n', 'the Redis protocol'],
    ['GET key\r\n', 'the Redis protocol'],
    ['GET / HTTP/1.1\r\n', 'HTTP'],
    ['FCRX', undefined],
    ['\u0016\u0003\u0001', undefined],
    ['', undefined],
  ])('takes %j for %s', (text, name) => {
    expect(clientProtocol(Buffer.from(text))?.name).toBe(name);
  });
});

it.each([
  ['-ERR unknown command', 'the Redis protocol'],
  ['HTTP/1.1 400 Bad Request', 'HTTP'],
])('a server that answers %j is said to speak %s', async (answer, name) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(`${answer}\r\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closesLater({ close: async () => void server.close() });
  const { port } = server.address() as { port: number };
  const { status, stderr } = await runCommand(['watermarks', `127.0.0.1:${port}`]);
  expect(status).toBe(65);
  expect(stderr).toContain(`127.0.0.1:${port} answers in ${name}, so it is no server of fastcache`);
  expect(serverProtocol(Buffer.from([0x16, 3, 1]))).toBeUndefined();
});
