/** The model behind `fastcache watermarks`: how far one endpoint is. */
import type { FastcacheError } from '../errors.js';
import type { EndpointHistory } from '../replication/history.js';
import { watermarkOf } from '../replication/watermarks.js';
import type { ReplicaEntry } from './replica-entry.js';
import type { StatusDocument } from './status-document.js';

/** An endpoint's watermarks and, of a fastcache server, its status. */
export interface EndpointWatermarks extends EndpointHistory {
  /** The address that was asked, or the dump that was read. */
  endpoint: string;
  role: 'primary' | 'replica' | 'dump';
  /** The endpoint's watermarks, by shard index. */
  watermarks: readonly bigint[];
  /** The Status document of a fastcache server; undefined of others. */
  status: StatusDocument | undefined;
}

/** An endpoint of which nothing could be learnt. */
export interface SilentEndpoint {
  endpoint: string;
  fault: FastcacheError;
}

/** The answer of an endpoint, or why nothing could be learnt of it. */
export type EndpointAnswer = EndpointWatermarks | SilentEndpoint;

/**
 * Milliseconds of lag from which on a live replica is behind. Acks come every 100 ms, so that less says
 * nothing.
 */
const BEHIND_FROM_MS = 500;

/**
 * A replica's state as a person should see it: of the live ones, which are behind, and which hold what was
 * never given.
 */
export type Standing = ReplicaEntry['state'] | 'behind' | 'diverging';

/** Returns a replica's state against `watermarks`, which are the primary's. */
export function standingOf(replica: ReplicaEntry, watermarks: readonly bigint[]): Standing {
  const { state, lagRecords, lagMs } = replica;
  if (replica.diverges !== null || isAhead(replica, watermarks)) return 'diverging';
  if (state !== 'live' || lagRecords === null || lagRecords === 0) return state;
  return lagMs === null || lagMs >= BEHIND_FROM_MS ? 'behind' : 'live';
}

/**
 * Returns the JSON of docs/command-line.md, "JSON of watermarks"; `replicas` is empty and `backlog` null for
 * an endpoint without a Status document.
 */
export function endpointJson(endpoint: EndpointAnswer): Record<string, unknown> {
  if ('fault' in endpoint) {
    const { code, message, offset } = endpoint.fault;
    return { endpoint: endpoint.endpoint, error: { code, message, offset } };
  }
  const { endpoint: name, role, history, base, watermarks, status } = endpoint;
  return {
    endpoint: name,
    role,
    history,
    base,
    watermarks,
    replicas: status?.replicas.map(replicaJson) ?? [],
    backlog: status === undefined ? null : backlogJson(status),
    ...(status?.link && { link: status.link }),
    ...(status?.diverges && { diverges: status.diverges }),
  };
}

function replicaJson(replica: ReplicaEntry) {
  const { address, name, announced, state, watermarks, lagRecords, lagMs } = replica;
  const { queuedBytes, sentBytesPerSecond, canResume, leewayMs, sinceSeconds } = replica;
  const lag = { lagRecords, lagMs, queuedBytes, sentBytesPerSecond };
  const diverges = replica.diverges === null ? {} : { diverges: replica.diverges };
  const more = { canResume, leewayMs, sinceSeconds, ...diverges };
  return { address, name, announced, state, watermarks, ...lag, ...more };
}

function backlogJson({ backlog: { bytes, records, windowMs, bytesPerSecond, earliest } }: StatusDocument) {
  return { bytes, records, windowMs, bytesPerSecond, earliest };
}

function isAhead({ watermarks: held }: ReplicaEntry, watermarks: readonly bigint[]): boolean {
  return held.some((own, shard) => own > watermarkOf(watermarks, shard));
}
