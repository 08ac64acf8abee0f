/** The conditions of ports that other machines may reach, and those of TLS (docs/operations.md, "TLS"). */
import { FastcacheError } from '../errors.js';
import { formatAddress, isLoopback } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { OptionValues } from './option-types.js';

type Ports = 'bind' | 'listen' | 'listenTls' | 'metrics';
type Options = Pick<
  OptionValues,
  | Ports
  | 'tlsCert'
  | 'tlsKey'
  | 'tlsCa'
  | 'asksClientCertificates'
  | 'tls'
  | 'metricsTls'
  | 'token'
  | 'password'
  | 'insecure'
>;

/** Whether clients of a TLS port must present a certificate. */
export function asksCertificates({ tlsCa, asksClientCertificates }: Options): boolean {
  return tlsCa !== undefined && asksClientCertificates;
}

/** Refuses files and switches of TLS that lack each other, or would be without effect. Throws BAD_OPTION. */
export function refuseForTls(options: Options): void {
  const { tlsCert, tlsKey, tlsCa, tls, metricsTls, metrics } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw badOption('`tlsCert` and `tlsKey` belong together: a certificate and its private key.');
  }
  if (metricsTls && metrics === undefined) throw badOption('`metricsTls` needs `metrics`, the address.');
  for (const name of tlsPorts(options)) {
    if (options[name] !== undefined && tlsCert === undefined) {
      throw badOption(`\`${name}\` is a port of TLS here, which needs \`tlsCert\` and \`tlsKey\`.`);
    }
  }
  const isUsed = tls || metricsTls || options.listenTls !== undefined;
  if (!isUsed && (tlsCert !== undefined || tlsCa !== undefined)) {
    throw badOption(
      'Nothing would use TLS: `listenTls` opens a port for clients, and `tls` has replication use it.',
    );
  }
}

/**
 * Refuses an address beyond this machine where anybody could read along, or come in, unless `insecure` is
 * given. Throws INSECURE_ADDRESS.
 */
export function refuseOutside(options: Options): void {
  if (options.insecure) return;
  const encrypted = new Set<Ports>(tlsPorts(options));
  for (const name of ['bind', 'listen', 'listenTls', 'metrics'] as const) {
    const address = options[name];
    if (address === undefined || isLoopback(address.host)) continue;
    if (!encrypted.has(name)) throw refused(address, `nothing is encrypted there${encryptedBy[name]}`);
    if (!isGuarded(name, options)) throw refused(address, `anybody may come in there: ${guardedBy[name]}`);
  }
}

function tlsPorts({ tls, metricsTls }: Options): Ports[] {
  return ['listenTls', ...(tls ? (['bind'] as const) : []), ...(metricsTls ? (['metrics'] as const) : [])];
}

function isGuarded(name: Ports, options: Options): boolean {
  if (asksCertificates(options)) return true;
  if (name === 'bind') return options.token !== undefined;
  return name === 'listenTls' && options.password !== undefined;
}

const encryptedBy: Record<Ports, string> = {
  bind: ': `tls` has replication encrypted',
  listen: ': `listenTls` opens an encrypted port',
  listenTls: '',
  metrics: ': `metricsTls` has them encrypted',
};

const guardedBy: Record<Ports, string> = {
  bind: '`token`, or `tlsCa` for certificates, keeps others out',
  listen: '',
  listenTls: '`password`, or `tlsCa` for certificates, keeps others out',
  metrics: '`tlsCa`, for certificates, keeps others out',
};

function refused(address: Address, why: string): FastcacheError {
  const place = formatAddress(address);
  const message = `${place} can be reached from other machines, and ${why}; \`insecure\` allows it.`;
  return new FastcacheError('INSECURE_ADDRESS', message, { address: place });
}

function badOption(message: string): FastcacheError {
  return new FastcacheError('BAD_OPTION', message);
}
