/**
 * CLIENT and its subcommands. SETINFO and NO-TOUCH are from Redis 7.2 and CAPA is from Valkey 8, for
 * libraries that send them unasked.
 */

import { parseInt64, shownText, wordOf } from '../arguments.js';
import {
  type Call,
  type Command,
  NO_KEYS,
  NOT_AN_INTEGER,
  SYNTAX_ERROR,
  subcommandSyntaxError,
} from '../command.js';
import { withHelp } from '../container-help.js';
import { Failure, NO_REPLY, OK, type Reply, Verbatim } from '../reply.js';
import { parseTimeoutMs } from '../timeout.js';
import { addressFilter, meantClients } from './client-filter.js';
import { clientLines } from './client-list.js';
import { printable, setClientName } from './client-name.js';
import { admin, own } from './client-row.js';
import { cachingCommands, trackingCommands } from './tracking.js';

const MORE_FILTERS = [
  '    * FLAGS <flags>, NAME <name>, LIB-NAME <name>, LIB-VER <version>, DB <db>, CAPA <capa>, IP <ip>',
  '      Mean clients that have them all. NOT- before a filter means the others.',
];

const subcommands: readonly Command[] = [
  ...cachingCommands,
  {
    ...own,
    name: 'getname',
    arity: 2,
    since: '2.6.9',
    summary: 'Get the current connection name',
    help: ['GETNAME', '    Return the name of the current connection.'],
    run: ({ client }) => (client.name === '' ? null : client.name),
  },
  {
    ...own,
    name: 'id',
    arity: 2,
    since: '5.0.0',
    summary: 'Returns the client ID for the current connection',
    help: ['ID', '    Return the ID of the current connection.'],
    run: ({ client }) => client.id,
  },
  {
    ...own,
    name: 'info',
    arity: 2,
    tips: ['nondeterministic_output'],
    since: '6.2.0',
    summary: 'Returns information about the current client connection.',
    help: ['INFO', '    Return information about the current client connection.'],
    run: ({ client, host }) => new Verbatim(clientLines([client], host)),
  },
  {
    ...admin,
    name: 'kill',
    arity: -3,
    since: '2.4.0',
    complexity: 'O(N) where N is the number of client connections',
    summary: 'Kill the connection of a client',
    history: [
      ['2.8.12', 'Added new filter format.'],
      ['2.8.12', '`ID` option.'],
      ['3.2.0', 'Added `master` type in for `TYPE` option.'],
      [
        '5.0.0',
        'Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.',
      ],
      ['6.2.0', '`LADDR` option.'],
    ],
    help: [
      'KILL <ip:port>',
      '    Kill connection made from <ip:port>.',
      'KILL <option> <value> [<option> <value> [...]]',
      '    Kill connections. Options are:',
      '    * ADDR (<ip:port>|<unixsocket>:0)',
      '      Kill connections made from the specified address',
      '    * LADDR (<ip:port>|<unixsocket>:0)',
      '      Kill connections made to specified local address',
      '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
      '      Kill connections by type.',
      '    * USER <username>',
      '      Kill connections authenticated by <username>.',
      '    * SKIPME (YES|NO)',
      '      Skip killing current connection (default: yes).',
      '    * ID <client-id> [<client-id> ...]',
      '      Kill connections by client IDs.',
      '    * MAXAGE <seconds>, IDLE <seconds>',
      '      Kill connections that are as old or as long idle, at least.',
      ...MORE_FILTERS,
    ],
    run: kill,
  },
  {
    ...admin,
    name: 'list',
    arity: -2,
    tips: ['nondeterministic_output'],
    since: '2.4.0',
    complexity: 'O(N) where N is the number of client connections',
    summary: 'Get the list of client connections',
    history: [
      ['2.8.12', 'Added unique client `id` field.'],
      ['5.0.0', 'Added optional `TYPE` filter.'],
      ['6.0.0', 'Added `user` field.'],
      ['6.2.0', 'Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.'],
      ['7.0.0', 'Added `resp`, `multi-mem`, `rbs` and `rbp` fields.'],
      ['7.0.3', 'Added `ssub` field.'],
    ],
    help: [
      'LIST [options ...]',
      '    Return information about client connections. Options:',
      '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
      '      Return clients of specified type.',
      '    * ID <client-id> [<client-id> ...]',
      '      Return clients with the specified IDs.',
      '    * ADDR <ip:port>, LADDR <ip:port>, USER <username>, MAXAGE <seconds>, IDLE <seconds>',
      '      Return clients as KILL would kill them.',
      '    * SKIPME (YES|NO)',
      '      Leave out the current connection (default: no).',
      ...MORE_FILTERS,
    ],
    run: list,
  },
  {
    ...own,
    name: 'capa',
    arity: -3,
    since: '8.0.0',
    summary: 'A client claims its capability.',
    help: [
      'CAPA <option> [<option> ...]',
      '    The client claims its capabilities. Options are:',
      '    * REDIRECT',
      '      The client can follow a redirection to a primary.',
    ],
    run: ({ args, client }) => {
      // As in Valkey, what is not known is passed over.
      if (args.some((_, index) => wordOf(args, index) === 'redirect')) client.canRedirect = true;
      return OK;
    },
  },
  {
    ...admin,
    name: 'unblock',
    arity: -3,
    since: '5.0.0',
    complexity: 'O(log N) where N is the number of client connections',
    summary: 'Unblock a client blocked in a blocking command from a different connection',
    help: ['UNBLOCK <clientid> [TIMEOUT|ERROR]', '    Unblock the specified blocked client.'],
    run: unblock,
  },
  {
    ...admin,
    name: 'unpause',
    arity: 2,
    since: '6.2.0',
    complexity: 'O(N) Where N is the number of paused clients',
    summary: 'Resume processing of clients that were paused',
    help: ['UNPAUSE', '    Stop the current client pause, resuming traffic.'],
    run: ({ host }) => {
      host.clients.unpause();
      return OK;
    },
  },
  {
    ...admin,
    name: 'pause',
    arity: -3,
    since: '2.9.50',
    summary: 'Stop processing commands from clients for some time',
    history: [['6.2.0', '`CLIENT PAUSE WRITE` mode added along with the `mode` option.']],
    help: [
      'PAUSE <timeout> [WRITE|ALL]',
      '    Suspend all, or just write, clients for <timeout> milliseconds.',
    ],
    run: pause,
  },
  {
    ...own,
    name: 'reply',
    arity: 3,
    since: '3.2.0',
    summary: 'Instruct the server whether to reply to commands',
    help: ['REPLY (ON|OFF|SKIP)', '    Control the replies sent to the current connection.'],
    run: reply,
  },
  {
    ...own,
    name: 'setname',
    arity: 3,
    since: '2.6.9',
    summary: 'Set the current connection name',
    help: ['SETNAME <name>', '    Assign the name <name> to the current connection.'],
    run: ({ args, client }) => setClientName(client, args[2]!) ?? OK,
  },
  {
    ...own,
    name: 'setinfo',
    arity: 4,
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    since: '7.2.0',
    summary: 'Sets information specific to the client or connection.',
    help: [
      'SETINFO <option> <value>',
      '    Set client meta attr. Options are:',
      '    * LIB-NAME: the client lib name.',
      '    * LIB-VER: the client lib version.',
    ],
    run: setInfo,
  },
  ...trackingCommands,
  {
    ...admin,
    name: 'no-evict',
    arity: 3,
    since: '7.0.0',
    summary: 'Set client eviction mode for the current connection',
    help: ['NO-EVICT (ON|OFF)', '    Protect current client connection from eviction.'],
    run: (call) => setSwitch(call, 'isNeverEvicted'),
  },
  {
    ...own,
    name: 'no-touch',
    arity: 3,
    since: '7.2.0',
    summary: 'Controls whether commands sent by the client affect the LRU/LFU of accessed keys.',
    help: ['NO-TOUCH (ON|OFF)', '    Will not touch LRU/LFU stats when this mode is on.'],
    run: (call) => setSwitch(call, 'isNeverTouching'),
  },
];

