/** Reads the address of a Redis server as `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`. */
import { FastcacheError } from '../errors.js';
import type { Address } from '../transport/connection.js';

/** A server that is imported from. */
export interface RedisUrl {
  readonly address: Address;
  /** Whether it is spoken to by TLS (`rediss:`). */
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

const DEFAULT_PORT = 6379;
const EXPECTED = 'redis://[user:password@]host[:port][/database]';

/** Reads a URL; a password in it is never quoted. Throws `BAD_OPTION`. */
export function parseRedisUrl(text: string): RedisUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = /^\/?(\d{0,9})$/.exec(url?.pathname ?? '-')?.[1];
  const isOther = url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === '';
  if (isOther || database === undefined || url.search !== '' || url.hash !== '') {
    throw new FastcacheError('BAD_OPTION', `A Redis server is written ${EXPECTED}, or rediss: for TLS.`, {
      expected: EXPECTED,
    });
  }
  const decoded = (part: string) => (part === '' ? undefined : decodeURIComponent(part));
  return {
    address: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    },
    isTls: url.protocol === 'rediss:',
    user: decoded(url.username),
    password: decoded(url.password),
    database: Number(database),
  };
}
