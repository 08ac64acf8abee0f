/** `npm start`: the processes that it runs, and the keys that one may press. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, expect, it } from 'vitest';
import { eventually, repositoryRoot } from '../support/processes.js';

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGTERM');
});

it('runs a primary, a replica and a tap, shows watermarks, and ends with q', async () => {
  const demo = spawn(process.execPath, ['bin/demo.js', '0', '0'], { cwd: repositoryRoot });
  children.push(demo);
  let text = '';
  demo.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const shows = (pattern: RegExp) =>
    eventually(
      () => text,
      (all) => pattern.test(all),
    );
  await shows(/redis-cli -p \d+ set greeting hello/);
  await shows(/was there on the replica [\d.]+ ms\s+later/);
  // It is no wider than the terminal, or 80 columns where there is none.
  const lines = text.split('\n').filter((line) => !line.includes('redis-cli'));
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  // The watermarks that it shows at first.
  await shows(/backlog/);
  await shows(/^replica +live[\s\S]*^tap +live/m);
  demo.stdin.write('s');
  await shows(/^tap: set "demo:1" "/m);
  demo.stdin.write('t');
  await shows(/^The tap is hidden\.$/m);
  demo.stdin.write('q');
  const [status] = await once(demo, 'exit');
  expect(status).toBe(0);
});
