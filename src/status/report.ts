/**
 * The one report of a node's part in replication at one moment (docs/architecture.md, "One report"). INFO and
 * ROLE (replication-info.ts), `/metrics` and `/readyz` (metrics/), the Status frame (status-document.ts) and
 * `Primary.replicas()` render it and gather nothing themselves.
 */
import type { Clock } from '../clock.js';
import type { History } from '../replication/history.js';
import { offsetIn } from '../replication/offset.js';
import type { FailoverState } from '../replication/primary/failover.js';
import type { FullReplica } from '../replication/primary/full-replicas.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import type { ReplicaInfo } from '../replication/primary/replica-info.js';
import type { DivergenceState } from '../replication/replica/divergence.js';
import type { Follower, FollowerState } from '../replication/replica/follower.js';
import type { RefusalKind } from '../replication/replica/refusal.js';
import type { BacklogWindow } from '../replication/stream/backlog.js';
import type { FrameStream } from '../replication/stream/stream.js';
import { hasReached } from '../replication/watermarks.js';
import type { Address } from '../transport/connection.js';
import { type Lag, lagOf, type MostLagMs } from './lag.js';

/** A node's part in replication. */
export interface NodeReport {
  readonly role: 'primary' | 'replica';
  /** The history of the content; undefined while nothing is held, and for content of a Rust primary. */
  readonly history: History | undefined;
  /** Records of this history and of those that it continues, over all shards (replication/offset.ts). */
  readonly offsetRecords: bigint;
  /** The replicas and what they are served from; undefined: no replica can be served from this node. */
  readonly serving: ServingReport | undefined;
  /** The node was primary before, and has come back without its data. */
  readonly lacksData: boolean;
  /** Why the data directory cannot be written; absent while it can, and without one. */
  readonly diskFault?: string | undefined;
  /** The shards whose content is not what it should be; absent: none is known to be wrong. */
  readonly diverges?: DivergenceState | undefined;
  /** The number of times that content was found to differ, here or at a replica, since the start. */
  readonly divergences?: number;
  /** Whether writes are taken all the same. */
  readonly isUnkept?: boolean;
  /** How far it is with loading what it starts with; absent once it has that. */
  readonly loading?: LoadingReport | undefined;
  /** The link of a node that follows; undefined for a primary. */
  readonly link: LinkReport | undefined;
  /** How many replicas count for `min-replicas`; undefined while writes need none. */
  readonly goodReplicas: number | undefined;
  readonly failover: FailoverReport;
}

/** How far a node is with loading what it starts with. */
export interface LoadingReport {
  /** Unix ms. */
  readonly startedMs: number;
  readonly elapsedMs: number;
  readonly bytes: number;
  /** 0: not known. */
  readonly totalBytes: number;
}

/** How far a node is with handing over to one of its replicas. */
export interface FailoverReport {
  readonly state: 'no-failover' | FailoverState;
  /** Why the last failover was given up; undefined while none was, and once one was not. */
  readonly lastFault: string | undefined;
}

/** Replicas of a node, and what they are served from. */
export interface ServingReport {
  /** The history that is served; undefined: a relay has no content to serve yet. */
  readonly history: History | undefined;
  /**
   * The highest sequence of each shard that replicas could have, by shard index; empty as long as `history`
   * is undefined.
   */
  readonly watermarks: readonly bigint[];
  readonly offsetRecords: bigint;
  readonly backlog: BacklogReport;
  /** The connected replicas, in the order in which they came. */
  readonly connected: readonly ReplicaStatus[];
  /** The replicas that left within the last hour, in the order in which they left. */
  readonly departed: readonly ReplicaStatus[];
  /** The histories, foreign to what is served, that replicas have kept within the last minute. */
  readonly foreignHistories: readonly string[];
  /** The replicas that have said of late that they cannot hold what is served. */
  readonly fullReplicas: readonly FullReplica[];
}

/** The frames that are kept for replicas that come back. */
export interface BacklogReport {
  readonly limitBytes: number;
  readonly bytes: number;
  readonly records: bigint;
  /** How long a replica may be away at the present write rate, ms; undefined: nothing is written. */
  readonly windowMs: number | undefined;
  /** The present write rate; undefined: it is not known, because no frame is kept. */
  readonly bytesPerSecond: number | undefined;
  /** Makes the window of each shard, by its index, as of now: a brief document has none. */
  windows(): readonly BacklogWindow[];
}

/** A replica of this node: the facts of its connection, and how far it is behind. */
export interface ReplicaStatus extends ReplicaInfo {
  lag: Lag;
  /**
   * The number of records of this node's history that it holds; of one that acknowledges nothing, the number
   * that it was sent.
   */
  offsetRecords: bigint;
  /** Whether the backlog has all that it lacks, so that it needs no snapshot. */
  canResume: boolean;
  /**
   * The time for which that stays so at the present write rate, ms; undefined: nothing is written, or it
   * cannot resume.
   */
  leewayMs: number | undefined;
}

