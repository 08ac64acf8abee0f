import { expect, it } from 'vitest';
import { LineProcess } from '../../support/processes.js';

/** A server that takes its time to drain. */
const SCRIPT = `
import { stopRequested } from './dist/src/cli/command/shutdown.js';
setInterval(() => {}, 1000);
stopRequested().then((signal) => console.log('draining after ' + signal));
console.log('ready');
`;

function slowServer(): LineProcess {
  return new LineProcess(process.execPath, ['--input-type=module', '-e', SCRIPT]);
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
import { untilExit } from './dist/src/cli/command/shutdown.js';
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
  const tool = new LineProcess(process.execPath, ['--input-type=module', '-e', TOOL]);
  expect(await tool.nextLine()).toBe('ready');
  expect(await tool.kill(signal)).toEqual({ code, signal: null });
  expect(await tool.nextLine()).toBe('discarded');
});
