/** The programs in docs/examples do what their first lines say, and end in order. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { directory, startPrimary } from '../support/library.js';
import { eventually, LineProcess, packageRoot, repositoryRoot } from '../support/processes.js';

const ENDED = { code: 0, signal: null };

function example(name: string, ...args: string[]): LineProcess {
  return new LineProcess(process.execPath, [join(packageRoot, 'docs/examples', name), ...args]);
}

it('feature-flags.js says who has a flag, whenever that changes', async () => {
  const flags = await startPrimary();
  flags.set('flag:checkout', '{"percent":0}');
  const program = example('feature-flags.js', flags.bindAddress);
  expect(await program.nextLine()).toBe('ready');
  expect(await program.nextLine()).toBe('flag:checkout: nobody');
  flags.set('flag:checkout', '{"percent":100}');
  expect(await program.nextLine()).toBe('flag:checkout: ada grace barbara radia');
  flags.del('flag:checkout');
  expect(await program.nextLine()).toBe('flag:checkout: nobody');
  expect(await program.kill('SIGTERM')).toEqual(ENDED);
});

it('sessions.js knows who has logged in, until they log out', async () => {
  const program = example('sessions.js', '0', '127.0.0.1:0');
  const [url] = (await program.nextLine()).split(',');
  const login = await fetch(`${url}/?name=ada`, { method: 'POST' });
  const headers = { cookie: login.headers.get('set-cookie')!.split(';')[0]! };
  const visit = async () => (await fetch(url!, { headers })).text();
  expect([await visit(), await visit()]).toEqual(['Hello ada, visit 1.\n', 'Hello ada, visit 2.\n']);
  expect((await fetch(url!, { method: 'DELETE', headers })).status).toBe(204);
  expect((await fetch(url!, { headers })).status).toBe(401);
  expect(await program.kill('SIGTERM')).toEqual(ENDED);
});

it('config.js brings a file to three processes, and its changes', async () => {
  const file = join(directory, 'config.json');
  writeFileSync(file, '{"level":"info"}');
  const program = example('config.js', file);
  expect(await linesOfAll(program)).toEqual(received('info'));
  writeFileSync(file, '{"level":"debug"}');
  program.child.kill('SIGHUP');
  expect(await linesOfAll(program)).toEqual(received('debug'));
  expect(await program.kill('SIGTERM')).toEqual(ENDED);
});

/** Returns what the publisher and its three processes print, in any order. */
async function linesOfAll(program: LineProcess): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < 4) lines.push(await program.nextLine());
  return lines.sort();
}

function received(level: string): string[] {
  return [
    ...[1, 2, 3].map((number) => `process ${number}: {"level":"${level}"}`),
    'published to 3 processes',
  ];
}

it('change-capture.js writes each change once, over a restart', async () => {
  const primary = await startPrimary();
  const file = join(directory, 'changes.ndjson');
  const captured = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => /"key":"(.*)","value"/.exec(line)?.[1])
      .filter((key) => key !== undefined);
  primary.set('a', '1');
  for (const key of ['b', 'c']) {
    const program = example('change-capture.js', primary.bindAddress, file);
    expect(await program.nextLine()).toBe('caught up');
    primary.set(key, '1');
    primary.flush();
    await eventually(captured, (keys) => keys.includes(key));
    expect(await program.kill('SIGTERM')).toEqual(ENDED);
  }
  expect(captured()).toEqual(['a', 'b', 'c']);
});

it('read-through-cache.js loads once for all who wait, and keeps what was written meanwhile', async () => {
  const program = example('read-through-cache.js');
  expect(await program.nextLine()).toBe('100 readers, 1 load, price 10');
  expect(await program.nextLine()).toBe('written while it was loaded: price 12');
  expect(await program.nextLine()).toBe('after a deletion: price 10, 3 loads');
  expect(await program.exited).toEqual(ENDED);
});

it('are all tried here, and linked', () => {
  const here = readFileSync(join(repositoryRoot, 'test/docs/examples.test.ts'), 'utf8');
  const page = readFileSync(join(repositoryRoot, 'docs/embedding.md'), 'utf8');
  for (const name of readdirSync(join(repositoryRoot, 'docs/examples'))) {
    expect(here).toContain(`example('${name}'`);
    expect(page).toContain(`(examples/${name})`);
  }
});
