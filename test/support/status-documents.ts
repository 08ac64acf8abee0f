/** Status documents for the tests of whoever reads them: two shards, at +100 and +50 past their base. */
import type { ReplicaEntry } from '../../src/status/replica-entry.js';
import type { ServerEntry } from '../../src/status/server-entry.js';
import type { StatusDocument } from '../../src/status/status-document.js';
import type { EndpointWatermarks } from '../../src/status/watermarks.js';

export const BASE = 1_000_000n;

export function replicaReport(overrides: Partial<ReplicaEntry> = {}): ReplicaEntry {
  return {
    address: '10.0.0.7:4242',
    name: null,
    announced: null,
    state: 'live',
    watermarks: [BASE + 100n, BASE + 50n],
    acknowledges: true,
    sinceAckSeconds: 0,
    lagRecords: 0,
    lagMs: 0,
    shardLagRecords: [0, 0],
    shardLagMs: [0, 0],
    canResume: true,
    leewayMs: 60_000,
    queuedBytes: 0,
    sentBytesPerSecond: 0,
    sinceSeconds: 7_380,
    snapshotPercent: null,
    comings: 1,
    ...overrides,
  };
}

/** A replica that takes a snapshot in: how far it is cannot be known. */
export function snapshotReplica(overrides: Partial<ReplicaEntry> = {}): ReplicaEntry {
  return replicaReport({
    state: 'snapshot',
    watermarks: [],
    lagRecords: null,
    lagMs: null,
    shardLagRecords: [],
    shardLagMs: [],
    ...overrides,
  });
}

export function lagging(records: number, ms: number | null, overrides: Partial<ReplicaEntry> = {}) {
  return replicaReport({
    watermarks: [BASE + 100n - BigInt(records), BASE + 50n],
    lagRecords: records,
    lagMs: ms,
    shardLagRecords: [records, 0],
    shardLagMs: [ms, 0],
    ...overrides,
  });
}

export function serverEntry(overrides: Partial<ServerEntry> = {}): ServerEntry {
  return {
    name: null,
    uptimeMs: 0,
    keys: 0,
    usedBytes: 0,
    limitBytes: 0,
    clients: 0,
    reads: 0,
    writes: 0,
    commands: 0,
    hits: 0,
    misses: 0,
    busyMs: 0,
    hot: null,
    slow: [],
    log: [],
    ...overrides,
  };
}

export function statusDocument(overrides: Partial<StatusDocument> = {}): StatusDocument {
  return {
    version: '0.1.0',
    role: 'primary',
    history: 'ab'.repeat(16),
    base: BASE,
    watermarks: [BASE + 100n, BASE + 50n],
    backlog: {
      bytes: 12_000,
      records: 150,
      limitBytes: 67_108_864,
      windowMs: 252_000,
      bytesPerSecond: 266_305,
      earliest: [BASE + 1n, BASE + 1n],
    },
    replicas: [replicaReport()],
    unlistedReplicas: 0,
    foreignHistories: [],
    fullReplicas: [],
    link: null,
    server: serverEntry(),
    metrics: { sentRecords: 150 },
    ...overrides,
  };
}

export function answered(overrides: Partial<StatusDocument> = {}): EndpointWatermarks {
  const status = statusDocument(overrides);
  const { role, history, base, watermarks } = status;
  return { endpoint: '127.0.0.1:7631', role, history, base, watermarks, status };
}
