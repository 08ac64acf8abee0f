/** INCREX: a number with bounds and an expiry, as Redis 8.8 and Valkey 9.2 count it. */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { NO_EXPIRY } from '../../frame/batch.js';
import { wordOf } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { EXPIRY_UNITS, readExpiry } from '../expiry-options.js';
import { FLOATS, INTEGERS, type NumberKind } from '../number-kinds.js';
import { Failure, type Reply } from '../reply.js';

/** The command INCREX. */
export const increxCommands: readonly Command[] = [
  {
    name: 'increx',
    arity: -2,
    flags: ['write', 'denyoom', 'fast'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'fast'],
    keySpecs: [{ flags: ['RW', 'access', 'update'], index: 1, range: [0, 1, 0] }],
    since: '8.8.0',
    group: 'string',
    complexity: 'O(1)',
    summary:
      "Increments the numeric value of a key by a number and sets its expiration time. Uses 0 as initial value if the key doesn't exist.",
    run: increx,
  },
];

const ENX_ALONE = new Failure('ERR ENX flag requires an expiration');
const BOUNDS_CROSSED = new Failure("ERR LBOUND can't be greater than UBOUND");

/** The options by their words; each may be there once. */
const FLAGS: ReadonlySet<string> = new Set(['saturate', 'enx', 'persist', 'nx', 'xx']);
const WITH_ARGUMENT: ReadonlySet<string> = new Set(['byint', 'byfloat', 'lbound', 'ubound']);
/** Of these one may be there. */
const EXCLUSIVE: readonly (readonly string[])[] = [
  ['byint', 'byfloat'],
  ['nx', 'xx'],
  [...EXPIRY_UNITS.keys(), 'persist'],
];

type Options = ReadonlyMap<string, Buffer | undefined>;

function increx({ args, host }: Call): Reply {
  const options = readOptions(args);
  if (options === undefined) return SYNTAX_ERROR;
  const unit = [...EXPIRY_UNITS.keys()].find((word) => options.has(word));
  if (options.has('enx') && unit === undefined) return ENX_ALONE;
  const time =
    unit === undefined ? undefined : readExpiry(options.get(unit)!, EXPIRY_UNITS.get(unit)!, 'increx', host);
  const engine = host.engine();
  const key = args[1]!;
  return options.has('byfloat')
    ? count(FLOATS, { engine, key, options, time })
    : count(INTEGERS, { engine, key, options, time });
}

/** The options and what is behind them; undefined where they do not go together. */
function readOptions(args: readonly Buffer[]): Options | undefined {
  const options = new Map<string, Buffer | undefined>();
  for (let index = 2; index < args.length; index++) {
    const word = wordOf(args, index);
    const hasArgument = WITH_ARGUMENT.has(word) || EXPIRY_UNITS.has(word);
    if (options.has(word) || !(hasArgument || FLAGS.has(word))) return undefined;
    if (hasArgument && index + 1 === args.length) return undefined;
    options.set(word, hasArgument ? args[++index] : undefined);
  }
  const isSound = EXCLUSIVE.every((words) => words.filter((word) => options.has(word)).length < 2);
  return isSound ? options : undefined;
}

interface Counting {
  readonly engine: ShardEngine;
  readonly key: Buffer;
  readonly options: Options;
  /** When the key shall expire, Unix ms; undefined when nothing is said. */
  readonly time: bigint | Failure | undefined;
}

function count<N>(kind: NumberKind<N>, { engine, key, options, time }: Counting): Reply {
  const read = (word: string, name: string, absent: N): N | Failure => {
    const text = options.get(word);
    return text === undefined ? absent : (kind.parse(text) ?? new Failure(`ERR ${name} ${kind.fault}`));
  };
  const by = read(kind.word, 'Increment', kind.one);
  if (by instanceof Failure) return by;
  const least = read('lbound', 'LBOUND', kind.least);
  if (least instanceof Failure) return least;
  const most = read('ubound', 'UBOUND', kind.most);
  if (most instanceof Failure) return most;
  if (kind.isLess(most, least)) return BOUNDS_CROSSED;
  if (time instanceof Failure) return time;
  const text = engine.values.peek(key, 0, kind.textBytesMax + 1);
  if (options.has(text === undefined ? 'xx' : 'nx')) return null;
  const before = text === undefined ? kind.zero : kind.parse(text);
  if (before === undefined)
    return kind.word === 'byint' ? NOT_AN_INTEGER : new Failure(`ERR value ${kind.fault}`);
  const sum = kind.sum(before, by, least, most);
  if (sum.isOutside && !options.has('saturate')) return [kind.reply(before), kind.reply(kind.zero)];
  const after = sum.value;
  const applied = kind.difference(after, before);
  if (applied === undefined) return new Failure(kind.overflow);
  engine.set(key, Buffer.from(kind.format(after)), expiryOf(engine.expiryOf(key), options, time));
  return [kind.reply(after), kind.reply(applied)];
}

/** When the key expires, after `present` (undefined: there was no key). */
function expiryOf(present: bigint | undefined, options: Options, time: bigint | undefined): bigint {
  if (options.has('persist')) return NO_EXPIRY;
  const kept = present ?? NO_EXPIRY;
  return time === undefined || (options.has('enx') && kept !== NO_EXPIRY) ? kept : time;
}
