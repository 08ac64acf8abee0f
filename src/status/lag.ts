/**
 * How far a replica is behind its primary. It is counted from what the replica has acknowledged; a Rust
 * replica acknowledges nothing, and its lag is counted from what it has been sent.
 */
import { holdsNothing, type ReplicaInfo } from '../replication/primary/replica-info.js';
import type { Backlog, ReplicaLag } from '../replication/stream/backlog.js';

/** A replica's lag; `snapshot`: it is still receiving a snapshot, so that no lag can be given. */
export type Lag = ReplicaLag | 'snapshot';

/** Renders a line for INFO: `lag_records=12,lag_bytes=4096,lag_ms=3`; an unknown figure is left out. */
export function lagLine(lag: Lag): string {
  if (lag === 'snapshot') return 'lag=snapshot';
  const { records, bytes, ms } = lag;
  return Object.entries({ records, bytes, ms })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `lag_${name}=${value}`)
    .join();
}

/** Returns the most milliseconds that a replica which holds `held` lags; undefined when that is not known. */
export type MostLagMs = (held: ArrayLike<bigint>) => number | undefined;

/**
 * Returns the lag of a replica behind the end of this backlog; where that no longer has all that the replica
 * lacks, `mostMs` gives the milliseconds.
 */
export function lagOf(replica: ReplicaInfo, backlog: Backlog, mostMs?: MostLagMs): Lag {
  const { state, acknowledged, watermarks } = replica;
  if (holdsNothing(replica) || state === 'snapshot') return 'snapshot';
  const held = acknowledged ?? watermarks;
  const behind = backlog.allBehind(held);
  return behind.ms === undefined ? { ...behind, ms: mostMs?.(held) } : behind;
}
