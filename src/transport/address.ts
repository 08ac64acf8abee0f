/**
 * Addresses as people write them (docs/command-line.md, "Conventions"): `host:port`, `[v6]:port`, `:port`.
 */
import { FastcacheError } from '../errors.js';
import type { Address } from './connection.js';

const LOOPBACK = '127.0.0.1';
const MAX_PORT = 65_535;

/** Reads an address; `:port` alone means the loopback address. Throws `BAD_OPTION`. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > MAX_PORT) {
    throw new FastcacheError('BAD_OPTION', 'An address is written host:port, [v6]:port or :port.', {
      expected: 'host:port, [v6]:port or :port',
      found: text,
    });
  }
  return { host: match[1] ?? (match[2] || LOOPBACK), port };
}

/** Writes an address as `parseAddress` reads it, an IPv6 host in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Returns whether only this machine can reach `host`, a name or an address without brackets. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
