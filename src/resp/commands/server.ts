/** TIME, INFO, MONITOR, SHUTDOWN, DEBUG. */
import { BUSY, type Call, type Command, NO_KEYS, SYNTAX_ERROR } from '../command.js';
import { type Later, laterOf } from '../later.js';
import { Failure, NO_REPLY, OK, type Reply, Verbatim } from '../reply.js';

const DEBUG_REFUSED = new Failure(
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a ' +
    'local connection, otherwise you need to set this option in the configuration file, and then restart the server.',
);
const NOT_IN_EXEC = new Failure("ERR MONITOR isn't allowed for DENY BLOCKING client");

const admin = {
  flags: ['admin', 'noscript', 'loading', 'stale'],
  keys: NO_KEYS,
  categories: ['admin', 'slow', 'dangerous'],
  since: '1.0.0',
  group: 'server',
} as const;

/** The commands on the server. */
export const serverCommands: readonly Command[] = [
  {
    name: 'time',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    keys: NO_KEYS,
    categories: ['fast'],
    tips: ['nondeterministic_output'],
    since: '2.6.0',
    group: 'server',
    complexity: 'O(1)',
    summary: 'Return the current server time',
    run: time,
  },
  {
    name: 'info',
    arity: -1,
    flags: ['loading', 'stale'],
    keys: NO_KEYS,
    categories: ['slow', 'dangerous'],
    tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
    since: '1.0.0',
    group: 'server',
    complexity: 'O(1)',
    summary: 'Get information and statistics about the server',
    history: [['7.0.0', 'Added support for taking multiple section arguments.']],
    run: ({ args, host }) => new Verbatim(host.info(words(args))),
  },
  {
    ...admin,
    name: 'monitor',
    arity: 1,
    summary: 'Listen for all requests received by the server in real time',
    run: monitor,
  },
  {
    ...admin,
    name: 'shutdown',
    arity: -1,
    flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
    complexity:
      'O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)',
    summary: 'Synchronously save the dataset to disk and then shut down the server',
    history: [['7.0.0', 'Added the `NOW`, `FORCE` and `ABORT` modifiers.']],
    run: shutdown,
  },
  {
    ...admin,
    name: 'debug',
    arity: -2,
    complexity: 'Depends on subcommand.',
    summary: 'A container for debugging commands',
    forbidden: DEBUG_REFUSED,
  },
];

function time({ host }: Call): Reply {
  const nowUs = host.time.nowUs();
  return [String(Math.floor(nowUs / 1_000_000)), String(nowUs % 1_000_000)];
}

function monitor({ client, host }: Call): Reply {
  if (client.isInExec) return NOT_IN_EXEC;
  if (client.isMonitor) return NO_REPLY;
  client.isMonitor = true;
  host.clients.addMonitor(client);
  return OK;
}

/**
 * Shuts down. All is on the disk at the end that is kept there; with SAVE a base is made before, and a
 * shutdown that has begun is not reverted.
 */
function shutdown({ args, host }: Call): Reply | Later {
  const options = new Set(words(args));
  for (const option of options) {
    if (!['nosave', 'save', 'now', 'force', 'abort'].includes(option)) return SYNTAX_ERROR;
  }
  if (options.has('abort')) {
    return options.size > 1 ? SYNTAX_ERROR : new Failure('ERR No shutdown in progress.');
  }
  if (options.has('nosave') && options.has('save')) return SYNTAX_ERROR;
  // Redis' own condition: a client that ends a script so must say that nothing is saved.
  if (host.scripts.runner?.suspended?.isBusy && !options.has('nosave')) return BUSY;
  if (!options.has('save') || host.durability.saves === undefined) {
    host.shutdown();
    return NO_REPLY;
  }
  return laterOf(
    host.durability.save().then(
      () => {
        host.shutdown();
        return NO_REPLY;
      },
      (error: Error) => {
        host.log.error(`the content was not saved: ${error.message}`);
        if (!options.has('force')) return new Failure('ERR Errors trying to SHUTDOWN. Check logs.');
        host.shutdown();
        return NO_REPLY;
      },
    ),
  );
}

function words(args: readonly Buffer[]): string[] {
  return args.slice(1).map((arg) => arg.toString('latin1').toLowerCase());
}