const INVALID_ID = new Failure('ERR Invalid client ID');
const ID_TOO_SMALL = new Failure('ERR client-id should be greater than 0');

/** CLIENT and its subcommands. */
export const clientCommands: readonly Command[] = [
  {
    name: 'client',
    arity: -2,
    flags: [],
    keys: NO_KEYS,
    categories: ['slow'],
    since: '2.4.0',
    group: 'connection',
    complexity: 'Depends on subcommand.',
    summary: 'A container for client connection commands',
    subcommands: withHelp(
      { container: 'client', since: '5.0.0', group: 'connection', categories: ['slow', 'connection'] },
      subcommands,
    ),
  },
];

function list({ args, client, host }: Call): Reply {
  const all = host.clients.list();
  let listed = all;
  if (args.length > 3) {
    const options = { host, self: client, skipsSelf: false, invalidId: INVALID_ID, takesAnyId: true };
    const meant = meantClients(args, options);
    if (meant instanceof Failure) return meant;
    const byId = meant.ids && new Map(all.map((one) => [BigInt(one.id), one]));
    const candidates = meant.ids?.flatMap((id) => byId!.get(id) ?? []) ?? all;
    listed = candidates.filter(meant.matches);
  } else if (args.length !== 2) return SYNTAX_ERROR;
  return new Verbatim(clientLines(listed, host));
}

