/**
 * What a server tells of itself in a Status frame (design.md, "Status"): the model behind `fastcache watermarks`, made
 * here from a server's parts. status-payload.ts writes and reads it.
 */
import { STATUS_MAX_BYTES } from '../limits.js';
import type { MetricsSnapshot } from '../replication/metrics.js';
import type { FrameStream } from '../replication/stream/stream.js';
import { hasReached, watermarkOf } from '../replication/watermarks.js';
import type { ReplicaStatus } from './lag.js';

export type ServerRole = 'primary' | 'replica';
export const replicaStates = ['live', 'catching-up', 'snapshot', 'gone'] as const;

export interface StatusDocument {
  /** Of fastcache. */
  version: string;
  role: ServerRole;
  /** 32 hex digits; null of a relay above which there is none. */
  history: string | null;
  /** The sequence before the history's first. */
  base: bigint | null;
  /** Index = shard: the highest sequence that replicas could have. */
  watermarks: bigint[];
  backlog: BacklogReport;
  /** Who is connected, then who left within the last hour. */
  replicas: ReplicaReport[];
  /** Replicas that there was no room for in the document. */
  unlistedReplicas: number;
  /** Of a relay, to its primary. */
  link: LinkReport | null;
  /** The counters of replication/metrics.ts. */
  metrics: Record<string, number>;
}

export interface BacklogReport {
  bytes: number;
  records: number;
  limitBytes: number;
  /** How long a replica may be away at the present write rate before it needs a snapshot; null: nothing is written. */
  windowMs: number | null;
  /** Index = shard: the first sequence that can still be given. */
  earliest: bigint[];
}

export interface ReplicaReport {
  /** `host:port`. */
  address: string;
  state: (typeof replicaStates)[number];
  /** What it has acknowledged, or of one that never does what it has been sent. Empty: nothing yet. */
  watermarks: bigint[];
  /** False of a Rust replica. */
  acknowledges: boolean;
  /** Whole seconds since it was last heard of. */
  sinceAckSeconds: number;
  /** Of all shards together; null while it takes a snapshot in. */
  lagRecords: number | null;
  /** From the first record that it lacks to the newest; null as `lagRecords`, and when they are no longer all kept. */
  lagMs: number | null;
  /** Index = shard; empty while it takes a snapshot in. */
  shardLagRecords: number[];
  /** Index = shard; null when the records are no longer all kept. */
  shardLagMs: (number | null)[];
  /** Whether the backlog has all that it lacks, so that it needs no snapshot. */
  canResume: boolean;
  /** How long that stays so at the present write rate; null: nothing is written, or it can't resume. */
  leewayMs: number | null;
}

export interface LinkReport {
  /** `host:port`. */
  primary: string;
  /** `live`, `snapshot`, `connecting`, … (replication/follower.ts). */
  state: string;
  /** Since the primary was last heard. */
  sinceHeardMs: number;
  /** Null: not known. */
  lagMs: number | null;
}

export interface StatusParts {
  version: string;
  role: ServerRole;
  stream: FrameStream;
  /** In the order in which they are told of. */
  replicas: readonly ReplicaStatus[];
  backlogLimitBytes: number;
  link: LinkReport | null;
  metrics: MetricsSnapshot;
  nowMs: number;
}

/** What a document has beside its replicas, and a replica beside its shards, with room to spare. */
const HEAD_BYTES = 4_096;
const REPLICA_BYTES = 512;
/** A number of msgpack has 9 bytes at most. */
const HEAD_BYTES_PER_SHARD = 18;
const REPLICA_BYTES_PER_SHARD = 27;

export function statusDocument(parts: StatusParts): StatusDocument {
  const { version, role, stream, replicas, backlogLimitBytes, link, metrics, nowMs } = parts;
  const { history, backlog } = stream;
  const watermarks = stream.watermarks();
  const windows = backlog.windows();
  const rates = backlog.rates(nowMs);
  const listed = replicas.slice(0, replicasInRoom(watermarks.length));
  return {
    version,
    role,
    history: history.id,
    base: history.base,
    watermarks,
    backlog: {
      bytes: windows.reduce((sum, { bytes }) => sum + bytes, 0),
      records: Number(windows.reduce((sum, { records }) => sum + records, 0n)),
      limitBytes: backlogLimitBytes,
      windowMs: msOrNull(backlog.windowMs(rates)),
      earliest: windows.map(({ earliest }) => earliest),
    },
    replicas: listed.map((replica) => replicaReport(replica, parts, rates)),
    unlistedReplicas: replicas.length - listed.length,
    link,
    metrics: { ...metrics },
  };
}

/** How many replicas a document has room for. */
export function replicasInRoom(shards: number): number {
  const room = STATUS_MAX_BYTES - HEAD_BYTES - HEAD_BYTES_PER_SHARD * shards;
  return Math.floor(room / (REPLICA_BYTES + REPLICA_BYTES_PER_SHARD * shards));
}

function replicaReport(
  replica: ReplicaStatus,
  { stream }: StatusParts,
  rates: readonly number[],
): ReplicaReport {
  const { address, state, acknowledged, lag, sinceAckSeconds } = replica;
  const watermarks = stream.watermarks();
  const held = acknowledged ?? replica.watermarks;
  const shards = lag === 'snapshot' ? [] : lag.shards;
  const isServed = lag !== 'snapshot' && hasReached(watermarks, held);
  const leeway = isServed ? stream.backlog.leeway(shards, rates) : undefined;
  return {
    address,
    // It has been sent all, and has not said that it has it whole.
    state: lag === 'snapshot' && state !== 'gone' ? 'snapshot' : state,
    // Who claims more shards than there are is told no more of than there are.
    watermarks: held.length === 0 ? [] : watermarks.map((_, shard) => watermarkOf(held, shard)),
    acknowledges: acknowledged !== undefined,
    sinceAckSeconds,
    lagRecords: lag === 'snapshot' ? null : lag.records,
    lagMs: lag === 'snapshot' ? null : msOrNull(lag.ms),
    shardLagRecords: shards.map(({ records }) => records),
    shardLagMs: shards.map(({ ms }) => msOrNull(ms)),
    canResume: leeway !== undefined,
    leewayMs: msOrNull(leeway?.ms),
  };
}

/** Records' times are their writers', and far apart where somebody's clock was wrong. */
function msOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.min(ms, Number.MAX_SAFE_INTEGER);
}
