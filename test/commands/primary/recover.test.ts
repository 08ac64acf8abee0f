import { expect, it } from 'vitest';
import { FastcacheProcess, freePort } from '../../support/processes.js';
import { RespClient } from '../../support/resp-client.js';
import { runCommand } from '../../support/run-command.js';

const primaryFlags = (bind: string, ...flags: string[]) => ['primary', 'start', '--bind', bind, ...flags];

it('primary start --recover has the content back that its replicas hold, or says why not', async () => {
  const bind = `127.0.0.1:${await freePort()}`;
  const first = new FastcacheProcess(primaryFlags(bind, '--listen', ':0'));
  const client = await RespClient.connect((await first.event('ready')).listen as string);
  await client.command('SET', 'key', 'value');
  client.close();
  const relay = new FastcacheProcess(['replica', 'follow', bind, '--no-listen', '--bind', ':0']);
  const place = (await relay.event('ready')).bind as string;
  await relay.event('caught-up');

  const second = await runCommand(primaryFlags(':0', '--no-listen', '--recover', place));
  expect(second.status).toBe(1);
  expect(second.stderr).toContain(`${bind} is a primary already`);
  const sibling = new FastcacheProcess(
    primaryFlags(':0', '--no-listen', '--recover', place, '--recover-or-follow'),
  );
  expect(await sibling.event('ready')).toMatchObject({ role: 'replica', primary: bind });
  await sibling.event('caught-up');
  expect(await sibling.kill('SIGTERM')).toEqual({ code: 0, signal: null });

  await first.kill('SIGKILL');
  const again = new FastcacheProcess(primaryFlags(bind, '--no-listen'), { FASTCACHE_RECOVER: place });
  expect(await again.event('ready')).toMatchObject({ role: 'primary', recoveredKeys: 1 });
  await relay.event('live');
  expect(await again.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  await relay.kill('SIGTERM');

  const nobody = await runCommand(primaryFlags(':0', '--no-listen', '--recover', `${bind},${place}`));
  expect(nobody.status).toBe(69);
  expect(nobody.stderr).toContain('Nothing was recovered');
  expect(nobody.stderr).toContain('--fresh');
});
