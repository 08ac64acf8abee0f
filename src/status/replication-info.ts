/**
 * Renders INFO's replication section and ROLE's answer (reference: Redis' field names) from a node's report.
 */
import { secondOffset } from '../replication/offset.js';
import type { DivergenceState } from '../replication/replica/divergence.js';
import type { FollowerState } from '../replication/replica/follower.js';
import type { RefusalKind } from '../replication/replica/refusal.js';
import type { BacklogWindow } from '../replication/stream/backlog.js';
import type { Reply } from '../resp/reply.js';
import { hostOf } from '../transport/address.js';
import { lagLine } from './lag.js';
import type { LinkReport, NodeReport, ReplicaStatus, ServingReport } from './report.js';

type Fields = Record<string, string | number>;

/** Redis' words for a replica's state. */
const replicaStates = {
  snapshot: 'send_bulk',
  'catching-up': 'send_bulk',
  live: 'online',
  gone: 'gone',
} as const;

/** Redis' words, in ROLE, for the state of a replica's link. */
const linkStates: Record<FollowerState['name'], string> = {
  disconnected: 'connect',
  connecting: 'connecting',
  handshake: 'handshake',
  snapshot: 'sync',
  live: 'connected',
  stopped: 'connect',
};

/** The fields by which a replica shows that it keeps what it holds. */
const refusalFields: Record<RefusalKind, string> = {
  'foreign-history': 'refuses_foreign_history',
  'empty-snapshot': 'refuses_empty_snapshot',
  'out-of-memory': 'cannot_hold_primary',
};

const NO_HISTORY = '0'.repeat(40);

/** Renders INFO's replication section behind `role`. Offsets are records, of all shards together. */
export function replicationFields(report: NodeReport): Fields {
  const { history, serving, link, goodReplicas, lacksData, failover } = report;
  return {
    ...(lacksData && { lacks_data: 1 }),
    ...(link !== undefined && linkFields(link, report.offsetRecords)),
    connected_slaves: serving?.connected.filter(isAnnounced).length ?? 0,
    ...(goodReplicas !== undefined && { min_slaves_good_slaves: goodReplicas }),
    ...(serving !== undefined && replicaFields(serving.connected)),
    master_failover_state: failover.state,
    ...(failover.lastFault !== undefined && { master_failover_fault: lineOf(failover.lastFault) }),
    master_replid: history?.id ?? NO_HISTORY,
    master_replid2: history?.previous?.id ?? NO_HISTORY,
    master_repl_offset: String(report.offsetRecords),
    second_repl_offset: secondOffset(history),
    ...(serving !== undefined && backlogFields(serving)),
    ...(report.divergences !== undefined && { divergences: report.divergences }),
    ...(report.diverges !== undefined && divergenceFields(report.diverges)),
  };
}

/** Renders the shards that differ, and since when, Unix seconds. */
function divergenceFields({ shards, sinceMs }: DivergenceState): Fields {
  return { diverges_shards: shards.join(','), diverges_since: Math.floor(sinceMs / 1000) };
}

/** Returns a text, in which words of a peer may be, as one that does not end a line of INFO. */
function lineOf(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}

/** Renders ROLE's answer. */
export function roleReply({ link, offsetRecords, serving }: NodeReport): Reply {
  if (link !== undefined) {
    const { primary, state } = link;
    return ['slave', primary.host, primary.port, linkStates[state], offsetRecords];
  }
  const replicas = serving?.connected.filter(isAnnounced).map(({ announced, offsetRecords: held }) => {
    const { ip, port } = addressParts(announced);
    return [ip, port, String(held)];
  });
  return ['master', offsetRecords, replicas ?? []];
}

