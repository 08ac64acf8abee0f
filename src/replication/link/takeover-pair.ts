/**
 * How a replica says in its Hello that its primary can hand over to it, and where it is followed then
 * (docs/protocol.md, "Failover"). The port that it connects from is another one than that on which it serves
 * replicas.
 */
import type { Margin } from '../../frame/margin.js';
import { formatAddress, isHost, parseAddress } from '../../transport/address.js';
import type { Address } from '../../transport/connection.js';
import type { Announcement } from './announced.js';

const NAME = 'takeover';

/** The pair in the margin of a replica that takes over when it is ordered to. */
export function takeoverPair({ host, port }: Announcement): [string, string] {
  return [NAME, host === undefined ? `:${port}` : formatAddress({ host, port })];
}

/**
 * Where the replica of this margin is followed once it has taken over; `peer` is the host that it connects
 * from. Undefined: it takes over from nobody, or names no address.
 */
export function takeoverInMargin(margin: Margin | undefined, peer: string): Address | undefined {
  const text = margin?.get(NAME);
  if (text === undefined || !/:[1-9]\d{0,4}$/.test(text)) return undefined;
  try {
    const { host, port } = parseAddress(text);
    const named = text.startsWith(':') ? peer : host;
    return isHost(named) ? { host: named, port } : undefined;
  } catch {
    return undefined;
  }
}
