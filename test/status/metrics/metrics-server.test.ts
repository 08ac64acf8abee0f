/** `--metrics`: the metrics that Prometheus reads there, and true answers to load balancers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ReplicationMetrics } from '../../../src/replication/metrics.js';
import { embeddedPair, isCaughtUp } from '../../support/embedded-pair.js';
import { follow, startPrimary } from '../../support/library.js';
import { metricsIn } from '../../support/metric-names.js';
import { eventually, FastcacheProcess, freePort, repositoryRoot } from '../../support/processes.js';
import { type PrometheusFamily, parsePrometheus } from '../../support/prometheus-text.js';
import { RespClient } from '../../support/resp-client.js';

async function ask(address: string | undefined, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${address}${path}`);
  return { status: response.status, text: (await response.text()).trim() };
}

async function scrape(address: string | undefined): Promise<Map<string, PrometheusFamily>> {
  const response = await fetch(`http://${address}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  return parsePrometheus(await response.text());
}

/** The one value, or that of the sample with these labels. */
function sampleOf(
  families: Map<string, PrometheusFamily>,
  name: string,
  labels: Record<string, string> = {},
) {
  const matches = families.get(name)?.samples.filter((sample) => isWithin(labels, sample.labels));
  expect(matches?.length ?? 0, name).toBeLessThanOrEqual(1);
  return matches?.[0]?.value;
}

function isWithin(wanted: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value);
}

function samplesOf(families: Map<string, PrometheusFamily>): string[] {
  return [...families].filter(([, { samples }]) => samples.length > 0).map(([name]) => name);
}

