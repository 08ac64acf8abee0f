/** `get`, `set`, `del` and `scan`: single commands for any server of the Redis protocol. */
import { systemTimers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { RedisClient } from '../../redis-client/client.js';
import { parseAddress } from '../../transport/address.js';
import { tcpTransport } from '../../transport/tcp.js';
import { BaseCommand } from '../command/base-command.js';
import { type RedisFlags, redisFlags, redisWayOf } from '../command/redis-flags.js';
import { endpointFlag } from './endpoint-flag.js';

/** The flags of all of these. */
export const keyFlags = {
  endpoint: endpointFlag('The address of the server, where its clients connect.'),
  ...redisFlags,
};

/** The statuses that their help texts end with. */
export const KEY_STATUSES =
  '69 unreachable, 77 password refused. Status 1 is also that of a server that refuses the command.';

/** Returns the error of a server whose answer to a command is none of those that it can have. */
export function oddAnswer(command: string): FastcacheError {
  return new FastcacheError(
    'REPLY_MALFORMED',
    `The server does not answer ${command} as a server of the Redis protocol does; check the address.`,
  );
}

/** A command that asks one server. */
export abstract class KeyCommand extends BaseCommand {
  /** Connects, and resolves with what `ask` does; the connection is closed then. */
  protected async asking<T>(
    flags: RedisFlags & { endpoint: string },
    ask: (client: RedisClient) => Promise<T>,
  ): Promise<T> {
    const way = await redisWayOf(flags, tcpTransport, (message) => this.warn(message));
    const address = parseAddress(flags.endpoint);
    const client = await RedisClient.open({ ...way, address, timers: systemTimers });
    try {
      return await ask(client);
    } finally {
      client.close();
    }
  }
}
