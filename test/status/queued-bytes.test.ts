/**
 * Bytes that wait for a slow replica: one fact of the report, and the same figure in every rendering of it.
 */
import { expect, it } from 'vitest';
import { watermarksText } from '../../src/cli/watermarks/text.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { ReplicationMetrics } from '../../src/replication/metrics.js';
import { replicationFamilies } from '../../src/status/metrics/replication-families.js';
import { replicationFields } from '../../src/status/replication-info.js';
import { type NodeReport, servingReport } from '../../src/status/report.js';
import { statusDocument } from '../../src/status/status-document.js';
import { encodeStatus, readStatus } from '../../src/status/status-payload.js';
import { endpointJson } from '../../src/status/watermarks.js';
import { RawPeer } from '../support/virtual-cluster.js';
import { clustersOf, fill } from '../support/virtual-clusters.js';

const cluster = clustersOf('map');

it('are in the report, INFO, the metrics, the Status document, JSON and the table', async () => {
  const { world, transport, primary } = await cluster({}, { sendBufferBytes: 500 });
  const peer = RawPeer.connect(world, transport);
  peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
  world.run(100);
  peer.connection.pause();
  fill(primary, 0, 1_000);
  world.run(100);
  const { publisher, listener, history } = primary;
  const serving = servingReport({ stream: publisher, listener, backlogBytes: 1_048_576, nowMs: 0 });
  const report: NodeReport = {
    role: 'primary',
    history,
    offsetRecords: serving.offsetRecords,
    serving,
    link: undefined,
    lacksData: false,
    goodReplicas: undefined,
    failover: { state: 'no-failover', lastFault: undefined },
  };
  const queuedBytes = serving.connected[0]!.queuedBytes;
  // A thousand records are more than the connection takes, and less than ten times their own size.
  expect(queuedBytes).toBeGreaterThan(10_000);
  expect(queuedBytes).toBeLessThan(1_000_000);

  expect(replicationFields(report).replica0).toContain(`,queued_bytes=${queuedBytes}`);
  const family = replicationFamilies.find(({ name }) => name === 'fastcache_replica_queued_bytes')!;
  expect(family.read({ node: report } as never)).toEqual([
    { labels: { replica: serving.connected[0]!.address.replace(/:\d+$/, '') }, value: queuedBytes },
  ]);
  const document = statusDocument(report, { version: '1', metrics: new ReplicationMetrics().snapshot() })!;
  const status = readStatus(encodeStatus(document));
  expect(status.replicas[0]!.queuedBytes).toBe(queuedBytes);
  const answer = { endpoint: '127.0.0.1:1', ...status, status };
  expect(endpointJson(answer)).toMatchObject({ replicas: [{ queuedBytes }] });
  expect(watermarksText(answer, { width: 80, showsShards: false })).toContain(
    `${queuedBytes.toLocaleString('en')} bytes queued`,
  );
});
