/** MIGRATE, which is understood and refused: this server opens no connections for its clients. */
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, type FoundKey, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { Failure, type Reply, Status } from '../reply.js';

/** The command MIGRATE. */
export const migrateCommands: readonly Command[] = [
  {
    name: 'migrate',
    arity: -6,
    flags: ['write', 'movablekeys'],
    keys: [3, 3, 1],
    categories: ['keyspace', 'write', 'slow', 'dangerous'],
    tips: ['nondeterministic_output'],
    keySpecs: [
      { flags: ['RW', 'access', 'delete'], index: 3, range: [0, 1, 0] },
      {
        flags: ['RW', 'access', 'delete', 'incomplete'],
        keyword: 'KEYS',
        startFrom: -2,
        range: [-1, 1, 0],
      },
    ],
    findKeys: (args) => readKeys(args)?.map((key) => ({ key, flags: KEY_FLAGS })),
    since: '2.6.0',
    group: 'generic',
    complexity:
      'This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.',
    summary: 'Atomically transfer a key from a Redis instance to another one.',
    history: [
      ['3.0.0', 'Added the `COPY` and `REPLACE` options.'],
      ['3.0.6', 'Added the `KEYS` option.'],
      ['4.0.7', 'Added the `AUTH` option.'],
      ['6.0.0', 'Added the `AUTH2` option.'],
    ],
    run: migrate,
  },
];

const KEY_FLAGS: FoundKey['flags'] = ['RW', 'access', 'delete'];
const KEY_BESIDE_KEYS = new Failure(
  'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
);
const NO_KEY = new Status('NOKEY');
const REFUSED = new Failure(
  'ERR MIGRATE is not supported, for this server connects to no other for its clients. DUMP the keys here and RESTORE them there',
);

/** Where the key is, and where options begin. */
const KEY = 3;
const OPTIONS = 6;
/** The options, and how many arguments are behind each. */
const BEHIND: ReadonlyMap<string, number> = new Map([
  ['copy', 0],
  ['replace', 0],
  ['auth', 1],
  ['auth2', 2],
]);

function migrate({ args, host }: Call): Reply {
  const end = endOfOptions(args);
  if (end > args.length) return SYNTAX_ERROR;
  if (end < args.length && wordOf(args, end) !== 'keys') return SYNTAX_ERROR;
  const keys = readKeys(args);
  if (keys === undefined) return KEY_BESIDE_KEYS;
  if ([args[4]!, args[5]!].some((text) => parseInt64(text) === undefined)) return NOT_AN_INTEGER;
  const { values } = host.engine();
  return keys.some((key) => values.find(key) !== undefined) ? REFUSED : NO_KEY;
}

/** Where the options end: at what is none, or behind the arguments; beyond that where one is not whole. */
function endOfOptions(args: readonly Buffer[]): number {
  let index = OPTIONS;
  while (index < args.length) {
    const behind = BEHIND.get(wordOf(args, index));
    if (behind === undefined) break;
    index += 1 + behind;
  }
  return index;
}

/** The key, or those behind KEYS, beside which there is none. */
function readKeys(args: readonly Buffer[]): readonly Buffer[] | undefined {
  const end = endOfOptions(args);
  if (wordOf(args, end) !== 'keys') return [args[KEY]!];
  return args[KEY]!.length === 0 ? args.slice(end + 1) : undefined;
}
