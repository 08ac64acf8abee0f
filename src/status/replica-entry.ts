/**
 * A replica in a Status document: its shape, how it is rendered from the report, and how a peer's is read.
 */
import type { StatusMap } from '../frame/status.js';
import { hasReached, watermarkOf } from '../replication/watermarks.js';
import { asDivergence, type DivergenceEntry, divergenceEntry } from './divergence-entry.js';
import type { ReplicaStatus } from './report.js';
import {
  asCount,
  asSequence,
  asText,
  readChoice,
  readCount,
  readFlag,
  readIfSent,
  readOptional,
  readPerShard,
  readText,
} from './status-fields.js';

/** The states of a replica; `gone`: it left within the last hour. */
export const replicaStates = ['live', 'catching-up', 'snapshot', 'gone'] as const;

/** A replica of the server that the document is of. */
export interface ReplicaEntry {
  /** `host:port` that it connects from. */
  address: string;
  /** The name that its operator has given it; null: none. */
  name: string | null;
  /** `host:port` at which its clients reach it; null: it serves none, or does not say where. */
  announced: string | null;
  state: (typeof replicaStates)[number];
  /**
   * The watermarks that it has acknowledged; of one that never does, those that it has been sent. Empty:
   * nothing yet, or a brief document and none ahead of the server's.
   */
  watermarks: bigint[];
  /** Whether it acknowledges; false of a Rust replica. */
  acknowledges: boolean;
  /** Whole seconds since it last sent something. */
  sinceAckSeconds: number;
  /** How many records it lacks of all shards; null while it receives a snapshot. */
  lagRecords: number | null;
  /**
   * Milliseconds from the first record that it lacks to the newest; at most so many where these records are
   * no longer all kept. null while it receives a snapshot, and when it is not known.
   */
  lagMs: number | null;
  /**
   * How many records it lacks of each shard, by its index; empty while it receives a snapshot, and in a brief
   * document.
   */
  shardLagRecords: number[];
  /**
   * Milliseconds of lag of each shard, by its index; null when the records are no longer all kept. Empty as
   * `shardLagRecords`.
   */
  shardLagMs: (number | null)[];
  /** Whether the backlog has all that it lacks, so that it needs no snapshot. */
  canResume: boolean;
  /**
   * Milliseconds that this lasts at the present write rate; null: nothing is written, or it cannot resume.
   */
  leewayMs: number | null;
  /** Bytes of frames that wait until its connection takes them; null from a server that does not send it. */
  queuedBytes: number | null;
  /** Bytes a second that it was sent of late; null from a server that does not send it. */
  sentBytesPerSecond: number | null;
  /** Whole seconds since it came, or since it left; null from a server that does not send it. */
  sinceSeconds: number | null;
  /** How much of its snapshot has been made for it, whole percents; null: none is, or it is not known. */
  snapshotPercent: number | null;
  /** How often it has come within the last minute; null from a server that does not send it. */
  comings: number | null;
  /** The shards of which it says that they hold something else than this server's; null: of none. */
  diverges: DivergenceEntry | null;
}

/** Renders a replica of a node with these watermarks. */
export function replicaEntry(replica: ReplicaStatus, { length: shards }: ArrayLike<bigint>): ReplicaEntry {
  const { lag } = replica;
  const held = replica.acknowledged ?? replica.watermarks;
  const shardLags = lag === 'snapshot' ? [] : lag.shards;
  return {
    ...entryWithoutShards(replica),
    // A replica may claim more shards than there are; the entry has as many as there are.
    watermarks:
      held.length === 0 ? [] : Array.from({ length: shards }, (_, shard) => watermarkOf(held, shard)),
    shardLagRecords: shardLags.map(({ records }) => records),
    shardLagMs: shardLags.map(({ ms }) => msOrNull(ms)),
  };
}

/** Renders a replica for a brief document: without its shards, unless one is ahead of the node's. */
export function briefReplicaEntry(replica: ReplicaStatus, watermarks: ArrayLike<bigint>): ReplicaEntry {
  const held = replica.acknowledged ?? replica.watermarks;
  if (!hasReached(watermarks, held)) return replicaEntry(replica, watermarks);
  return { ...entryWithoutShards(replica), watermarks: [], shardLagRecords: [], shardLagMs: [] };
}

function entryWithoutShards(
  replica: ReplicaStatus,
): Omit<ReplicaEntry, 'watermarks' | 'shardLagRecords' | 'shardLagMs'> {
  const { address, announced, state, acknowledged, lag, sinceAckSeconds, canResume, leewayMs } = replica;
  const { queuedBytes, sentBytesPerSecond, sinceSeconds } = replica;
  return {
    address,
    name: replica.name ?? null,
    announced: announced ?? null,
    // The replica may have been sent the whole snapshot, and has not acknowledged it yet.
    state: lag === 'snapshot' && state !== 'gone' ? 'snapshot' : state,
    acknowledges: acknowledged !== undefined,
    sinceAckSeconds,
    lagRecords: lag === 'snapshot' ? null : lag.records,
    lagMs: lag === 'snapshot' ? null : msOrNull(lag.ms),
    canResume,
    leewayMs: msOrNull(leewayMs),
    queuedBytes,
    sentBytesPerSecond,
    sinceSeconds,
    snapshotPercent: replica.snapshotPercent ?? null,
    comings: replica.comings ?? 0,
    diverges: divergenceEntry(replica.diverges),
  };
}

/** Reads a replica of a peer's document, of a brief one perhaps. Throws `FCRP_STATUS_MALFORMED`. */
export function readReplica(map: StatusMap, shards: number, isBrief: boolean): ReplicaEntry {
  const hasNoShards = isBrief || map.lagRecords === null;
  const msOfShard = (value: StatusMap[string]) => (value === null ? null : asCount(value));
  return {
    address: readText(map, 'address'),
    name: readIfSent(map, 'name', asText),
    announced: readIfSent(map, 'announced', asText),
    state: readChoice(map, 'state', replicaStates),
    watermarks: readPerShard(map, 'watermarks', shards, asSequence, true),
    acknowledges: readFlag(map, 'acknowledges'),
    sinceAckSeconds: readCount(map, 'sinceAckSeconds'),
    lagRecords: readOptional(map, 'lagRecords', asCount),
    lagMs: readOptional(map, 'lagMs', asCount),
    shardLagRecords: readPerShard(map, 'shardLagRecords', shards, asCount, hasNoShards),
    shardLagMs: readPerShard(map, 'shardLagMs', shards, msOfShard, hasNoShards),
    canResume: readFlag(map, 'canResume'),
    leewayMs: readOptional(map, 'leewayMs', asCount),
    queuedBytes: readIfSent(map, 'queuedBytes', asCount),
    sentBytesPerSecond: readIfSent(map, 'sentBytesPerSecond', asCount),
    sinceSeconds: readIfSent(map, 'sinceSeconds', asCount),
    snapshotPercent: readIfSent(map, 'snapshotPercent', asCount),
    comings: readIfSent(map, 'comings', asCount),
    diverges: readIfSent(map, 'diverges', asDivergence),
  };
}

/**
 * Makes a time fit for a document. Records carry their writers' times, which lie far apart where a clock was
 * wrong.
 */
export function msOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.min(ms, Number.MAX_SAFE_INTEGER);
}
