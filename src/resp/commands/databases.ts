/**
 * MOVE, SWAPDB, SORT, SORT_RO: commands for several databases and for other types, of which there are none
 * here. They answer what Redis answers with one database and strings.
 */
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, type FoundKey, NO_KEYS, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { databaseFault } from '../database.js';
import { Failure, OK, type Reply } from '../reply.js';

const sortRow = {
  arity: -2,
  keys: [1, 1, 1],
  group: 'generic',
  complexity:
    'O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).',
} as const;
const SORTED_KEY = { flags: ['RO', 'access'], index: 1, range: [0, 1, 0] } as const;
const PATTERN_KEYS = {
  notes:
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort",
  flags: ['RO', 'access'],
  isUnknown: true,
} as const;

/** The commands for what there is only one of, or nothing. */
export const databaseCommands: readonly Command[] = [
  {
    name: 'move',
    arity: 3,
    flags: ['write', 'fast'],
    keys: [1, 1, 1],
    categories: ['keyspace', 'write', 'fast'],
    keySpecs: [{ flags: ['RW', 'access', 'update'], index: 1, range: [0, 1, 0] }],
    since: '1.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary: 'Move a key to another database',
    run: ({ args }) => databaseFault(args[2]!) ?? SAME_DATABASE,
  },
  {
    name: 'swapdb',
    arity: 3,
    flags: ['write', 'fast'],
    keys: NO_KEYS,
    categories: ['keyspace', 'write', 'fast', 'dangerous'],
    since: '4.0.0',
    group: 'server',
    complexity: 'O(N) where N is the count of clients watching or blocking on keys from both databases.',
    summary: 'Swaps two Redis databases',
    run: swapdb,
  },
  {
    ...sortRow,
    name: 'sort',
    flags: ['write', 'denyoom', 'movablekeys'],
    categories: ['write', 'set', 'sortedset', 'list', 'slow', 'dangerous'],
    keySpecs: [
      SORTED_KEY,
      PATTERN_KEYS,
      {
        notes:
          "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array",
        flags: ['OW', 'update'],
        isUnknown: true,
      },
    ],
    findKeys: keysOfSort,
    since: '1.0.0',
    summary: 'Sort the elements in a list, set or sorted set',
    run: (call) => sort(call, true),
  },
  {
    ...sortRow,
    name: 'sort_ro',
    flags: ['readonly', 'movablekeys'],
    categories: ['read', 'set', 'sortedset', 'list', 'slow', 'dangerous'],
    keySpecs: [SORTED_KEY, PATTERN_KEYS],
    findKeys: (args) => [{ key: args[1]!, flags: SORTED_KEY.flags }],
    since: '7.0.0',
    summary: 'Sort the elements in a list, set or sorted set. Read-only variant of SORT.',
    run: (call) => sort(call, false),
  },
];

const SAME_DATABASE = new Failure('ERR source and destination objects are the same');
const OUT_OF_RANGE = new Failure('ERR DB index is out of range');
const WRONG_TYPE = new Failure('WRONGTYPE Operation against a key holding the wrong kind of value');

/** Arguments behind the options of SORT. */
const SORT_OPTIONS: ReadonlyMap<string, number> = new Map([
  ['asc', 0],
  ['desc', 0],
  ['alpha', 0],
  ['limit', 2],
  ['store', 1],
  ['by', 1],
  ['get', 1],
]);

function swapdb({ args }: Call): Reply {
  const indices = [args[1]!, args[2]!].map((text) => parseInt64(text));
  const wrong = indices.findIndex((index) => index === undefined || BigInt.asIntN(32, index) !== index);
  if (wrong !== -1) return new Failure(`ERR invalid ${wrong === 0 ? 'first' : 'second'} DB index`);
  return indices.every((index) => index === 0n) ? OK : OUT_OF_RANGE;
}

/** No key that is there can be sorted; one that is not is as an empty list. */
function sort({ args, host }: Call, mayStore: boolean): Reply {
  let target: Buffer | undefined;
  for (let index = 2; index < args.length; index++) {
    const word = wordOf(args, index);
    const count = word === 'store' && !mayStore ? undefined : SORT_OPTIONS.get(word);
    if (count === undefined || index + count >= args.length) return SYNTAX_ERROR;
    const behind = args.slice(index + 1, index + 1 + count);
    if (word === 'limit' && behind.some((text) => parseInt64(text) === undefined)) return NOT_AN_INTEGER;
    if (word === 'store') target = behind[0];
    index += count;
  }
  const engine = host.engine();
  if (engine.values.find(args[1]!) !== undefined) return WRONG_TYPE;
  if (target === undefined) return [];
  engine.del(target);
  return 0;
}

/** The last STORE says where to. */
function keysOfSort(args: readonly Buffer[]): readonly FoundKey[] {
  let target: Buffer | undefined;
  for (let index = 2; index < args.length; index++) {
    const word = wordOf(args, index);
    if (word === 'store' && index + 1 < args.length) target = args[++index];
    else if (word !== 'store') index += SORT_OPTIONS.get(word) ?? 0;
  }
  const sorted = { key: args[1]!, flags: SORTED_KEY.flags };
  return target === undefined ? [sorted] : [sorted, { key: target, flags: ['OW', 'update'] }];
}
