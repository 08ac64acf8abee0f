/** Whether an address that others name is that of this very server. */
import { isWildcard } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import type { NodeSeams } from './seams.js';

/** Whether `named` has a port of this server, and a host that is announced, listened on, or the machine's. */
export async function isSelf(
  named: Address,
  { announce, listen, listenTls }: Pick<NodeConfig, 'announce' | 'listen' | 'listenTls'>,
  { ownAddresses, lookup }: Pick<NodeSeams, 'ownAddresses' | 'lookup'>,
): Promise<boolean> {
  if (![announce, listen, listenTls].some((own) => own?.port === named.port)) return false;
  const hosts = [announce.host, listen?.host ?? '', listenTls?.host ?? ''].filter(
    (host) => !isWildcard(host),
  );
  const own = new Set([...ownAddresses(), ...hosts]);
  if (own.has(named.host)) return true;
  const [theirs = [], ...ours] = await Promise.all([named.host, ...hosts].map(lookup));
  for (const addresses of ours) for (const address of addresses) own.add(address);
  return theirs.some((address) => own.has(address));
}
