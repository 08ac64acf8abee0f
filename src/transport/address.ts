/**
 * Addresses as people write them (docs/command-line.md, "Conventions"): `host:port`, `[v6]:port`, `:port`.
 */
import { FastcacheError } from '../errors.js';
import type { Address } from './connection.js';

const LOOPBACK = '127.0.0.1';
const MAX_PORT = 65_535;
/** A name or an address; others read it in INFO, in logs and in a margin. */
const HOST = /^[A-Za-z0-9._:%-]{1,255}$/;

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

/** Returns whether both are there and the same. */
export function isSameAddress(one: Address | undefined, other: Address | undefined): boolean {
  return one !== undefined && one.host === other?.host && one.port === other.port;
}

/** Returns the host of a `host:port`, without the brackets of an IPv6 address. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** Returns whether a text can be a host: a name or an address without brackets, at most 255 characters. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** Returns the port that a text spells, from 1 to 65535; undefined for any other text. */
export function portIn(text: string | undefined): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text ?? '') ? Number(text) : MAX_PORT + 1;
  return port > MAX_PORT ? undefined : port;
}

/** Returns whether a host to listen on stands for all addresses of the machine. */
export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

/** Returns whether only this machine can reach `host`, a name or an address without brackets. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
