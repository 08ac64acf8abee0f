/** Primaries that are started again, with replicas that hold what the ones before had. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, infoOf, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-foreign-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('a replica keeps its keys when its primary is started again, until somebody means it', async () => {
  const bind = `127.0.0.1:${await freePort()}`;
  const primary = await startPrimary({ bind });
  primary.set('key', 'value');
  const careful = await follow(primary.bindAddress, { listen: ':0', metrics: ':0' });
  const obedient = await follow(primary.bindAddress, { foreignHistory: 'accept' });
  await isCaughtUp({ primary, replica: careful });
  await isCaughtUp({ primary, replica: obedient });
  const codes: string[] = [];
  const events: string[] = [];
  careful.on('foreign-history', ({ error }) => events.push((error as { code?: string }).code ?? ''));
  careful.on('lost', ({ error }) => codes.push((error as { code?: string }).code ?? error.message));
  await primary.close();
  const emptied = await startPrimary({ bind });
  await eventually(
    () => obedient.keyCount(),
    (count) => count === 0,
  );
  await eventually(
    () => codes,
    (all) => all.includes('FOREIGN_HISTORY'),
  );
  emptied.set('new', 'value');
  await eventually(
    () => obedient.get('new')?.toString(),
    (value) => value === 'value',
  );
  const tries = codes.length;
  await eventually(
    () => codes.length,
    (count) => count > tries,
  );
  const client = await clientOf(careful.listenAddress);
  expect(careful.get('key')?.toString()).toBe('value');
  expect(careful.keyCount()).toBe(1);
  expect((await infoOf(client)).get('refuses_foreign_history')).toBe('1');
  expect(events).toEqual(['FOREIGN_HISTORY']);
  const check = await runCommand(['watermarks', emptied.bindAddress, '--check']);
  expect(check).toMatchObject({ status: 2, stdout: expect.stringContaining('keeps the history') });
  const ready = await fetch(`http://${careful.metricsAddress}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('(foreign-history)')]);
  // A REPLICAOF to the very address that it follows takes in what is there.
  const [host, port] = bind.split(':');
  expect(String(await client.command('REPLICAOF', host!, port!))).toBe('+OK');
  await eventually(
    () => careful.get('new')?.toString(),
    (value) => value === 'value',
  );
  expect(careful.keyCount()).toBe(1);
  expect((await infoOf(client)).has('refuses_foreign_history')).toBe(false);
  expect(String(await client.command('REPLICAOF', host!, port!))).toBe(
    '+OK Already connected to specified master',
  );
});

it('CONFIG SET fresh-history on a primary that was started again settles it for all that are below it', async () => {
  const bind = `127.0.0.1:${await freePort()}`;
  const primary = await startPrimary({ bind });
  primary.set('key', 'value');
  const relay = await follow(primary.bindAddress, { bind: ':0' });
  const leaf = await follow(relay.bindAddress!);
  await isCaughtUp({ primary, replica: leaf });
  const refusals: string[] = [];
  relay.on('foreign-history', ({ error }) => refusals.push(error.message));
  await primary.close();
  const again = await startPrimary({ bind, listen: ':0' });
  again.set('new', 'value');
  await eventually(
    () => refusals,
    (all) => all.length > 0,
  );
  const client = await clientOf(again.listenAddress);
  expect(String(await client.command('CONFIG', 'SET', 'fresh-history', 'yes'))).toBe('+OK');
  for (const replica of [relay, leaf]) {
    await eventually(
      () => replica.get('new')?.toString(),
      (value) => value === 'value',
    );
    expect(replica.keyCount()).toBe(1);
  }
});

it('a primary that was started with --fresh is followed, and so is one that loads a dump of the history', async () => {
  const bind = `127.0.0.1:${await freePort()}`;
  const first = await startPrimary({ bind, record: join(directory, 'first') });
  first.set('key', 'first');
  const replica = await follow(bind);
  await isCaughtUp({ primary: first, replica });
  await first.close();
  const loaded = await startPrimary({ bind, load: join(directory, 'first') });
  await eventually(
    () => replica.history,
    (history) => history === loaded.history,
  );
  expect(replica.get('key')?.toString()).toBe('first');
  await loaded.close();
  const fresh = await startPrimary({ bind, freshHistory: true });
  fresh.set('key', 'fresh');
  await eventually(
    () => replica.get('key')?.toString(),
    (value) => value === 'fresh',
  );
});
