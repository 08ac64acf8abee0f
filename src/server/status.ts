/**
 * The report of a node for INFO, the metrics and a probe: its own reports, completed with facts of the
 * process.
 */

import { createRequire } from 'node:module';
import { drawHex } from '../replication/hex.js';
import type { ReplicationMetrics } from '../replication/metrics.js';
import { CommandStatistics } from '../resp/command-statistics.js';
import type { Durability } from '../resp/durability.js';
import { kernelCounts, kernelTotals } from '../resp/kernel-counts.js';
import { memoryFacts } from '../resp/memory-facts.js';
import { replicationFields } from '../status/replication-info.js';
import type { NodeReport } from '../status/report.js';
import { type FrontStatus, serverStatus } from '../status/server-status.js';
import { statusDocument } from '../status/status-document.js';
import type { ServerStatus } from '../status/status-facts.js';
import { encodeStatus } from '../status/status-payload.js';
import { type FiguredNode, serverEntry } from './figures.js';
import type { SecuredSeams } from './node-tls.js';

const { version } = createRequire(import.meta.url)('fastcache/package.json') as { version: string };

/** The 24 bits of Redis' clock that says how long keys are idle. */
const LRU_CLOCK_MASK = 0xffffff;

/** The parts of a node that are reported, as they are when they are read. */
export interface ReportedNode extends FiguredNode {
  readonly seams: SecuredSeams;
  readonly metrics: ReplicationMetrics;
  readonly isReplica: boolean;
  /** The files that it keeps on a disk. */
  readonly keeping: Pick<Durability, 'saves' | 'size' | 'fault'>;
  /** There is no content yet that could be read. */
  readonly isLoading: boolean;
  /** Returns the facts of its role, links and replicas. */
  report(): NodeReport;
}

/**
 * Makes the status for INFO and the metrics; `server` is the Redis-protocol server, undefined without one.
 */
export type Status = (server?: FrontStatus) => ServerStatus;

/** Makes a node's status; its uptime begins to count now, under a new run id. */
export function createStatus(node: ReportedNode): Status {
  const { clock, random } = node.seams;
  const startedMs = clock.nowMs();
  const runId = drawHex(random, 40);
  const noServer: FrontStatus = {
    port: 0,
    clients: [],
    pubsub: { count: () => 0, clientCount: 0 },
    statistics: new CommandStatistics(
      () => kernelCounts(node.engine),
      () => kernelTotals(node.engine, 0),
    ),
    traffic: { inputBytes: 0, outputBytes: 0 },
    clientBuffers: { bytes: 0, maxInputBytes: 0, maxOutputBytes: 0 },
    get memory() {
      const parts = { peakBytes: 0, clientBytes: 0, backlogBytes: 0, scripts: undefined };
      return memoryFacts({ engine: node.engine, ...parts });
    },
    startedAtSeconds: Math.floor(startedMs / 1000),
  };
  return (server = noServer) => {
    const { metrics } = node;
    const report = node.report();
    return serverStatus({
      role: node.isReplica ? 'slave' : 'master',
      version,
      nowMs: clock.nowMs(),
      lruClock: Math.floor(clock.monotonicUs() / 1e6) & LRU_CLOCK_MASK,
      uptimeMs: clock.nowMs() - startedMs,
      runId,
      isLoading: node.isLoading,
      loading: report.loading,
      isReplacing: report.link?.hasContent === true && report.link.syncReadBytes !== undefined,
      server,
      engine: node.engine,
      settings: node.settings,
      replication: replicationFields(report),
      durability: node.keeping,
      changes: metrics.emittedMutations + metrics.replicaApplied,
      syncs: {
        full: metrics.catchUpSnapshotCount,
        partial: metrics.catchUpBacklogCount,
        partialFailed: metrics.resumeFailureCount,
      },
    });
  };
}

/**
 * The payload of a Status frame, with which a probe is answered; undefined for a replica that has nothing to
 * serve.
 */
export function statusPayload(node: ReportedNode, isBrief: boolean): Uint8Array | undefined {
  const document = statusDocument(node.report(), {
    version,
    metrics: isBrief ? undefined : node.metrics.snapshot(),
    server: serverEntry(node),
  });
  return document && encodeStatus(document);
}