function linkFields(link: LinkReport, offsetRecords: bigint): Fields {
  const isLive = link.state === 'live';
  return {
    master_host: link.primary.host,
    master_port: link.primary.port,
    master_link_status: isLive ? 'up' : 'down',
    master_last_io_seconds_ago: isLive ? Math.floor(link.sinceHeardSeconds) : -1,
    master_sync_in_progress: link.syncReadBytes === undefined ? 0 : 1,
    slave_read_repl_offset: String(offsetRecords),
    slave_repl_offset: String(offsetRecords),
    ...(link.syncReadBytes !== undefined && syncFields(link.syncReadBytes, link.sinceHeardSeconds)),
    ...(isLive ? {} : { master_link_down_since_seconds: Math.floor(link.sinceLostSeconds) }),
    slave_priority: link.priority,
    slave_read_only: 1,
    replica_announced: link.isAnnounced ? 1 : 0,
    ...(link.refusal !== undefined && { [refusalFields[link.refusal]]: 1 }),
  };
}

/**
 * Renders the sync as Redis shows a snapshot whose size it does not know (diskless): no peer says how much is
 * to come.
 */
function syncFields(readBytes: number, sinceHeardSeconds: number): Fields {
  return {
    master_sync_total_bytes: 0,
    master_sync_read_bytes: readBytes,
    master_sync_left_bytes: -readBytes,
    master_sync_perc: '0.00',
    master_sync_last_io_seconds_ago: Math.floor(sinceHeardSeconds),
  };
}

/** A replica that says where its clients reach it. */
type Announced = ReplicaStatus & { readonly announced: string };

function isAnnounced(replica: ReplicaStatus): replica is Announced {
  return replica.announced !== undefined;
}

/**
 * Renders `slaveN` with Redis' fields for the replicas that clients can read from, since supervisors connect
 * to what they find there; and `replicaN` for all, in the same order and the others behind, with the facts
 * for which Redis has no field.
 */
function replicaFields(replicas: readonly ReplicaStatus[]): Fields {
  const announced = replicas.filter(isAnnounced);
  const others = replicas.filter((replica) => !isAnnounced(replica));
  return Object.fromEntries([
    ...announced.map((replica, index) => [`slave${index}`, slaveLine(replica)]),
    ['connected_replicas', replicas.length],
    ...announced.map((replica, index) => [`replica${index}`, replicaLine(replica)]),
    ...others.map((replica, index) => [`replica${announced.length + index}`, otherLine(replica)]),
  ]);
}

function slaveLine(replica: Announced): string {
  const { ip, port } = addressParts(replica.announced);
  return `ip=${ip},port=${port},${progressLine(replica)}`;
}

/** Renders a replica that has no `slaveN`, with the address that it connects from. */
function otherLine(replica: ReplicaStatus): string {
  return `addr=${replica.address},${progressLine(replica)},${replicaLine(replica)}`;
}

function progressLine({ state, offsetRecords, sinceAckSeconds }: ReplicaStatus): string {
  return `state=${replicaStates[state]},offset=${offsetRecords},lag=${sinceAckSeconds}`;
}

function replicaLine({ name, lag, queuedBytes }: ReplicaStatus): string {
  const line = `${lagLine(lag)},queued_bytes=${queuedBytes}`;
  return name === undefined ? line : `${line},name=${name}`;
}

function backlogFields({ history, offsetRecords, backlog }: ServingReport): Fields {
  const { limitBytes, records, windowMs } = backlog;
  // The backlog holds more records than the offset counts only where the offset is too low.
  const kept = records < offsetRecords ? records : offsetRecords;
  return {
    repl_backlog_active: history === undefined ? 0 : 1,
    repl_backlog_size: limitBytes,
    repl_backlog_first_byte_offset: String(offsetRecords - kept + 1n),
    repl_backlog_histlen: String(kept),
    ...Object.fromEntries(
      backlog.windows().map((shard, index) => [`shard${index}`, shardLine(shard, windowMs)]),
    ),
  };
}

/** Renders one shard; while nothing is written the window has no end, and the field is left out. */
function shardLine({ watermark, earliest, bytes }: BacklogWindow, windowMs: number | undefined): string {
  const line = `seq=${watermark},first=${earliest},bytes=${bytes}`;
  return windowMs === undefined ? line : `${line},window_ms=${windowMs}`;
}

function addressParts(address: string): { ip: string; port: string } {
  return { ip: hostOf(address), port: address.slice(address.lastIndexOf(':') + 1) };
}
