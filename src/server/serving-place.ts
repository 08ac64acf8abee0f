/** Where a node serves replicas, as others reach it. */
import type { Announcement } from '../replication/link/announced.js';
import { isWildcard, parseAddress } from '../transport/address.js';
import { type AnnouncedNode, announcementOf } from './announcing.js';

/** The node that serves replicas. */
export interface ServingNode extends AnnouncedNode {
  /** Its listener for replicas, whose address is undefined without a port of its own. */
  readonly listener: { readonly address: string | undefined } | undefined;
}

/**
 * Returns the address for a primary that is to follow this node: that of its clients' port, which serves
 * replicas too, or else that of the replicas' own; undefined: it serves none.
 */
export function servingPlace(node: ServingNode): Announcement | undefined {
  const announced = announcementOf(node);
  const address = node.listener?.address;
  if (announced !== undefined || address === undefined) return announced;
  const { host, port } = parseAddress(address);
  // Others reach a node that listens everywhere at the address from which it connects to them.
  return { host: isWildcard(host) ? undefined : host, port };
}