/** A replica's link to its primary. */
export interface LinkReport {
  readonly primary: Address;
  readonly state: FollowerState['name'];
  /** Why it keeps its content rather than takes the primary's; undefined while nothing is refused. */
  readonly refusal: RefusalKind | undefined;
  /** Whether the first content is whole. */
  readonly hasContent: boolean;
  /** Seconds since the primary last sent something, or since following began. */
  readonly sinceHeardSeconds: number;
  /** Seconds since a live link was last lost, or since following began. */
  readonly sinceLostSeconds: number;
  /** Milliseconds behind the primary, as `Follower.lagMs`. */
  readonly lagMs: number | undefined;
  /** Bytes of the snapshot that is being received; undefined: none is. */
  readonly syncReadBytes: number | undefined;
  /**
   * The lower, the sooner a supervisor promotes it; 0: never, also while it holds no whole content, or
   * content that is no part of its primary's.
   */
  readonly priority: number;
  /** Whether supervisors are to list it for clients. */
  readonly isAnnounced: boolean;
}

/** An operator's decisions about a replica's promotion. */
export interface Candidacy {
  readonly replicaPriority: number;
  readonly isReplicaAnnounced: boolean;
}

/** The sources of the report of served replicas. */
export interface ServingSources {
  /** The stream that replicas are served from; undefined while there is none. */
  readonly stream: FrameStream | undefined;
  /** The listener; undefined: no replicas can come. */
  readonly listener: ReplicaListener | undefined;
  readonly backlogBytes: number;
  readonly nowMs: number;
}

/** Reports the replicas and the backlog of a primary or of a relay. */
export function servingReport({ stream, listener, backlogBytes, nowMs }: ServingSources): ServingReport {
  if (stream === undefined) return servesNothing(backlogBytes);
  const { backlog, history } = stream;
  const watermarks = stream.watermarks();
  const rate = backlog.rate(nowMs);
  const mostMs = (held: ArrayLike<bigint>) => listener?.lagMs(held);
  const windowMs = backlog.windowMs(rate);
  const offsetRecords = offsetIn(history, watermarks);
  const served = { stream, watermarks, offsetRecords, rate, windowMs, mostMs };
  const statusOf = (replica: ReplicaInfo) => replicaStatus(replica, served);
  return {
    history,
    watermarks,
    offsetRecords,
    backlog: {
      limitBytes: backlogBytes,
      ...backlog.kept(),
      windowMs,
      bytesPerSecond: Number.isFinite(rate) ? Math.round(rate * 1000) : undefined,
      windows: () => backlog.windows(),
    },
    connected: listener?.replicas().map(statusOf) ?? [],
    departed: listener?.departed().map(statusOf) ?? [],
    foreignHistories: listener?.foreignHistories() ?? [],
    fullReplicas: listener?.fullReplicas() ?? [],
  };
}

/** Reports the link of a node that follows. */
export function linkReport(
  follower: Follower,
  primary: Address,
  clock: Clock,
  { replicaPriority, isReplicaAnnounced }: Candidacy,
): LinkReport {
  const secondsSince = (us: number) => Math.max(0, (clock.monotonicUs() - us) / 1_000_000);
  const { refusal, holding } = follower;
  return {
    primary,
    state: follower.state.name,
    refusal,
    hasContent: holding !== undefined,
    sinceHeardSeconds: secondsSince(follower.heardAtUs),
    sinceLostSeconds: secondsSince(follower.lostAtUs),
    lagMs: follower.lagMs,
    syncReadBytes: follower.syncReadBytes,
    priority: holding === undefined || refusal !== undefined ? 0 : replicaPriority,
    isAnnounced: isReplicaAnnounced,
  };
}

function servesNothing(backlogBytes: number): ServingReport {
  return {
    history: undefined,
    watermarks: [],
    offsetRecords: 0n,
    backlog: {
      limitBytes: backlogBytes,
      bytes: 0,
      records: 0n,
      windowMs: undefined,
      bytesPerSecond: 0,
      windows: () => [],
    },
    connected: [],
    departed: [],
    foreignHistories: [],
    fullReplicas: [],
  };
}

/** The facts from which the status of a replica is found. */
interface ServedFrom {
  stream: FrameStream;
  watermarks: readonly bigint[];
  /** The records of those watermarks, as in the report. */
  offsetRecords: bigint;
  /** The write rate, bytes a millisecond. */
  rate: number;
  /** As in the report of the backlog. */
  windowMs: number | undefined;
  mostMs: MostLagMs;
}

function replicaStatus(
  replica: ReplicaInfo,
  { stream: { backlog, history }, watermarks, offsetRecords, rate, windowMs, mostMs }: ServedFrom,
): ReplicaStatus {
  const lag = lagOf(replica, backlog, mostMs);
  // Most replicas are level most of the time, and there may be a thousand shards to count over.
  if (lag === backlog.level) return { ...replica, lag, offsetRecords, canResume: true, leewayMs: windowMs };
  const held = replica.acknowledged ?? replica.watermarks;
  const isServed = lag !== 'snapshot' && hasReached(watermarks, held);
  const leeway = isServed ? backlog.leeway(held, rate) : undefined;
  return {
    ...replica,
    lag,
    offsetRecords: offsetIn(history, held),
    canResume: leeway !== undefined,
    leewayMs: leeway?.ms,
  };
}
