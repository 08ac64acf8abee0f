/**
 * SLOWLOG: the slow commands among those that run outside the kernel, which does not time its own singly.
 */

import { parseInt64 } from '../arguments.js';
import { type Call, type Command, NO_KEYS, subcommandSyntaxError } from '../command.js';
import { withHelp } from '../container-help.js';
import { Failure, OK, type Reply } from '../reply.js';
import type { SlowlogEntry } from '../slowlog.js';

const DEFAULT_COUNT = 10;

const row = {
  flags: ['admin', 'loading', 'stale'],
  keys: NO_KEYS,
  categories: ['admin', 'slow', 'dangerous'],
  since: '2.2.12',
  group: 'server',
} as const;

const subcommands: readonly Command[] = [
  {
    ...row,
    name: 'get',
    arity: -2,
    tips: ['request_policy:all_nodes', 'nondeterministic_output'],
    complexity: 'O(N) where N is the number of entries returned',
    summary: "Get the slow log's entries",
    history: [['4.0.0', 'Added client IP address, port and name to the reply.']],
    help: [
      'GET [<count>]',
      '    Return top <count> entries from the slowlog (default: 10, -1 mean all).',
      '    Entries are made of:',
      '    id, timestamp, time in microseconds, arguments array, client IP and port,',
      '    client name',
    ],
    run: get,
  },
  {
    ...row,
    name: 'len',
    arity: 2,
    tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
    complexity: 'O(1)',
    summary: "Get the slow log's length",
    help: ['LEN', '    Return the length of the slowlog.'],
    run: ({ host }) => host.slowlog.length,
  },
  {
    ...row,
    name: 'reset',
    arity: 2,
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    complexity: 'O(N) where N is the number of entries in the slowlog',
    summary: 'Clear all entries from the slow log',
    help: ['RESET', '    Reset the slowlog.'],
    run: ({ host }) => {
      host.slowlog.reset();
      return OK;
    },
  },
];

/** SLOWLOG and its subcommands. */
export const slowlogCommands: readonly Command[] = [
  {
    name: 'slowlog',
    arity: -2,
    flags: [],
    keys: NO_KEYS,
    categories: ['slow'],
    since: '2.2.12',
    group: 'server',
    complexity: 'Depends on subcommand.',
    summary: 'A container for slow log commands',
    subcommands: withHelp(
      { container: 'slowlog', since: '6.2.0', group: 'server', categories: ['slow'] },
      subcommands,
    ),
  },
];

function get({ args, host }: Call): Reply {
  if (args.length > 3) return subcommandSyntaxError(args);
  const count = args.length === 3 ? parseInt64(args[2]!) : BigInt(DEFAULT_COUNT);
  if (count === undefined || count < -1n) {
    return new Failure('ERR count should be greater than or equal to -1');
  }
  const { length } = host.slowlog;
  const wanted = count === -1n || count > length ? length : Number(count);
  return host.slowlog.latest(wanted).map(entryReply);
}

function entryReply({ id, atSeconds, durationUs, args, address, clientName }: SlowlogEntry): Reply {
  return [id, atSeconds, durationUs, args, address, clientName];
}
