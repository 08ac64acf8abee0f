/** SIGHUP: the end of a server whose terminal has gone, and of any that has no certificates to read anew. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { eventually, FastcacheProcess, freePort, isOnPath } from '../support/processes.js';
import { tlsFile } from '../support/tls.js';

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

it('drains a server without certificates, which exits with 0', async () => {
  const primary = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--no-listen']);
  await primary.event('ready');
  expect(await primary.kill('SIGHUP')).toEqual({ code: 0, signal: null });
});

it.skipIf(!isOnPath('script'))(
  'ends a server with certificates too, once the terminal is gone that it was started on',
  async () => {
    const port = await freePort();
    const identity = `--tls --tls-cert ${tlsFile('server.crt')} --tls-key ${tlsFile('server.key')}`;
    const command = `${process.execPath} bin/run.js primary start --bind :${port} --no-listen ${identity}`;
    const terminal = spawn('script', ['-qfc', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let shown = '';
    terminal.stdout.on('data', (chunk) => {
      shown += chunk;
    });
    await eventually(
      () => shown,
      (text) => text.includes('primary ready'),
    );
    expect(await isOpen(port)).toBe(true);
    terminal.kill('SIGKILL');
    await eventually(
      () => isOpen(port),
      (open) => !open,
    );
  },
);
