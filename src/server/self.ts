/** Whether an address that others name is that of this very server. */
import { isWildcard } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import type { NodeSeams } from './seams.js';

/** The ports of this server, and what it has others call it. */
type OwnPlaces = Pick<NodeConfig, 'announce' | 'listen' | 'listenTls'>;

/** Whether `named` has a port of this server, and a host that is announced, listened on, or the machine's. */
export async function isSelf(
  named: Address,
  places: OwnPlaces,
  seams: Pick<NodeSeams, 'ownAddresses' | 'lookup'>,
): Promise<boolean> {
  if (!hasOwnPort(named, places)) return false;
  const { lookup } = seams;
  const hosts = ownHosts(places);
  const own = new Set([...seams.ownAddresses(), ...hosts]);
  if (own.has(named.host)) return true;
  const [theirs = [], ...ours] = await Promise.all([named.host, ...hosts].map(lookup));
  for (const addresses of ours) for (const address of addresses) own.add(address);
  return theirs.some((address) => own.has(address));
}

/** The same of a host that is named as this server calls it, or by an address: no name is looked up. */
export function isSelfAsNamed(
  named: Address,
  places: OwnPlaces,
  { ownAddresses }: Pick<NodeSeams, 'ownAddresses'>,
): boolean {
  return hasOwnPort(named, places) && [...ownAddresses(), ...ownHosts(places)].includes(named.host);
}

function hasOwnPort({ port }: Address, { announce, listen, listenTls }: OwnPlaces): boolean {
  return [announce, listen, listenTls].some((own) => own?.port === port);
}

function ownHosts({ announce, listen, listenTls }: OwnPlaces): string[] {
  return [announce.host, listen?.host ?? '', listenTls?.host ?? ''].filter((host) => !isWildcard(host));
}
