/**
 * LATENCY of a server whose latency monitor is off (latency-monitor-threshold is 0): no event is ever
 * sampled.
 */
import { type Command, NO_KEYS } from '../command.js';
import { withHelp } from '../container-help.js';

const row = {
  arity: 2,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  keys: NO_KEYS,
  categories: ['admin', 'slow', 'dangerous'],
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],
  since: '2.8.13',
  group: 'server',
  complexity: 'O(1)',
} as const;

const subcommands: readonly Command[] = [
  {
    ...row,
    name: 'history',
    arity: 3,
    summary: 'Return timestamp-latency samples for the event.',
    help: ['HISTORY <event>', '    Return time-latency samples for the <event> class.'],
    run: () => [],
  },
  {
    ...row,
    name: 'latest',
    summary: 'Return the latest latency samples for all events.',
    help: ['LATEST', '    Return the latest latency samples for all events.'],
    run: () => [],
  },
  {
    ...row,
    name: 'reset',
    arity: -2,
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    summary: 'Reset latency data for one or more events.',
    help: [
      'RESET [<event> ...]',
      '    Reset latency data of one or more <event> classes.',
      '    (default: reset all data for all event classes)',
    ],
    run: () => 0,
  },
];

/** LATENCY and its subcommands. */
export const latencyCommands: readonly Command[] = [
  {
    name: 'latency',
    arity: -2,
    flags: [],
    keys: NO_KEYS,
    categories: ['slow'],
    since: '2.8.13',
    group: 'server',
    complexity: 'Depends on subcommand.',
    summary: 'A container for latency diagnostics commands',
    subcommands: withHelp(
      {
        container: 'latency',
        since: '2.8.13',
        group: 'server',
        categories: ['slow'],
        summary: 'Show helpful text about the different subcommands.',
      },
      subcommands,
    ),
  },
];
