/**
 * How far a replica is behind its primary: one model for INFO, `Primary.replicas()` and the tools. It is told from what
 * the replica has acknowledged, or of a Rust replica, which acknowledges nothing, from what it has been sent.
 */

import { holdsNothing, type ReplicaInfo } from '../replication/primary/replica-info.js';
import type { Backlog, Behind } from '../replication/stream/backlog.js';

/** Of all shards together: the sums of `records` and `bytes`, and the most of `ms`. */
export interface ReplicaLag extends Behind {
  /** Index = shard. */
  readonly shards: readonly Behind[];
}

/** `snapshot`: the replica is still taking one in, and what it will hold is not behind or level with anything. */
export type Lag = ReplicaLag | 'snapshot';

export interface ReplicaStatus extends ReplicaInfo {
  lag: Lag;
}

export function replicaStatus(replica: ReplicaInfo, backlog: Backlog): ReplicaStatus {
  return { ...replica, lag: lagOf(replica, backlog) };
}

/** As a line for INFO: `lag_records=12,lag_bytes=4096,lag_ms=3`; what is not known is left out. */
export function lagLine(lag: Lag): string {
  if (lag === 'snapshot') return 'lag=snapshot';
  const { records, bytes, ms } = lag;
  return Object.entries({ records, bytes, ms })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `lag_${name}=${value}`)
    .join();
}

function lagOf(replica: ReplicaInfo, backlog: Backlog): Lag {
  const { state, acknowledged, watermarks } = replica;
  if (holdsNothing(replica) || state === 'snapshot') return 'snapshot';
  const held = acknowledged ?? watermarks;
  const shards = backlog.allBehind(held);
  return {
    records: shards.reduce((sum, { records }) => sum + records, 0),
    bytes: total(
      shards,
      ({ bytes }) => bytes,
      (sum, bytes) => sum + bytes,
    ),
    ms: total(shards, ({ ms }) => ms, Math.max),
    shards,
  };
}

/** Undefined as soon as one shard's is. */
function total(
  shards: readonly Behind[],
  part: (shard: Behind) => number | undefined,
  join: (sum: number, value: number) => number,
): number | undefined {
  return shards
    .map(part)
    .reduce((sum, value) => (sum === undefined || value === undefined ? undefined : join(sum, value)), 0);
}
