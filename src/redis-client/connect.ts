/** How every client here connects to a Redis-protocol server, and says what went wrong with it. */
import { type ErrorCode, FastcacheError } from '../errors.js';
import { formatAddress } from '../transport/address.js';
import type { Address, Connection, Transport } from '../transport/connection.js';

/** A server is quoted up to this length. */
const QUOTED_CHARS = 500;

/** The server, and the way to it. */
export interface RedisServerOptions {
  transport: Pick<Transport, 'connect'>;
  address: Address;
  connectTimeoutMs: number;
  /** The password presented with AUTH; none is when undefined. */
  password: string | undefined;
}

/** A client's handlers of its connection. */
export interface RedisHandlers {
  opened(connection: Connection): void;
  /** Takes the bytes that the server sends. An error that it throws is handed to `ended`. */
  data(chunk: Buffer): void;
  drained(): void;
  /** The connection cannot be opened, or is over, or bytes came over it that cannot be right. */
  ended(fault: Error): void;
}

/**
 * Connects. Returns a handle that gives the connecting up, without a call of `ended`, as long as it is not
 * opened.
 */
export function connectTo(
  { transport, address, connectTimeoutMs }: RedisServerOptions,
  { opened, data, drained, ended }: RedisHandlers,
): { destroy(): void } {
  return transport.connect(
    address,
    { connectTimeoutMs },
    {
      opened,
      onData(chunk) {
        try {
          data(chunk);
        } catch (error) {
          ended(error as Error);
        }
      },
      onDrain: drained,
      onClose: (error) => ended(error ?? serverError(address, 'CONNECTION_LOST', 'closed the connection')),
    },
  );
}

/** Makes an error: `what` describes what the server did, and its own words follow where there are any. */
export function serverError(address: Address, code: ErrorCode, what: string, words?: string): FastcacheError {
  const place = formatAddress(address);
  const said = words === undefined ? '' : `: ${words.slice(0, QUOTED_CHARS).replace(/[.?!]$/, '')}`;
  return new FastcacheError(code, `The server at ${place} ${what}${said}.`, { address: place });
}

/**
 * Makes the error of a server that has answered with these words: PASSWORD_REFUSED where they are about a
 * password or a user, and else SERVER_REFUSED with `what` it did.
 */
export function refusalError(
  { address, password }: Pick<RedisServerOptions, 'address' | 'password'>,
  words: string,
  what: string,
): FastcacheError {
  if (!/^(NOAUTH|WRONGPASS|NOPERM)\b/.test(words)) return serverError(address, 'SERVER_REFUSED', what, words);
  const doing = password === undefined ? 'wants a password' : 'refuses the password';
  return serverError(address, 'PASSWORD_REFUSED', doing, words);
}
