/** MSETEX: several keys at once, with a condition and an expiry for all. */
import { outOfMemory } from '../../engine/kernel.js';
import { NO_EXPIRY } from '../../frame/batch.js';
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NO_KEYS, SYNTAX_ERROR } from '../command.js';
import { EXPIRY_UNITS, readExpiry } from '../expiry-options.js';
import { Failure, type Reply } from '../reply.js';

/** The command MSETEX of Redis 8.4 and Valkey 9.1. */
export const msetexCommands: readonly Command[] = [
  {
    name: 'msetex',
    arity: -4,
    flags: ['write', 'denyoom', 'movablekeys'],
    keys: NO_KEYS,
    categories: ['write', 'string', 'slow'],
    tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
    keySpecs: [{ flags: ['OW', 'update'], index: 1, keyNumber: [0, 1, 2] }],
    since: '8.4.0',
    group: 'string',
    complexity: 'O(N) where N is the number of keys to set.',
    summary:
      'Atomically sets multiple string keys with a shared expiration in a single operation. Supports flexible argument parsing where condition and expiration flags can appear in any order.',
    run: msetex,
  },
];

const BAD_COUNT = new Failure('ERR invalid numkeys value');
const TOO_FEW_PAIRS = new Failure('ERR wrong number of key-value pairs');
/** The first key. */
const FIRST = 2;

interface MsetexOptions {
  /** Sets them only when none of the keys is there (`nx`), or when all are (`xx`). */
  condition: 'nx' | 'xx' | undefined;
  keepsExpiry: boolean;
  /** The word of the unit in which the time is, and the time; both or none. */
  unit: string | undefined;
  time: Buffer | undefined;
}

function msetex({ args, host }: Call): Reply {
  const count = parseInt64(args[1]!);
  if (count === undefined || count <= 0n || count > 2n ** 31n - 1n) return BAD_COUNT;
  const end = FIRST + 2 * Number(count);
  if (end > args.length) return TOO_FEW_PAIRS;
  const options = readOptions(args, end);
  if (options === undefined) return SYNTAX_ERROR;
  const { condition, keepsExpiry, unit, time } = options;
  const expireAtMs =
    unit === undefined ? NO_EXPIRY : readExpiry(time!, EXPIRY_UNITS.get(unit)!, 'msetex', host);
  if (expireAtMs instanceof Failure) return expireAtMs;
  const engine = host.engine();
  let bytes = 0;
  for (let index = FIRST; index < end; index += 2) {
    const key = args[index]!;
    if (condition !== undefined && engine.uses.touch(key) === (condition === 'nx')) return 0;
    bytes += key.length + args[index + 1]!.length;
  }
  if (!engine.hasRoomFor(bytes)) throw outOfMemory(bytes);
  for (let index = FIRST; index < end; index += 2) {
    const key = args[index]!;
    engine.set(key, args[index + 1]!, (keepsExpiry ? engine.expiryOf(key) : undefined) ?? expireAtMs);
  }
  return 1;
}

/** Reads the options, which may be repeated as those of SET; undefined where they do not go together. */
function readOptions(args: readonly Buffer[], start: number): MsetexOptions | undefined {
  const options: MsetexOptions = {
    condition: undefined,
    keepsExpiry: false,
    unit: undefined,
    time: undefined,
  };
  for (let index = start; index < args.length; index++) {
    const word = wordOf(args, index);
    if ((word === 'nx' || word === 'xx') && (options.condition ?? word) === word) options.condition = word;
    else if (word === 'keepttl' && options.unit === undefined) options.keepsExpiry = true;
    else if (
      EXPIRY_UNITS.has(word) &&
      !options.keepsExpiry &&
      (options.unit ?? word) === word &&
      index + 1 < args.length
    ) {
      options.unit = word;
      options.time = args[++index];
    } else return undefined;
  }
  return options;
}
