/** `fastcache serve`: either role, which is remembered across `kill -9`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clientOf, directory } from '../support/library.js';
import { eventually, FastcacheProcess, freePort } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

it('begins in either role, and as what it was when it was killed', async () => {
  const [bind, roleFile] = [`127.0.0.1:${await freePort()}`, join(directory, 'server.role')];
  const primary = new FastcacheProcess(['serve', '--listen', ':0', '--bind', bind]);
  const ready = await primary.event('ready');
  expect(ready).toMatchObject({ role: 'primary', bind, shards: 4 });
  const client = await clientOf(ready.listen as string);
  expect(String(await client.command('SET', 'key', 'value'))).toBe('+OK');

  const follows = ['serve', '--replicaof', bind, '--listen', ':0', '--role-file', roleFile];
  const replica = new FastcacheProcess(follows);
  expect(await replica.event('ready')).toMatchObject({ role: 'replica', primary: bind, bind: null });
  await replica.event('caught-up');
  replica.child.kill('SIGUSR2');
  await replica.event('promoted');
  await eventually(
    () => readFileSync(roleFile, 'utf8'),
    (text) => text.includes('"role": "primary"'),
  );
  await replica.kill('SIGKILL');

  const again = new FastcacheProcess(follows);
  const lacking = await again.event('ready');
  expect(lacking).toMatchObject({ role: 'primary', lacksData: true });
  const other = await clientOf(lacking.listen as string);
  expect(String(await other.command('PING'))).toMatch(/^-NODATA /);
  const [host, port] = bind.split(':') as [string, string];
  expect(String(await other.command('REPLICAOF', host, port))).toBe('+OK');
  await again.event('caught-up');
  expect(String(await other.command('GET', 'key'))).toBe('value');
  expect(await again.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  await primary.kill('SIGTERM');
});

it('refuses the flags of a tap, and Sentinels without a name', async () => {
  expect((await runCommand(['serve', '--changes'])).status).toBe(2);
  const nameless = await runCommand(['serve', '--sentinels', '10.0.0.1:26379']);
  expect(nameless.status).toBe(2);
  expect(nameless.stderr).toContain('give --sentinel-name');
});
