/** A replica that has no memory for what its primary has, from the outside. */
import { expect, it } from 'vitest';
import { ShardEngine } from '../../src/engine/shard-engine.js';
import { replicaConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { clientOf, closesLater, infoOf, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

it('keeps what it holds, and shows it in INFO, /readyz and watermarks --check', async () => {
  const primary = await startPrimary();
  primary.set('key', 'value');
  const options = { bind: ':0', listen: ':0', metrics: ':0', reconnectBackoffMs: 10 };
  const node = await Node.start(replicaConfig(primary.bindAddress, options), {
    ...systemNodeSeams,
    createEngine: (given) => new ShardEngine({ ...given, maxMemoryBytes: 2 * 1024 * 1024 }),
  });
  closesLater(node);
  const lost: { error: Error; retryInMs: number }[] = [];
  node.events.on('lost', (event) => lost.push(event));
  await eventually(
    () => node.engine.get(Buffer.from('key'))?.toString(),
    (value) => value === 'value',
  );
  for (let at = 0; at < 40; at++) primary.set(`big:${at}`, Buffer.alloc(100_000, 'v'));
  await eventually(
    () => lost.length,
    (count) => count > 0,
  );
  expect(lost[0]).toMatchObject({
    error: { code: 'OUT_OF_MEMORY', message: expect.stringMatching(/\d+ of the 2097152 bytes/) },
  });
  expect(lost[0]!.retryInMs).toBeGreaterThanOrEqual(60_000);
  const client = await clientOf(node.clientPorts?.address);
  expect(String(await client.command('GET', 'key'))).toBe('value');
  expect((await infoOf(client)).get('cannot_hold_primary')).toBe('1');
  const ready = await fetch(`http://${node.metricsAddress}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([
    503,
    expect.stringContaining('than this replica can hold'),
  ]);
  const check = await runCommand(['watermarks', node.bindAddress!, '--check']);
  expect(check).toMatchObject({ status: 2, stdout: expect.stringContaining('(cannot-hold-primary)') });
  // An operator who does not want to wait for a minute asks for the primary once more.
  const [host, port] = primary.bindAddress.split(':');
  expect(String(await client.command('REPLICAOF', host!, port!))).toBe('+OK');
  await eventually(
    () => lost.length,
    (count) => count > 1,
  );
  expect(node.engine.keyCount()).toBeGreaterThanOrEqual(1);
});
