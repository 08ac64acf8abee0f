/**
 * A replica that keeps no content: it holds no record that it acknowledges, so it counts for no client that
 * waits.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LaggingReplica } from '../support/lagging-replica.js';
import { clientOf, closesLater, directory, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';

it('does not count for WAIT, nor among the replicas that writes need', async () => {
  const primary = await startPrimary({ listen: ':0' });
  const client = await clientOf(primary.listenAddress);
  await client.command('SET', 'key', 'value');
  const has = (pairs: [string, string][]) => {
    const replica = new LaggingReplica(primary.bindAddress, primary.history, primary.watermarks(), pairs);
    closesLater({ close: async () => replica.close() });
  };
  has([['content', 'none']]);
  await eventually(
    () => primary.replicas(),
    (replicas) => replicas[0]?.acknowledged !== undefined,
  );
  expect(await client.command('WAIT', '1', '50')).toBe(0);
  await client.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
  expect(await client.command('SET', 'key', 'another')).toContain('NOREPLICAS');
  has([]);
  expect(await client.command('WAIT', '1', '0')).toBe(1);
  expect(await client.command('SET', 'key', 'another')).toBe('+OK');
});

it('is a tap with a state', async () => {
  const primary = await startPrimary({ listen: ':0' });
  const client = await clientOf(primary.listenAddress);
  const files = { state: join(directory, 'state'), record: join(directory, 'tapped.fcrp') };
  const tap = await follow(primary.bindAddress, files);
  await client.command('SET', 'key', 'value');
  await eventually(
    () => [primary.watermarks(), primary.replicas()[0]?.acknowledged],
    ([all, acknowledged]) => String(all) === String(acknowledged),
  );
  expect(await client.command('WAIT', '1', '50')).toBe(0);
  await tap.close();
});
