/**
 * The document of a Status frame (docs/protocol.md, "Status"), rendered from a node's report: the model
 * behind `fastcache watermarks`. status-payload.ts writes and reads it.
 */
import { STATUS_MAX_BYTES } from '../limits.js';
import type { MetricsSnapshot } from '../replication/metrics.js';
import type { FullReplica } from '../replication/primary/full-replicas.js';
import type { RefusalKind } from '../replication/replica/refusal.js';
import { formatAddress } from '../transport/address.js';
import { type DivergenceEntry, divergenceEntry } from './divergence-entry.js';
import { briefReplicaEntry, msOrNull, type ReplicaEntry, replicaEntry } from './replica-entry.js';
import type { BacklogReport, LinkReport, NodeReport } from './report.js';
import type { ServerEntry } from './server-entry.js';

/** A server's answer in a Status frame. */
export interface StatusDocument {
  /** The version of fastcache. */
  version: string;
  role: NodeReport['role'];
  /** The history's id, 32 hex digits; null of a relay above which there is no history. */
  history: string | null;
  /** The sequence before the history's first. */
  base: bigint | null;
  /** The highest sequence of each shard that replicas could have, by shard index. */
  watermarks: bigint[];
  backlog: BacklogEntry;
  /** The connected replicas, then those that left within the last hour. */
  replicas: ReplicaEntry[];
  /** How many replicas the document had no room for. */
  unlistedReplicas: number;
  /** The histories, foreign to what is served, that replicas have kept within the last minute. */
  foreignHistories: string[];
  /** The replicas that have said of late that they have no memory for what is served. */
  fullReplicas: FullReplica[];
  /** The shards of the server that are not what they should be; null: none is known to be wrong. */
  diverges: DivergenceEntry | null;
  /** The link of a relay to its primary; null of a primary. */
  link: LinkEntry | null;
  /** The server itself; null from one that does not send it. */
  server: ServerEntry | null;
  /** The counters of replication/metrics.ts; none in a brief document. */
  metrics: Record<string, number>;
}

/** The frames that a server keeps for replicas that come back. */
export interface BacklogEntry {
  bytes: number;
  records: number;
  limitBytes: number;
  /**
   * Milliseconds that a replica may be away at the present write rate before it needs a snapshot; null:
   * nothing is written.
   */
  windowMs: number | null;
  /** Bytes of frames that are written a second; null from a server that does not know or send it. */
  bytesPerSecond: number | null;
  /** The first sequence of each shard that can still be given, by shard index; none in a brief document. */
  earliest: bigint[];
}

/** The link of a relay to its primary. */
export interface LinkEntry {
  /** `host:port`. */
  primary: string;
  /** The link's state: `live`, `snapshot`, `connecting`, … (replication/replica/follower.ts). */
  state: string;
  /** Milliseconds since the primary last sent something. */
  sinceHeardMs: number;
  /** Milliseconds behind the primary; null: not known. */
  lagMs: number | null;
}

/** The fields of a document that no report has. */
export interface ServerDetails {
  version: string;
  /** Absent: the document is a brief one, without counters and without what each shard has of its own. */
  metrics?: MetricsSnapshot | undefined;
  /** Absent: nothing is said of the server itself. */
  server?: ServerEntry;
}

/** Bytes of a document without its replicas, and of a replica without its shards, with room to spare. */
const HEAD_BYTES = 32_768;
const REPLICA_BYTES = 1_024;
/** Bytes for each shard; a number of msgpack has 9 bytes at most. */
const HEAD_BYTES_PER_SHARD = 18;
const REPLICA_BYTES_PER_SHARD = 27;

/** Renders the document; undefined: this node has nothing to serve, and so no document. */
export function statusDocument(
  report: NodeReport,
  { version, metrics, server }: ServerDetails,
): StatusDocument | undefined {
  const { role, serving, link } = report;
  if (serving?.history === undefined) return undefined;
  const { history, watermarks, backlog, connected, departed, foreignHistories, fullReplicas } = serving;
  // The replica that left last comes before those that left earlier.
  const replicas = [...connected, ...[...departed].reverse()];
  const listed = replicas.slice(0, replicasInRoom(watermarks.length));
  const isBrief = metrics === undefined;
  const entryOf = isBrief ? briefReplicaEntry : replicaEntry;
  return {
    version,
    role,
    history: history.id,
    base: history.base,
    watermarks: [...watermarks],
    backlog: backlogEntry(backlog, isBrief),
    replicas: listed.map((replica) => entryOf(replica, watermarks)),
    unlistedReplicas: replicas.length - listed.length,
    foreignHistories: [...foreignHistories],
    fullReplicas: [...fullReplicas],
    diverges: divergenceEntry(report.diverges),
    link: link === undefined ? null : linkEntry(link),
    server: server ?? null,
    metrics: { ...metrics },
  };
}

/** Returns how many replicas a document has room for. */
export function replicasInRoom(shards: number): number {
  const room = STATUS_MAX_BYTES - HEAD_BYTES - HEAD_BYTES_PER_SHARD * shards;
  return Math.floor(room / (REPLICA_BYTES + REPLICA_BYTES_PER_SHARD * shards));
}

function backlogEntry(backlog: BacklogReport, isBrief: boolean): BacklogEntry {
  const { bytes, records, limitBytes, windowMs, bytesPerSecond, shards } = backlog;
  return {
    bytes,
    records: Number(records),
    limitBytes,
    windowMs: msOrNull(windowMs),
    bytesPerSecond: bytesPerSecond ?? null,
    earliest: isBrief ? [] : shards.map(({ earliest }) => earliest),
  };
}

/** The link's state while a refusal lasts. */
const refusalStates: Record<RefusalKind, string> = {
  'foreign-history': 'refuses-foreign-history',
  'empty-snapshot': 'refuses-empty-snapshot',
  'out-of-memory': 'cannot-hold-primary',
};

function linkEntry({ primary, refusal, state, sinceHeardSeconds, lagMs }: LinkReport): LinkEntry {
  return {
    primary: formatAddress(primary),
    state: refusal === undefined ? state : refusalStates[refusal],
    sinceHeardMs: Math.round(sinceHeardSeconds * 1000),
    lagMs: lagMs ?? null,
  };
}