describe('a primary and its replica', async () => {
  const { primary, replica, primaryPort } = await embeddedPair(
    { metrics: ':0', maxMemoryBytes: 50_000_000, backlogBytes: 1_000_000 },
    { metrics: ':0' },
  );
  const client = await RespClient.connect(`127.0.0.1:${primaryPort}`);
  afterAll(() => client.close());
  for (let index = 0; index < 10; index += 1) await client.command('SET', `key:${index}`, 'value');
  await client.command('EXPIRE', 'key:0', '1000');
  await client.command('GET', 'key:1');
  await client.command('GET', 'nothing');
  await client.command('INCR', 'key:1');
  await client.command('OBJECT', 'ENCODING', 'key:1');
  await client.command('GET', 'too', 'many');
  await client.command('NOSUCHCOMMAND', 'with:a:secret');
  await isCaughtUp({ primary, replica });
  // Its acknowledgement too: its lack changes no more.
  await client.command('WAIT', '1', '10000');

  it('show what they hold and what clients did', async () => {
    const families = await scrape(primary.metricsAddress);
    const command = (name: string, what: string) => sampleOf(families, what, { command: name });
    expect(sampleOf(families, 'fastcache_keys')).toBe(10);
    expect(sampleOf(families, 'fastcache_expiring_keys')).toBe(1);
    expect(sampleOf(families, 'fastcache_memory_limit_bytes')).toBe(50_000_000);
    expect(sampleOf(families, 'fastcache_memory_used_bytes')).toBeGreaterThan(1_000);
    expect(sampleOf(families, 'fastcache_connected_clients')).toBe(1);
    expect(sampleOf(families, 'fastcache_keyspace_misses_total')).toBe(1);
    expect(command('set', 'fastcache_commands_processed_total')).toBe(10);
    expect(command('object|encoding', 'fastcache_commands_processed_total')).toBe(1);
    expect(command('incr', 'fastcache_commands_failed_total')).toBe(1);
    expect(command('get', 'fastcache_commands_rejected_total')).toBe(1);
    expect(JSON.stringify([...families])).not.toContain('secret');
  });

  it('count no more because they are asked twice', async () => {
    // These are of the time that passes.
    const passing = /^process_|_busy_seconds_total$|_(ack|leeway|loop_delay)_seconds$/;
    const [first, second] = [await scrape(primary.metricsAddress), await scrape(primary.metricsAddress)];
    for (const [name, { samples }] of first) {
      if (passing.test(name)) continue;
      expect(second.get(name)?.samples, name).toEqual(samples);
    }
  });

  it('say the same as INFO', async () => {
    const info = String(await client.command('INFO'));
    const families = await scrape(primary.metricsAddress);
    const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
    const pairs = {
      keyspace_hits: 'fastcache_keyspace_hits_total',
      keyspace_misses: 'fastcache_keyspace_misses_total',
      expired_keys: 'fastcache_expired_keys_total',
      evicted_keys: 'fastcache_evicted_keys_total',
      total_connections_received: 'fastcache_client_connections_total',
      master_repl_offset: 'fastcache_replication_offset_records',
      repl_backlog_histlen: 'fastcache_backlog_records',
      repl_backlog_size: 'fastcache_backlog_limit_bytes',
    };
    for (const [name, metric] of Object.entries(pairs))
      expect(sampleOf(families, metric), metric).toBe(field(name));
  });

  it('show replication from both ends', async () => {
    const [own, its] = [await scrape(primary.metricsAddress), await scrape(replica.metricsAddress)];
    const labels = { history: primary.history };
    expect(sampleOf(own, 'fastcache_replication_info', { role: 'primary', ...labels })).toBe(1);
    expect(sampleOf(its, 'fastcache_replication_info', { role: 'replica', ...labels })).toBe(1);
    expect(sampleOf(own, 'fastcache_replication_offset_records')).toBe(11);
    expect(sampleOf(its, 'fastcache_replication_offset_records')).toBe(11);
    expect(sampleOf(own, 'fastcache_connected_replicas', { state: 'live' })).toBe(1);
    // The label is where its clients reach it, and no port of a connection.
    const label = { replica: replica.listenAddress! };
    expect(sampleOf(own, 'fastcache_replica_live', label)).toBe(1);
    expect(sampleOf(own, 'fastcache_replica_lag_seconds', label)).toBe(0);
    expect(sampleOf(own, 'fastcache_replica_lag_bytes', label)).toBe(0);
    expect(sampleOf(own, 'fastcache_replica_leeway_seconds', label)).not.toBe(0);
    expect(sampleOf(own, 'fastcache_gone_replicas')).toBe(0);
    const givenAt = sampleOf(own, 'fastcache_replication_last_snapshot_timestamp_seconds')!;
    expect(Math.abs(Date.now() / 1000 - givenAt)).toBeLessThan(60);
    await eventually(
      async () => sampleOf(await scrape(primary.metricsAddress), 'fastcache_replica_lag_records'),
      (lag) => lag === 0,
    );
    expect(sampleOf(its, 'fastcache_link_up')).toBe(1);
    expect(sampleOf(its, 'fastcache_link_state', { state: 'live' })).toBe(1);
    expect(sampleOf(its, 'fastcache_replication_lag_seconds')).toBeLessThan(10);
    expect(sampleOf(its, 'fastcache_keys')).toBe(10);
    expect(samplesOf(own).filter((name) => name.startsWith('fastcache_link'))).toEqual([]);
    // A replica with a port serves replicas, so it has a backlog.
    expect(sampleOf(its, 'fastcache_backlog_limit_bytes')).toBe(67_108_864);
  });

  it('count how long commands ran, by class, as LATENCY HISTOGRAM does', async () => {
    const samples = (await scrape(primary.metricsAddress)).get('fastcache_command_duration_seconds')!.samples;
    const of = (series: string, labels: Record<string, string>) =>
      samples.find((sample) => sample.series === series && isWithin(labels, sample.labels))?.value;
    const classes = new Set(samples.map(({ labels }) => labels.class));
    expect([...classes].sort()).toEqual(['other', 'pubsub', 'read', 'script', 'write']);
    // Ten SETs, an EXPIRE and an INCR that failed; WAIT and INFO of the tests, which other counts.
    expect(of('count', { class: 'write' })).toBe(12);
    expect(of('bucket', { class: 'write', le: '+Inf' })).toBe(12);
    expect(of('bucket', { class: 'write', le: '0.000001024' })).toBeLessThanOrEqual(12);
    expect(of('sum', { class: 'write' })).toBeGreaterThan(0);
    expect(of('count', { class: 'pubsub' })).toBe(0);
    const les = samples.flatMap(({ series, labels }) =>
      series === 'bucket' && labels.le !== '+Inf' ? [Number(labels.le)] : [],
    );
    expect(Math.min(...les)).toBe(0.000001024);
  });

  it('count how late the event loop was', async () => {
    const counted = async () => {
      const family = (await scrape(replica.metricsAddress)).get('fastcache_event_loop_delay_seconds');
      return family?.samples.find(({ series }) => series === 'count')?.value ?? 0;
    };
    await eventually(counted, (count) => count > 1);
  });

  it('tell every counter of replication', async () => {
    const metrics = primary.metrics();
    const families = await scrape(primary.metricsAddress);
    const name = (counter: string) => `fastcache_replication_${counter}`;
    const told = {
      emittedMutations: sampleOf(families, name('emitted_mutations_total')),
      sentBatches: sampleOf(families, name('sent_batches_total')),
      sentRecords: sampleOf(families, name('sent_records_total')),
      sentBytesCompressed: sampleOf(families, name('sent_compressed_bytes_total')),
      sentBytesUncompressed: sampleOf(families, name('sent_uncompressed_bytes_total')),
      compressionNs: Math.round(sampleOf(families, name('compression_seconds_total'))! * 1e9),
      queueDepth: sampleOf(families, name('queued_frames')),
      queueHighWatermark: sampleOf(families, name('queued_frames_max')),
      drops: sampleOf(families, name('drops_total')),
      backpressureEvents: sampleOf(families, name('backpressure_events_total')),
      replicaApplied: sampleOf(families, name('applied_records_total')),
      replicaSkipped: sampleOf(families, name('skipped_records_total')),
      replicaApplyNs: sampleOf(families, name('apply_seconds_total')),
      catchUpBacklogCount: sampleOf(families, name('catchups_total'), { kind: 'backlog' }),
      catchUpSnapshotCount: sampleOf(families, name('catchups_total'), { kind: 'snapshot' }),
      resumeFailureCount: sampleOf(families, name('resume_failures_total')),
      snapshotChunks: sampleOf(families, name('snapshot_chunks_total')),
      snapshotNs: Math.round(sampleOf(families, name('snapshot_seconds_total'))! * 1e9),
      lastSnapshotMs: Math.round(sampleOf(families, name('last_snapshot_timestamp_seconds'))! * 1000),
      linkAttempts: sampleOf(families, name('link_attempts_total')),
      linkLosses: sampleOf(families, name('link_losses_total')),
      divergences: sampleOf(families, name('divergences_total')),
    };
    expect(told).toEqual(metrics);
    expect(Object.keys(told)).toEqual(Object.keys(new ReplicationMetrics().snapshot()));
  });

  it('have every metric that the dashboard asks for, and it asks for every one of ours', async () => {
    const dashboard = readFileSync(join(repositoryRoot, 'src/status/grafana-dashboard.json'), 'utf8');
    const { panels, templating } = JSON.parse(dashboard) as {
      panels: { targets?: { expr: string }[] }[];
      templating: { list: { definition?: string }[] };
    };
    const queries = [
      ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...templating.list.map(({ definition = '' }) => definition),
    ];
    const asked = metricsIn(queries);
    const families = [await scrape(primary.metricsAddress), await scrape(replica.metricsAddress)];
    // These servers have no data directory.
    const ofData = ['fastcache_data_faulty', 'fastcache_data_last_base_timestamp_seconds'];
    expect([...asked].sort()).toEqual([...new Set([...families.flatMap(samplesOf), ...ofData])].sort());
  });
});

