/** How the series of replicas are labelled, so that they go on when a replica reconnects or leaves. */
import { hostOf } from '../../transport/address.js';
import type { ReplicaStatus, ServingReport } from '../report.js';

/** How many replicas have series of their own, those that came first; the others are only counted. */
export const NAMED_REPLICAS = 64;

/**
 * Returns the connected replicas, and those that left within the last hour and are not back, by their labels.
 * A label is unique, and never has the port of a connection, which is another with each.
 */
export function labelledReplicas({
  connected,
  departed,
}: Pick<ServingReport, 'connected' | 'departed'>): ReadonlyMap<string, ReplicaStatus> {
  const rows = new Map(uniquelyLabelled(connected.slice(0, NAMED_REPLICAS)));
  // A replica is not gone whose name a connected one has. Of those that left under one name the last counts.
  for (const replica of departed.toReversed()) {
    const name = nameOf(replica);
    if (rows.size < 2 * NAMED_REPLICAS && !rows.has(name)) rows.set(name, replica);
  }
  return rows;
}

/** Returns how many replicas left within the last hour and are not back. */
export function goneCount(serving: ServingReport): number {
  return [...labelledReplicas(serving).values()].filter(({ state }) => state === 'gone').length;
}

/** Returns a replica's name, else where its clients reach it, else the host that it connects from. */
function nameOf({ name, announced, address }: ReplicaStatus): string {
  return name ?? announced ?? hostOf(address);
}

/** Labels replicas that share a name by their ids; those without an id, by the order in which they came. */
function uniquelyLabelled(replicas: readonly ReplicaStatus[]): [label: string, replica: ReplicaStatus][] {
  return replicas.map((replica, index) => {
    const name = nameOf(replica);
    const isShared = replicas.some((other) => other !== replica && nameOf(other) === name);
    return [isShared ? `${name}#${replica.nodeId ?? index + 1}` : name, replica];
  });
}
