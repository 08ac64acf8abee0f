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
