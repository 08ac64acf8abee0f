/**
 * LATENCY: the times of commands (HISTOGRAM). The latency monitor is off (latency-monitor-threshold is 0), so
 * that no event is ever sampled.
 */
import { shownText } from '../arguments.js';
import { type Call, type Command, NO_KEYS } from '../command.js';
import { type CommandTable, subcommandsOf } from '../command-table.js';
import { withHelp } from '../container-help.js';
import { latencyDistribution, totalOf } from '../latencies.js';
import { Failure, MapReply, type Reply, Verbatim } from '../reply.js';

const DIAGNOSIS =
  'This server samples no events of its own (latency-monitor-threshold is 0). LATENCY HISTOGRAM and INFO latencystats ' +
  'show how long commands take, and SLOWLOG GET those that took longest.\n';

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

function subcommands(table: () => CommandTable): readonly Command[] {
  return [
    {
      ...row,
      name: 'doctor',
      summary: 'Return a human readable latency analysis report.',
      help: ['DOCTOR', '    Return a human readable latency analysis report.'],
      run: () => new Verbatim(DIAGNOSIS),
    },
    {
      ...row,
      name: 'graph',
      arity: 3,
      summary: 'Return a latency graph for the event.',
      help: ['GRAPH <event>', '    Return an ASCII latency graph for the <event> class.'],
      run: ({ args }) => new Failure(`ERR No samples available for event '${shownText(args[2]!)}'`),
    },
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
    {
      ...row,
      name: 'histogram',
      arity: -2,
      since: '7.0.0',
      complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
      summary: 'Return the cumulative distribution of latencies of a subset of commands or all.',
      help: [
        'HISTOGRAM [COMMAND ...]',
        '    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.',
        '    If no commands are specified then all histograms are replied.',
      ],
      run: (call) => histogram(call, table()),
    },
  ];
}

/** LATENCY and its subcommands; `table` has the commands that may be named. */
export function latencyCommands(table: () => CommandTable): readonly Command[] {
  return [
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
        subcommands(table),
      ),
    },
  ];
}

/**
 * Answers the distributions of all commands, or of those that are named; a container means its subcommands,
 * too.
 */
function histogram({ args, host }: Call, table: CommandTable): Reply {
  const rows = new Map(host.statistics.latencies?.rows().map(({ name, counts }) => [name, counts]) ?? []);
  const asked = args.length === 2 ? [...rows.keys()] : args.slice(2).flatMap((name) => namesOf(name, table));
  return new MapReply(
    asked.flatMap((name) => {
      const counts = rows.get(name);
      if (counts === undefined) return [];
      const distribution = new MapReply([
        ['calls', totalOf(counts)],
        ['histogram_usec', new MapReply(latencyDistribution(counts))],
      ]);
      return [[name, distribution] as const];
    }),
  );
}

function namesOf(name: Buffer, table: CommandTable): readonly string[] {
  const found = table.named(name);
  return found === undefined ? [] : [found.fullName, ...subcommandsOf(found).map(({ fullName }) => fullName)];
}
