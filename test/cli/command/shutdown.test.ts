import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { eventually, FastcacheProcess, freePort, LineProcess } from '../../support/processes.js';
import { RespClient } from '../../support/resp-client.js';

/** A server that takes its time to drain. */
const SCRIPT = `
import { stopRequested } from './src/cli/command/shutdown.ts';
setInterval(() => {}, 1000);
stopRequested().then((signal) => console.log('draining after ' + signal));
console.log('ready');
`;

function slowServer(): LineProcess {
  return new LineProcess(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', SCRIPT]);
}

it('a second SIGINT does not wait for the drain and exits 130', async () => {
  const server = slowServer();
  await server.nextLine();
  server.child.kill('SIGINT');
  expect(await server.nextLine()).toBe('draining after SIGINT');
  expect(await server.kill('SIGINT')).toEqual({ code: 130, signal: null });
});

it('a second SIGTERM lets it drain, a SIGINT behind it does not', async () => {
  const server = slowServer();
  await server.nextLine();
  server.child.kill('SIGTERM');
  expect(await server.nextLine()).toBe('draining after SIGTERM');
  server.child.kill('SIGTERM');
  expect(await server.kill('SIGINT')).toEqual({ code: 130, signal: null });
});

/** A tool that makes a file, and is ended while it does. */
const TOOL = `
import { writeSync } from 'node:fs';
import { untilExit } from './src/cli/command/shutdown.ts';
setInterval(() => {}, 1000);
await untilExit((ending) => {
  ending.addEventListener('abort', () => writeSync(1, 'discarded\\n'));
  writeSync(1, 'ready\\n');
  return new Promise(() => {});
});
`;

it.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s has a tool discard what is half written, from its first line on', async (signal, code) => {
  const tool = new LineProcess(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', TOOL]);
  expect(await tool.nextLine()).toBe('ready');
  expect(await tool.kill(signal)).toEqual({ code, signal: null });
  expect(await tool.nextLine()).toBe('discarded');
});

/** A server whose drain waits for a disk that never answers: a pipe that nobody writes to is like it. */
const HUNG = `
import { open } from 'node:fs/promises';
import { stopRequested } from './src/cli/command/shutdown.ts';
void open(process.argv[1]);
stopRequested().then(() => console.log('draining'));
console.log('ready');
`;

function newPipe(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fastcache-hung-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  return pipe;
}

it('a second SIGINT ends a process that waits for a disk which never answers', async () => {
  const server = new LineProcess(process.execPath, [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    HUNG,
    newPipe(),
  ]);
  await server.nextLine();
  server.child.kill('SIGINT');
  expect(await server.nextLine()).toBe('draining');
  expect(await server.kill('SIGINT')).toEqual({ code: null, signal: 'SIGKILL' });
});

it('SIGTERM ends a start that waits for a file which never answers', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const server = new FastcacheProcess(['serve', '--bind', ':0', '--listen', listen, '--load', newPipe()]);
  const client = await eventually(
    () => RespClient.connect(listen).catch(() => undefined),
    (connected) => connected !== undefined,
  );
  onTestFinished(() => client?.close());
  expect(String(await client?.command('GET', 'key'))).toContain('LOADING');
  expect(await server.kill('SIGTERM')).toEqual({ code: null, signal: 'SIGKILL' });
  expect(server.stderr).toContain('The disk does not answer');
});
