/**
 * Where the clients of a replica find it: the replica says so in the margin of its Hello (docs/protocol.md,
 * "Margin"), because the port that it connects from is another one, and its address may be one that only its
 * own network knows.
 */
import type { Margin } from '../../frame/margin.js';
import { formatAddress, isHost, portIn } from '../../transport/address.js';

/** The address that a replica announces for its clients. */
export interface Announcement {
  /** A name or an address; undefined: the address that the replica connects from. */
  readonly host: string | undefined;
  /** From 1 to 65535. */
  readonly port: number;
}

/** Makes the pairs of a replica's margin. */
export function announcedPairs({ host, port }: Announcement): [string, string][] {
  return [...(host === undefined ? [] : [['host', host] as [string, string]]), ['port', String(port)]];
}

/**
 * The `host:port` at which the clients of a replica reach it that connects from the host `peer`; undefined
 * when its margin names no port, or what cannot be one, as a Rust replica's.
 */
export function announcedIn(margin: Margin | undefined, peer: string): string | undefined {
  const port = portIn(margin?.get('port'));
  const host = margin?.get('host') ?? peer;
  if (port === undefined || !isHost(host)) return undefined;
  return formatAddress({ host, port });
}
