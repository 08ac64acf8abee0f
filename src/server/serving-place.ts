/** Where a node serves replicas, as others reach it. */
import type { TakeoverPlace } from '../replication/link/takeover-pair.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import { parseAddress } from '../transport/address.js';

/** Addresses of every interface: others reach the node at the one from which it connects to them. */
const EVERYWHERE = new Set(['0.0.0.0', '::', '']);

/** Returns the address for a primary that is to follow this node; undefined: it serves no replicas. */
export function servingPlace({
  listener,
}: {
  listener: ReplicaListener | undefined;
}): TakeoverPlace | undefined {
  if (listener === undefined) return undefined;
  const { host, port } = parseAddress(listener.address);
  return { host: EVERYWHERE.has(host) ? undefined : host, port };
}
