/** CONFIG GET, SET, RESETSTAT, REWRITE. */

import { shownText } from '../arguments.js';
import { type Call, type Command, NO_KEYS, SYNTAX_ERROR } from '../command.js';
import { withHelp } from '../container-help.js';
import { type Later, laterOf } from '../later.js';
import { Failure, MapReply, OK, type Reply } from '../reply.js';

const row = {
  flags: ['admin', 'noscript', 'loading', 'stale'],
  keys: NO_KEYS,
  categories: ['admin', 'slow', 'dangerous'],
  since: '2.0.0',
  group: 'server',
} as const;

const subcommands: readonly Command[] = [
  {
    ...row,
    name: 'get',
    arity: -3,
    complexity: 'O(N) when N is the number of configuration parameters provided',
    summary: 'Get the values of configuration parameters',
    history: [['7.0.0', 'Added the ability to pass multiple pattern parameters in one call']],
    help: ['GET <pattern>', '    Return parameters matching the glob-like <pattern> and their values.'],
    run: get,
  },
  {
    ...row,
    name: 'set',
    arity: -4,
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    complexity: 'O(N) when N is the number of configuration parameters provided',
    summary: 'Set configuration parameters to the given values',
    history: [['7.0.0', 'Added the ability to set multiple parameters in one call.']],
    help: ['SET <directive> <value>', '    Set the configuration <directive> to <value>.'],
    run: set,
  },
  {
    ...row,
    name: 'resetstat',
    arity: 2,
    complexity: 'O(1)',
    summary: 'Reset the stats returned by INFO',
    help: ['RESETSTAT', '    Reset statistics reported by the INFO command.'],
    run: ({ host }) => {
      host.statistics.reset();
      return OK;
    },
  },
  {
    ...row,
    name: 'rewrite',
    arity: 2,
    since: '2.8.0',
    complexity: 'O(1)',
    summary: 'Rewrite the configuration file with the in memory configuration',
    help: ['REWRITE', '    Rewrite the configuration file.'],
    run: rewrite,
  },
];

/** CONFIG and its subcommands. */
export const configCommands: readonly Command[] = [
  {
    name: 'config',
    arity: -2,
    flags: [],
    keys: NO_KEYS,
    categories: ['slow'],
    since: '2.0.0',
    group: 'server',
    complexity: 'Depends on subcommand.',
    summary: 'A container for server configuration commands',
    subcommands: withHelp(
      { container: 'config', since: '5.0.0', group: 'server', categories: ['slow'] },
      subcommands,
    ),
  },
];

/** Answers each setting once, under the name by which it was asked for first. */
function get({ args, host }: Call): Reply {
  const { settings } = host;
  const found = new Map<string, Reply>();
  const asked = new Set<string>();
  const add = (shownName: string, name: string) => {
    const value = settings.show(name);
    if (value === undefined || asked.has(name)) return;
    asked.add(name);
    found.set(shownName, value);
  };
  for (const arg of args.slice(2)) {
    const spelled = shownText(arg);
    if (!/[[*?]/.test(spelled)) add(spelled, spelled.toLowerCase());
    else {
      for (const name of settings.names()) {
        if (host.engine().keyspace.matches(arg, Buffer.from(name), true)) add(name, name);
      }
    }
  }
  return new MapReply([...found]);
}

/**
 * Keeps the role, and the address that is announced; in a transaction nobody waits for the disk.
 */
function rewrite({ client, host }: Call): Reply | Later {
  const kept = host.replication.keepRole();
  if (kept === undefined) return new Failure('ERR The server is running without a config file');
  const failed = (error: Error) => {
    host.log.error(`CONFIG REWRITE: ${error.message}`);
    return new Failure(`ERR Rewriting config file: ${error.message}`);
  };
  const written = kept.then(() => OK, failed);
  if (client.isInExec) return OK;
  return laterOf(written);
}

function set({ args, host }: Call): Reply {
  if (args.length % 2 !== 0) return SYNTAX_ERROR;
  const pairs: [string, Buffer][] = [];
  for (let at = 2; at < args.length; at += 2) pairs.push([shownText(args[at]!), args[at + 1]!]);
  const refusal = host.settings.set(pairs);
  return refusal === undefined ? OK : new Failure(refusal);
}