/** Kills clients: a single argument is an address, which may be the client's own; more are filters. */
function kill({ args, client, host }: Call): Reply {
  const isOldForm = args.length === 3;
  const options = { host, self: client, skipsSelf: true, invalidId: ID_TOO_SMALL, takesAnyId: false };
  const meant = isOldForm ? { matches: addressFilter(args[2]!) } : meantClients(args, options);
  if (meant instanceof Failure) return meant;
  const victims = host.clients.list().filter(meant.matches);
  for (const victim of victims) {
    if (victim === client) client.leaves = true;
    else host.clients.kill(victim);
  }
  if (!isOldForm) return victims.length;
  return victims.length === 0 ? new Failure('ERR No such client') : OK;
}

/** Ends the wait of a client whose command has a time limit: as if that had passed, or with an error. */
function unblock({ args, host }: Call): Reply {
  if (args.length > 4) return subcommandSyntaxError(args);
  const reason = args.length === 4 ? wordOf(args, 3) : 'timeout';
  if (reason !== 'timeout' && reason !== 'error') {
    return new Failure('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const id = parseInt64(args[2]!);
  if (id === undefined) return NOT_AN_INTEGER;
  const client = host.clients.list().find((one) => BigInt(one.id) === id);
  return client !== undefined && host.clients.unblock(client, reason) ? 1 : 0;
}

function pause({ args, host }: Call): Reply {
  if (args.length > 4) return subcommandSyntaxError(args);
  const scope = args.length > 3 ? wordOf(args, 3) : 'all';
  if (scope !== 'write' && scope !== 'all') {
    return new Failure('ERR CLIENT PAUSE mode must be WRITE or ALL');
  }
  const timeoutMs = parseTimeoutMs(args[2]!);
  if (timeoutMs instanceof Failure) return timeoutMs;
  // A time that does not fit in 64 bits wraps and is in the past, as in Redis.
  const untilMs = timeoutMs === 0n ? 0n : BigInt.asIntN(64, BigInt(host.clock.nowMs()) + timeoutMs);
  host.clients.pause(Number(untilMs), scope);
  return OK;
}

function reply({ args, client }: Call): Reply {
  switch (wordOf(args, 2)) {
    case 'on':
      client.replies = 'on';
      return OK;
    case 'off':
      client.replies = 'off';
      return NO_REPLY;
    case 'skip':
      if (client.replies !== 'off') client.replies = 'skip-next';
      return NO_REPLY;
    default:
      return SYNTAX_ERROR;
  }
}

function setInfo({ args, client }: Call): Reply {
  const option = wordOf(args, 2);
  if (option !== 'lib-name' && option !== 'lib-ver') {
    return new Failure(`ERR Unrecognized option '${shownText(args[2]!)}'`);
  }
  const text = printable(args[3]!);
  if (text === undefined) {
    return new Failure(`ERR ${option} cannot contain spaces, newlines or special characters.`);
  }
  client[option === 'lib-name' ? 'libraryName' : 'libraryVersion'] = text;
  return OK;
}

function setSwitch({ args, client }: Call, name: 'isNeverEvicted' | 'isNeverTouching'): Reply {
  const word = wordOf(args, 2);
  if (word !== 'on' && word !== 'off') return SYNTAX_ERROR;
  client[name] = word === 'on';
  return OK;
}