describe('a replica that dies', () => {
  it('keeps its series, which show that it is gone and how far it has fallen behind', async () => {
    const primary = await startPrimary({ metrics: ':0', listen: ':0', backlogBytes: 4096 });
    const replica = new FastcacheProcess(['replica', 'follow', primary.bindAddress, '--listen', ':0']);
    primary.set('key', 'value');
    const { listen } = await replica.event('ready');
    await replica.event('caught-up');
    const label = { replica: String(listen) };
    await eventually(
      async () => sampleOf(await scrape(primary.metricsAddress), 'fastcache_replica_lag_records', label),
      (lag) => lag === 0,
    );
    await replica.kill('SIGKILL');
    await eventually(
      async () => sampleOf(await scrape(primary.metricsAddress), 'fastcache_replica_live', label),
      (value) => value === 0,
    );
    primary.set('key', 'another');
    primary.flush();
    const gone = await scrape(primary.metricsAddress);
    expect(sampleOf(gone, 'fastcache_gone_replicas')).toBe(1);
    expect(sampleOf(gone, 'fastcache_replica_lag_records', label)).toBeGreaterThan(0);
    expect(sampleOf(gone, 'fastcache_replica_lag_bytes', label)).toBeGreaterThan(0);
    expect(sampleOf(gone, 'fastcache_replica_lag_seconds', label)).toBeDefined();
    expect(sampleOf(gone, 'fastcache_replica_queued_bytes', label)).toBeUndefined();
    for (let index = 0; index < 100; index += 1) primary.set(`key:${index}`, 'x'.repeat(100));
    primary.flush();
    const lost = await scrape(primary.metricsAddress);
    expect(sampleOf(lost, 'fastcache_replica_leeway_seconds', label)).toBe(0);
  });
});

