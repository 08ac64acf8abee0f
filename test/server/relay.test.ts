/** The embedded relay: its report of its replicas, and its promotion with these below it. */
import { expect, it } from 'vitest';
import type { Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, infoOf, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';

async function lostOf(replica: Replica): Promise<string[]> {
  const lost: string[] = [];
  replica.on('lost', ({ error }) => lost.push(error.message));
  return lost;
}

it('a relay tells of its replicas and its backlog as Redis does, and in the metrics', async () => {
  const primary = await startPrimary();
  primary.set('key', 'value');
  const relay = await follow(primary.bindAddress, {
    bind: ':0',
    listen: ':0',
    metrics: ':0',
    backlogBytes: 4_096,
  });
  await isCaughtUp({ primary, replica: relay });
  const client = await clientOf(relay.listenAddress);
  expect(Object.fromEntries(await infoOf(client))).toMatchObject({
    role: 'slave',
    connected_slaves: '0',
    repl_backlog_active: '1',
    repl_backlog_size: '4096',
  });
  const leaf = await follow(relay.bindAddress!, { listen: ':0' });
  await isCaughtUp({ primary, replica: leaf });
  primary.set('another', 'value');
  await isCaughtUp({ primary, replica: leaf });
  await eventually(
    () => relay.replicas()[0]?.acknowledged?.join(),
    (acknowledged) => acknowledged === primary.watermarks().join(),
  );

  expect(leaf.history).toBe(primary.history);
  expect(relay.replicas()).toMatchObject([{ state: 'live', history: primary.history, lag: { records: 0 } }]);
  const info = await infoOf(client);
  const names = [...info.keys()];
  expect(names.slice(names.indexOf('slave_priority'))).toEqual([
    ...['slave_priority', 'slave_read_only', 'replica_announced', 'connected_slaves', 'slave0'],
    ...['connected_replicas', 'replica0'],
    ...[
      'master_failover_state',
      'master_replid',
      'master_replid2',
      'master_repl_offset',
      'second_repl_offset',
    ],
    ...['repl_backlog_active', 'repl_backlog_size', 'repl_backlog_first_byte_offset', 'repl_backlog_histlen'],
    ...['shard0', 'shard1', 'shard2', 'shard3', 'divergences', ''],
  ]);
  const [, leafPort] = leaf.listenAddress!.split(':');
  expect(info.get('slave0')).toMatch(
    new RegExp(`^ip=127\\.0\\.0\\.1,port=${leafPort},state=online,offset=2,lag=\\d$`),
  );
  expect(info.get('replica0')).toBe('lag_records=0,lag_bytes=0,lag_ms=0,queued_bytes=0');
  expect(info.get('master_replid')).toBe(primary.history);
  // The entries of the snapshot are not in the backlog, and nothing else is written to the other shards.
  const shards = [...info].filter(([name]) => /^shard\d$/.test(name)).map(([, line]) => line);
  expect(shards.filter((line) => /^seq=\d+,first=\d+,bytes=[1-9]\d*,window_ms=\d+$/.test(line))).toHaveLength(
    1,
  );
  expect(shards.filter((line) => /^seq=\d+,first=\d+,bytes=0,window_ms=\d+$/.test(line))).toHaveLength(3);
  expect(await client.command('ROLE')).toHaveLength(5);
  const metrics = await (await fetch(`http://${relay.metricsAddress}/metrics`)).text();
  expect(metrics).toContain('fastcache_connected_replicas{state="live"} 1');
  expect(metrics).toContain('fastcache_backlog_limit_bytes 4096');
});

it('a relay that is promoted keeps its leaf, counts it for WAIT, and follows another later', async () => {
  const primary = await startPrimary();
  for (let index = 0; index < 1_000; index += 1) primary.set(`key:${index}`, 'value');
  const relay = await follow(primary.bindAddress, { bind: ':0', listen: ':0' });
  const leaf = await follow(relay.bindAddress!);
  await isCaughtUp({ primary, replica: leaf });
  const lost = await lostOf(leaf);
  await primary.close();

  const client = await clientOf(relay.listenAddress);
  expect(String(await client.command('REPLICAOF', 'NO', 'ONE'))).toBe('+OK');
  expect(String(await client.command('SET', 'after', 'promotion'))).toBe('+OK');
  await eventually(
    () => leaf.get('after')?.toString(),
    (value) => value === 'promotion',
  );
  expect(await client.command('WAIT', '1', '5000')).toBe(1);
  expect(lost).toHaveLength(1);
  expect(leaf).toMatchObject({ history: relay.history, shards: relay.shards });
  expect(leaf.history).not.toBe(primary.history);
  expect(leaf.keyCount()).toBe(1_001);
  const info = await infoOf(client);
  expect(Object.fromEntries(info)).toMatchObject({
    role: 'master',
    connected_slaves: '0',
    connected_replicas: '1',
    master_replid: relay.history,
    master_replid2: primary.history,
    master_repl_offset: '1001',
    second_repl_offset: '1001',
    repl_backlog_first_byte_offset: '1001',
    repl_backlog_histlen: '1',
  });

  const other = await startPrimary();
  other.set('of', 'another');
  const [host, port] = other.bindAddress.split(':');
  expect(String(await client.command('REPLICAOF', host!, port!))).toBe('+OK');
  await eventually(
    () => leaf.history,
    (history) => history === other.history,
  );
  expect(leaf.keyCount()).toBe(1);
});
