/** LASTSAVE, SAVE, BGSAVE and BGREWRITEAOF: they make a base of the data directory, not files of Redis. */
import { wordOf } from '../arguments.js';
import { type Call, type Command, NO_KEYS, SYNTAX_ERROR } from '../command.js';
import type { CommandHost } from '../command-host.js';
import { type Later, laterOf } from '../later.js';
import { Failure, OK, type Reply, Status } from '../reply.js';

const NOTHING_IS_SAVED = new Failure(
  'ERR This server saves nothing to disk. --data DIR has it keep what it has, and go on with it at each start.',
);

const ALREADY_SAVING = new Failure('ERR Background save already in progress');

const ALREADY_REWRITING = new Failure('ERR Background append only file rewriting already in progress');

const row = { keys: NO_KEYS, since: '1.0.0', group: 'server' } as const;

/** The commands on files. */
export const persistenceCommands: readonly Command[] = [
  {
    ...row,
    name: 'lastsave',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    categories: ['admin', 'fast', 'dangerous'],
    tips: ['nondeterministic_output'],
    complexity: 'O(1)',
    summary: 'Get the UNIX time stamp of the last successful save to disk',
    // As with Redis, it is the time of the start as long as nothing was saved.
    run: ({ host }) => lastSaveSeconds(host),
  },
  {
    ...row,
    name: 'save',
    arity: 1,
    flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
    categories: ['admin', 'slow', 'dangerous'],
    complexity: 'O(N) where N is the total number of keys in all databases',
    summary: 'Synchronously save the dataset to disk',
    run: ({ host }) => save(host),
  },
  {
    ...row,
    name: 'bgsave',
    arity: -1,
    flags: ['admin', 'noscript', 'no_async_loading'],
    categories: ['admin', 'slow', 'dangerous'],
    complexity: 'O(1)',
    summary: 'Asynchronously save the dataset to disk',
    history: [['3.2.2', 'Added the `SCHEDULE` option.']],
    run: saveInBackground,
  },
  {
    ...row,
    name: 'bgrewriteaof',
    arity: 1,
    flags: ['admin', 'noscript', 'no_async_loading'],
    categories: ['admin', 'slow', 'dangerous'],
    complexity: 'O(1)',
    summary: 'Asynchronously rewrite the append-only file',
    run: rewrite,
  },
];

function lastSaveSeconds({ durability, startedAtSeconds }: CommandHost): number {
  const { lastMs } = durability.saves ?? {};
  return lastMs === undefined ? startedAtSeconds : Math.floor(lastMs / 1000);
}

/** Clients are served meanwhile, unlike with Redis. */
function save(host: CommandHost): Reply | Later {
  const refusal = whyNot(host);
  if (refusal !== undefined) return refusal;
  return laterOf(
    begun(host).then(
      () => OK,
      (error: Error) => new Failure(`ERR ${error.message}`),
    ),
  );
}

function saveInBackground({ args, host }: Call): Reply {
  const isUnderstood = args.length === 1 || (args.length === 2 && wordOf(args, 1) === 'schedule');
  if (!isUnderstood) return SYNTAX_ERROR;
  const refusal = whyNot(host);
  if (refusal !== undefined) return refusal;
  begun(host).catch(() => {});
  return new Status('Background saving started');
}

/** The base takes the place of what was written before, as Redis' rewritten file does. */
function rewrite({ host }: Call): Reply {
  const refusal = whyNot(host, ALREADY_REWRITING);
  if (refusal !== undefined) return refusal;
  begun(host).catch(() => {});
  return new Status('Background append only file rewriting started');
}

function whyNot({ durability }: CommandHost, already = ALREADY_SAVING): Failure | undefined {
  if (durability.saves === undefined) return NOTHING_IS_SAVED;
  return durability.saves.isSaving ? already : undefined;
}

/** Begins to save; that it failed is logged. */
async function begun({ durability, log }: CommandHost): Promise<void> {
  try {
    await durability.save();
  } catch (error) {
    log.error(`the content was not saved: ${(error as Error).message}`);
    throw error;
  }
}