describe('the metrics port', () => {
  it('is off unless it is asked for', async () => {
    expect((await startPrimary()).metricsAddress).toBeUndefined();
  });

  it('works without a Redis port, and closes with its server', async () => {
    const primary = await startPrimary({ metrics: ':0' });
    primary.set('key', 'value');
    const families = await scrape(primary.metricsAddress);
    expect(sampleOf(families, 'fastcache_keys')).toBe(1);
    expect(sampleOf(families, 'fastcache_connected_clients')).toBe(0);
    expect(sampleOf(families, 'fastcache_evicted_keys_total')).toBe(0);
    await primary.close();
    await expect(fetch(`http://${primary.metricsAddress}/healthz`)).rejects.toThrow();
  });

  it('answers that it is well, and 404 for what is not there', async () => {
    const { metricsAddress } = await startPrimary({ metrics: ':0' });
    expect(await ask(metricsAddress, '/healthz')).toEqual({ status: 200, text: 'ok' });
    for (const path of ['/', '/metrics/', '/../metrics', '//metrics', '/metrics%00']) {
      expect((await ask(metricsAddress, path)).status, path).toBe(path === '/../metrics' ? 200 : 404);
    }
  });

  it('may not be reached from other machines unless that is said', async () => {
    await expect(startPrimary({ metrics: '0.0.0.0:0' })).rejects.toMatchObject({ code: 'INSECURE_ADDRESS' });
    const options = { metrics: '0.0.0.0:0' };
    await expect(follow('127.0.0.1:1', options)).rejects.toMatchObject({ code: 'INSECURE_ADDRESS' });
    const open = await startPrimary({ metrics: '0.0.0.0:0', insecure: true });
    expect(open.metricsAddress).toMatch(/^0\.0\.0\.0:\d+$/);
  });

  it('that is taken leaves nothing open', async () => {
    const { metricsAddress } = await startPrimary({ metrics: ':0' });
    const bind = `127.0.0.1:${await freePort()}`;
    await expect(startPrimary({ bind, metrics: metricsAddress })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
    });
    await startPrimary({ bind });
  });
});

describe('/readyz', () => {
  it('of a primary is ready', async () => {
    const { metricsAddress } = await startPrimary({ metrics: ':0' });
    expect(await ask(metricsAddress, '/readyz?max_lag_ms=0')).toEqual({ status: 200, text: 'ready' });
  });

  it('of a replica waits for content and a live link, and says what is missing', async () => {
    const bind = `127.0.0.1:${await freePort()}`;
    const replica = await follow(bind, { metrics: ':0' });
    const readyz = (query = '') => ask(replica.metricsAddress, `/readyz${query}`);
    expect(await readyz()).toEqual({
      status: 503,
      text: expect.stringMatching(/^not ready: no content is whole yet \(\w+\)$/),
    });
    expect((await ask(replica.metricsAddress, '/healthz')).status).toBe(200);
    const primary = await startPrimary({ bind });
    await eventually(readyz, ({ status }) => status === 200);
    expect(await readyz('?max_lag_ms=0')).toEqual({ status: 200, text: 'ready' });
    await primary.close();
    await eventually(readyz, ({ text }) =>
      /^not ready: the link to the primary is not live \(\w+\)$/.test(text),
    );
    replica.promote();
    expect(await readyz('?max_lag_ms=0')).toEqual({ status: 200, text: 'ready' });
  });

  it('wants a number of milliseconds', async () => {
    const { metricsAddress } = await startPrimary({ metrics: ':0' });
    for (const wrong of ['', '-1', '1.5', '1e3', '0x10', 'NaN', '9'.repeat(40), '1&max_lag_ms=2']) {
      expect((await ask(metricsAddress, `/readyz?max_lag_ms=${wrong}`)).status, wrong).toBe(400);
    }
  });
});
