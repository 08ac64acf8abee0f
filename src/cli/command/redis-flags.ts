/** The flags by which a tool connects to a server of the Redis protocol, and the options that they give. */
import { DEFAULT_CONNECT_TIMEOUT_MS } from '../../limits.js';
import type { Transport } from '../../transport/connection.js';
import { countFlag, fileFlag } from './flags.js';
import { PASSWORD, readSecret } from './secret.js';
import { type TlsFlags, tlsFlags, transportOf } from './tls-flags.js';

/** The flags of every such tool. */
export const redisFlags = {
  'password-file': fileFlag('The password to present with AUTH; FASTCACHE_PASSWORD does the same.'),
  ...tlsFlags,
  'connect-timeout-ms': countFlag({
    summary: 'The time that the connection may take to open, in milliseconds.',
    default: DEFAULT_CONNECT_TIMEOUT_MS,
    min: 1,
    max: 60_000,
  }),
};

/** The values of the flags. */
export interface RedisFlags extends TlsFlags {
  'password-file'?: string | undefined;
  'connect-timeout-ms': number;
}

/** The options of a connection to the server. */
export interface RedisWay {
  /** The password that is presented; undefined: none is. */
  readonly password: string | undefined;
  readonly connectTimeoutMs: number;
  readonly transport: Transport;
}

/**
 * Returns how the flags say to connect, with `plain` where they ask for no TLS; `warn` is called for a
 * password that could be guessed. Throws NO_INPUT, TLS_UNUSABLE and a `UsageError`.
 */
export async function redisWayOf(
  flags: RedisFlags,
  plain: Transport,
  warn: (message: string) => void,
): Promise<RedisWay> {
  return {
    password: readSecret(PASSWORD, flags['password-file'], warn),
    connectTimeoutMs: flags['connect-timeout-ms'],
    transport: await transportOf(flags, plain),
  };
}
