/** `watermarks` of a relay: its link to the primary, and the replicas below it. */
import { expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

it('a relay tells its link, its primary’s history and its leaves, until its link is gone', async () => {
  const primary = await startPrimary();
  const relay = await follow(primary.bindAddress, { bind: ':0' });
  for (let index = 0; index < 40; index += 1) primary.set(`key:${index}`, 'value');
  await isCaughtUp({ primary, replica: relay });
  const leaf = await follow(relay.bindAddress!);
  await isCaughtUp({ primary, replica: leaf });
  await eventually(
    () => String(relay.replicas()[0]?.acknowledged),
    (own) => own === String(primary.watermarks()),
  );
  const ask = (...args: string[]) => runCommand(['watermarks', relay.bindAddress!, ...args]);
  const [endpoint] = JSON.parse((await ask('--json')).stdout).endpoints;
  expect(endpoint).toMatchObject({
    role: 'replica',
    history: primary.history,
    base: String(primary.base),
    watermarks: primary.watermarks().map(String),
    replicas: [{ state: 'live', lagRecords: 0, lagMs: 0, watermarks: primary.watermarks().map(String) }],
    link: { primary: primary.bindAddress, state: 'live' },
  });
  // Under load a heartbeat may be more than a second old: `1 s 20 ms`.
  expect((await ask()).stdout).toMatch(
    new RegExp(`^of ${primary.bindAddress} {2}live, .* last heard \\d+ m?s( \\d+ ms)? ago$`, 'm'),
  );
  expect((await ask('--check', '--max-lag-ms', '5000')).status).toBe(0);
  expect((await ask('--wait', primary.bindAddress)).status).toBe(0);
  await primary.close();
  await eventually(
    () => relay.state?.name,
    (name) => name !== 'live',
  );
  const check = await ask('--check');
  expect(check.status).toBe(2);
  expect(check.stdout).toContain(`its link to ${primary.bindAddress} is not live`);
});

it('a relay that has nothing yet says so', async () => {
  const relay = await follow('127.0.0.1:1', { bind: ':0' });
  const { status, stderr } = await runCommand(['watermarks', relay.bindAddress!]);
  expect(status).toBe(1);
  expect(stderr).toContain('PRIMARY_LOADING');
});
