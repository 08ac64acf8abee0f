/** LASTSAVE, SAVE, BGSAVE of a server that saves nothing to disk. */
import { wordOf } from '../arguments.js';
import { type Call, type Command, NO_KEYS, SYNTAX_ERROR } from '../command.js';
import { Failure, type Reply } from '../reply.js';

const NOTHING_IS_SAVED = new Failure(
  'ERR This server saves nothing to disk. Replicas hold copies of the content, and --record FILE records all of ' +
    'it into a file that --load FILE reads.',
);

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
    run: ({ host }) => host.startedAtSeconds,
  },
  {
    ...row,
    name: 'save',
    arity: 1,
    flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
    categories: ['admin', 'slow', 'dangerous'],
    complexity: 'O(N) where N is the total number of keys in all databases',
    summary: 'Synchronously save the dataset to disk',
    run: () => NOTHING_IS_SAVED,
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
];

function saveInBackground({ args }: Call): Reply {
  const isUnderstood = args.length === 1 || (args.length === 2 && wordOf(args, 1) === 'schedule');
  return isUnderstood ? NOTHING_IS_SAVED : SYNTAX_ERROR;
}
