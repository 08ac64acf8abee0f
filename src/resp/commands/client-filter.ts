/** Which clients a command means: the filters of CLIENT KILL, and the TYPE of CLIENT LIST. */

import { parseInt64, shownText, wordOf } from '../arguments.js';
import type { ClientState } from '../client-state.js';
import { SYNTAX_ERROR } from '../command.js';
import { Failure } from '../reply.js';

/** Whether a client is one of those that a command means. */
export type ClientFilter = (client: ClientState) => boolean;

/**
 * Types that CLIENT takes. Replicas connect to another port, so that a client is `pubsub` while it is
 * subscribed, and `normal` otherwise.
 */
const CLIENT_TYPES = new Set(['normal', 'slave', 'replica', 'pubsub', 'master']);

/** The filter of a type by its name; a failure where there is no such type. */
export function typeFilter(type: Buffer): ClientFilter | Failure {
  const word = type.toString('latin1').toLowerCase();
  if (!CLIENT_TYPES.has(word)) return new Failure(`ERR Unknown client type '${shownText(type)}'`);
  return ({ subscriptions }) => word === (subscriptions === undefined ? 'normal' : 'pubsub');
}

/** The filter of the client with this address. */
export function addressFilter(address: Buffer): ClientFilter {
  const text = shownText(address);
  return (client) => client.address === text;
}

/**
 * CLIENT KILL's filters from `args[2]` on; all of them must hold. `self` is spared unless SKIPME NO is given.
 */
export function killFilter(args: readonly Buffer[], self: ClientState): ClientFilter | Failure {
  const filters = new Map<string, ClientFilter>();
  let skipsSelf = true;
  for (let index = 2; index < args.length; index += 2) {
    const option = wordOf(args, index);
    const value = args[index + 1];
    if (value === undefined) return SYNTAX_ERROR;
    if (option === 'skipme') {
      const word = wordOf(args, index + 1);
      if (word !== 'yes' && word !== 'no') return SYNTAX_ERROR;
      skipsSelf = word === 'yes';
    } else {
      // A filter that is given again replaces the earlier one.
      const filter = oneFilter(option, value);
      if (filter instanceof Failure) return filter;
      filters.set(option, filter);
    }
  }
  const all = [...filters.values()];
  return (client) => !(skipsSelf && client === self) && all.every((filter) => filter(client));
}

function oneFilter(option: string, value: Buffer): ClientFilter | Failure {
  switch (option) {
    case 'id':
      return idFilter(value);
    case 'type':
      return typeFilter(value);
    case 'addr':
      return addressFilter(value);
    case 'laddr': {
      const text = shownText(value);
      return (client) => client.localAddress === text;
    }
    case 'user':
      return value.toString('latin1') === 'default'
        ? () => true
        : new Failure(`ERR No such user '${shownText(value)}'`);
    default:
      return SYNTAX_ERROR;
  }
}

function idFilter(value: Buffer): ClientFilter | Failure {
  const id = parseInt64(value);
  if (id === undefined || id < 1n) return new Failure('ERR client-id should be greater than 0');
  return (client) => BigInt(client.id) === id;
}
