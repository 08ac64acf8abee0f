/** The name of a server (`--name`), by which its primary shows it, not by the port that it connects from. */
import { expect, it } from 'vitest';
import { nameInMargin } from '../../src/replication/link/server-name.js';
import type { Sample } from '../../src/status/metrics/metric-family.js';
import { replicationFamilies } from '../../src/status/metrics/replication-families.js';
import { LaggingReplica } from '../support/lagging-replica.js';
import { clientOf, closesLater, follow, infoOf, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

/** The labels of the replicas that a report lists. */
function labels(connected: readonly { name?: string; announced?: string; address: string }[]): unknown[] {
  const family = replicationFamilies.find(({ name }) => name === 'fastcache_replica_live')!;
  const samples = family.read({ node: { serving: { connected } } } as never);
  return (samples as Sample[]).map(({ labels }) => labels.replica);
}

it('is that of the replica in INFO, in watermarks and for --forget; ROLE is as without', async () => {
  const primary = await startPrimary({ listen: ':0', metrics: ':0' });
  const client = await clientOf(primary.listenAddress);
  const replica = await follow(primary.bindAddress, { listen: ':0', name: 'cache-2' });
  await eventually(
    () => primary.replicas().length,
    (replicas) => replicas === 1,
  );
  const tap = new LaggingReplica(primary.bindAddress, primary.history, primary.watermarks(), [
    ['name', 'tap_1.b'],
  ]);
  closesLater({ close: async () => tap.close() });
  await eventually(
    () => primary.replicas().filter(({ state, acknowledged }) => state === 'live' && acknowledged).length,
    (live) => live === 2,
  );
  expect(primary.replicas().map(({ name }) => name)).toEqual(['cache-2', 'tap_1.b']);
  const info = await infoOf(client);
  expect(info.get('slave0')).not.toContain('name=');
  expect(info.get('replica0')).toMatch(/,name=cache-2$/);
  expect(info.get('replica1')).toMatch(/^addr=127\.0\.0\.1:\d+,.*,name=tap_1\.b$/);
  const role = (await client.command('ROLE')) as unknown as [string, number, Buffer[][]];
  const port = replica.listenAddress!.split(':')[1];
  expect(role[2].map((row) => row.slice(0, 2).map(String))).toEqual([['127.0.0.1', port]]);
  const metrics = await (await fetch(`http://${primary.metricsAddress}/metrics`)).text();
  expect(metrics).toContain('fastcache_replica_live{replica="cache-2"} 1');

  const { stdout } = await runCommand(['watermarks', primary.bindAddress]);
  for (const name of ['cache-2', 'tap_1.b']) expect(stdout).toContain(name);
  tap.close();
  await eventually(
    () => primary.replicas().at(-1)?.state,
    (state) => state === 'gone',
  );
  const check = await runCommand(['watermarks', primary.bindAddress, '--check']);
  expect(check.stdout).toMatch(/replica tap_1\.b \(127\.0\.0\.1:\d+\) is gone/);
  expect((await runCommand(['watermarks', primary.bindAddress, '--forget', 'tap_1.b'])).status).toBe(0);
  expect(primary.replicas()).toHaveLength(1);
});

it('labels the metrics; of those that say the same, their addresses do', () => {
  const [first, second, third] = ['a:1', 'a:2', 'a:3'];
  expect(
    labels([
      { name: 'one', address: first! },
      { announced: 'b:6381', address: second! },
      { address: third! },
    ]),
  ).toEqual(['one', 'b:6381', 'a:3']);
  expect(
    labels([
      { name: 'one', address: first! },
      { name: 'one', address: second! },
    ]),
  ).toEqual(['a:1', 'a:2']);
});

it.each([
  ['cache-2', 'cache-2'],
  ['2', undefined],
  ['a:1', undefined],
  ['a,state=online', undefined],
  ['a\u202eb', undefined],
  ['a'.repeat(65), undefined],
  ['', undefined],
])('of the margin %j is %j', (name, read) => {
  expect(nameInMargin(new Map([['name', name]]))).toBe(read);
});

it('of a Rust replica, which has no margin, is none', () => {
  expect(nameInMargin(undefined)).toBeUndefined();
});
