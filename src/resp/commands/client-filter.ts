/**
 * Which clients CLIENT LIST and CLIENT KILL mean. The filters are those of Redis and, beyond them, of Valkey;
 * all that are given must hold.
 */

import { parseInt64, shownText, wordOf } from '../arguments.js';
import type { ClientState } from '../client-state.js';
import { SYNTAX_ERROR } from '../command.js';
import type { CommandHost } from '../command-host.js';
import { Failure } from '../reply.js';
import { ageSeconds, flagsOf, idleSeconds } from './client-list.js';

/** Whether a client is one of those that a command means. */
export type ClientFilter = (client: ClientState) => boolean;

/** The clients that a command means. */
export interface MeantClients {
  /** The ids that are given, in their order; undefined when any may be meant. */
  readonly ids: readonly bigint[] | undefined;
  readonly matches: ClientFilter;
}

/** The state that filters are compared with, and the differences between the two commands. */
export interface FilterOptions {
  readonly host: CommandHost;
  /** The client that sends the command. */
  readonly self: ClientState;
  /** Whether that one is spared unless SKIPME NO is given. */
  readonly skipsSelf: boolean;
  /** The error where an id is none; it is also given for ids below 1, unless `takesAnyId`. */
  readonly invalidId: Failure;
  readonly takesAnyId: boolean;
}

/**
 * Types that CLIENT takes; Valkey calls a master a primary. Replicas connect to another port, so that a
 * client is `pubsub` while it is subscribed, and `normal` otherwise.
 */
const CLIENT_TYPES = new Set(['normal', 'slave', 'replica', 'pubsub', 'master', 'primary']);
/** The flags that some client of Valkey can have. */
const KNOWN_FLAGS = /^[OSMPxbtRBdcuAUreTIN]*$/;
const KNOWN_CAPABILITIES = /^r*$/;
const NEGATION = 'not-';
/** Filters that cannot be negated, for they have a bound. */
const UNNEGATED = new Set(['skipme', 'maxage', 'idle']);

/** The filter of the client with this address. */
export function addressFilter(address: Buffer): ClientFilter {
  const text = shownText(address);
  return (client) => client.address === text;
}

/** Reads the filters from `args[2]` on. */
export function meantClients(args: readonly Buffer[], options: FilterOptions): MeantClients | Failure {
  const { self } = options;
  const filters = new Map<string, ClientFilter>();
  let ids: readonly bigint[] | undefined;
  let { skipsSelf } = options;
  for (let index = 2; index < args.length; ) {
    const option = wordOf(args, index);
    const value = args[index + 1];
    if (value === undefined) return SYNTAX_ERROR;
    if (option === 'id' || option === `${NEGATION}id`) {
      const found = idsFrom(args, index + 1, options);
      if (found instanceof Failure) return found;
      index += 1 + found.length;
      if (option === 'id') ids = found;
      else filters.set(option, (client) => !found.includes(BigInt(client.id)));
      continue;
    }
    if (option === 'skipme') {
      const word = wordOf(args, index + 1);
      if (word !== 'yes' && word !== 'no') return SYNTAX_ERROR;
      skipsSelf = word === 'yes';
    } else {
      // A filter that is given again replaces the earlier one.
      const filter = oneFilter(option, value, options);
      if (filter instanceof Failure) return filter;
      filters.set(option, filter);
    }
    index += 2;
  }
  const all = [...filters.values()];
  const idSet = ids && new Set(ids);
  const matches: ClientFilter = (client) =>
    !(skipsSelf && client === self) &&
    (idSet === undefined || idSet.has(BigInt(client.id))) &&
    all.every((filter) => filter(client));
  return { ids, matches };
}

/**
 * Reads ids until a word follows that is no number; that word is the next filter. Where any id is taken, as
 * by CLIENT LIST, only what looks like a filter ends the ids, for in Redis 7.0 all that follows are ids.
 */
function idsFrom(
  args: readonly Buffer[],
  from: number,
  { invalidId, takesAnyId }: FilterOptions,
): readonly bigint[] | Failure {
  const ids: bigint[] = [];
  for (const arg of args.slice(from)) {
    const id = parseInt64(arg);
    const mayBeFilter = !takesAnyId || /^[a-z-]{2,}$/i.test(arg.toString('latin1'));
    if (id === undefined && ids.length > 0 && mayBeFilter) break;
    if (id === undefined || (id < 1n && !takesAnyId)) return invalidId;
    ids.push(id);
  }
  return ids;
}

function oneFilter(option: string, value: Buffer, options: FilterOptions): ClientFilter | Failure {
  if (!option.startsWith(NEGATION)) return plainFilter(option, value, options);
  const negated = option.slice(NEGATION.length);
  const filter = UNNEGATED.has(negated) ? SYNTAX_ERROR : plainFilter(negated, value, options);
  return filter instanceof Failure ? filter : (client) => !filter(client);
}

function plainFilter(option: string, value: Buffer, { host }: FilterOptions): ClientFilter | Failure {
  const text = shownText(value);
  switch (option) {
    case 'type':
      return typeFilter(value);
    case 'addr':
      return addressFilter(value);
    case 'laddr':
      return (client) => client.localAddress === text;
    case 'ip':
      return (client) => ipOf(client.address) === text;
    case 'user':
      return text === 'default' ? () => true : new Failure(`ERR No such user '${text}'`);
    case 'maxage':
      return secondsFilter(option, value, (client) => ageSeconds(client, host));
    case 'idle':
      return secondsFilter(option, value, (client) => idleSeconds(client, host));
    case 'flags':
      return KNOWN_FLAGS.test(text)
        ? (client) => [...text].every((flag) => flagsOf(client, host).includes(flag))
        : new Failure(`ERR Unknown flags found in the provided filter: ${text}`);
    case 'name':
      return (client) => client.name !== '' && client.name === text;
    case 'lib-name':
      return (client) => client.libraryName !== '' && client.libraryName === text;
    case 'lib-ver':
      return (client) => client.libraryVersion !== '' && client.libraryVersion === text;
    case 'db':
      return databaseFilter(value);
    case 'capa':
      return KNOWN_CAPABILITIES.test(text)
        ? (client) => text === '' || client.canRedirect
        : new Failure(`ERR Unknown capa found in the provided filter: ${text}`);
    default:
      return SYNTAX_ERROR;
  }
}

function typeFilter(type: Buffer): ClientFilter | Failure {
  const word = type.toString('latin1').toLowerCase();
  if (!CLIENT_TYPES.has(word)) return new Failure(`ERR Unknown client type '${shownText(type)}'`);
  return ({ subscriptions }) => word === (subscriptions === undefined ? 'normal' : 'pubsub');
}

function secondsFilter(
  option: string,
  value: Buffer,
  secondsOf: (client: ClientState) => number,
): ClientFilter | Failure {
  const least = parseInt64(value);
  if (least === undefined) return new Failure(`ERR ${option} is not an integer or out of range`);
  if (least <= 0n) return new Failure(`ERR ${option} should be greater than 0`);
  return (client) => BigInt(secondsOf(client)) >= least;
}

function databaseFilter(value: Buffer): ClientFilter | Failure {
  const database = parseInt64(value);
  if (database === undefined) return new Failure('ERR DB is not an integer or out of range');
  return database === 0n ? () => true : new Failure('ERR DB number should be between 0 and 0');
}

function ipOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}
