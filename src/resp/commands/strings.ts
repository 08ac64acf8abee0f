/**
 * GETSET, GETDEL, GETEX, SETNX, SETEX, PSETEX, MSETNX: relatives of SET and GET that are too rare for the
 * kernel.
 */
import { outOfMemory } from '../../engine/kernel.js';
import { NO_EXPIRY } from '../../frame/batch.js';
import { wordOf } from '../arguments.js';
import { type Call, type Command, SYNTAX_ERROR, wrongArity } from '../command.js';
import { EXPIRY_UNITS, type ExpiryUnit, MILLISECONDS, readExpiry, SECONDS } from '../expiry-options.js';
import { Failure, OK, type Reply } from '../reply.js';

/** The commands on strings that the kernel does not run. */
export const stringCommands: readonly Command[] = [
  {
    name: 'getset',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'fast'],
    keySpecs: [{ flags: ['RW', 'access', 'update'], index: 1, range: [0, 1, 0] }],
    since: '1.0.0',
    deprecated: { since: '6.2.0', replacedBy: '`SET` with the `!GET` argument' },
    group: 'string',
    complexity: 'O(1)',
    summary: 'Set the string value of a key and return its old value',
    run: getset,
  },
  {
    name: 'getdel',
    arity: 2,
    flags: ['write', 'fast'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'fast'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], index: 1, range: [0, 1, 0] }],
    since: '6.2.0',
    group: 'string',
    complexity: 'O(1)',
    summary: 'Get the value of a key and delete the key',
    run: getdel,
  },
  {
    name: 'getex',
    arity: -2,
    flags: ['write', 'fast'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'fast'],
    keySpecs: [
      {
        notes: 'RW and UPDATE because it changes the TTL',
        flags: ['RW', 'access', 'update'],
        index: 1,
        range: [0, 1, 0],
      },
    ],
    since: '6.2.0',
    group: 'string',
    complexity: 'O(1)',
    summary: 'Get the value of a key and optionally set its expiration',
    run: getex,
  },
  {
    name: 'setnx',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'fast'],
    keySpecs: [{ flags: ['OW', 'insert'], index: 1, range: [0, 1, 0] }],
    since: '1.0.0',
    group: 'string',
    complexity: 'O(1)',
    summary: 'Set the value of a key, only if the key does not exist',
    run: setnx,
  },
  {
    name: 'setex',
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'slow'],
    keySpecs: [{ flags: ['OW', 'update'], index: 1, range: [0, 1, 0] }],
    since: '2.0.0',
    group: 'string',
    complexity: 'O(1)',
    summary: 'Set the value and expiration of a key',
    run: setex,
  },
  {
    name: 'psetex',
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'slow'],
    keySpecs: [{ flags: ['OW', 'update'], index: 1, range: [0, 1, 0] }],
    since: '2.6.0',
    group: 'string',
    complexity: 'O(1)',
    summary: 'Set the value and expiration in milliseconds of a key',
    run: psetex,
  },
  {
    name: 'msetnx',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 2],
    categories: ['write', 'string', 'slow'],
    tips: ['request_policy:multi_shard', 'response_policy:agg_min'],
    keySpecs: [{ flags: ['OW', 'insert'], index: 1, range: [-1, 2, 0] }],
    since: '1.0.1',
    group: 'string',
    complexity: 'O(N) where N is the number of keys to set.',
    summary: 'Set multiple keys to multiple values, only if none of the keys exist',
    run: msetnx,
  },
];

function getset({ args, host }: Call): Reply {
  const old = host.engine().get(args[1]!);
  host.engine().set(args[1]!, args[2]!);
  return old ?? null;
}

function getdel({ args, host }: Call): Reply {
  const value = host.engine().get(args[1]!);
  if (value !== undefined) host.engine().del(args[1]!);
  return value ?? null;
}

function getex({ args, host }: Call): Reply {
  // GETEX parses its options as SET does: a unit may be repeated, another one may not follow, and the last
  // time counts.
  let unitWord: string | undefined;
  let time: Buffer | undefined;
  let persists = false;
  for (let index = 2; index < args.length; index++) {
    const word = wordOf(args, index);
    if (word === 'persist' && unitWord === undefined) persists = true;
    else if (EXPIRY_UNITS.has(word) && !persists && (unitWord ?? word) === word && index + 1 < args.length) {
      unitWord = word;
      time = args[++index];
    } else return SYNTAX_ERROR;
  }
  const key = args[1]!;
  const engine = host.engine();
  const value = engine.get(key);
  if (value === undefined) return null;
  if (unitWord !== undefined) {
    const expireAtMs = readExpiry(time!, EXPIRY_UNITS.get(unitWord)!, 'getex', host);
    if (expireAtMs instanceof Failure) return expireAtMs;
    engine.expire(key, expireAtMs);
  } else if (persists && engine.expiryOf(key) !== NO_EXPIRY) engine.expire(key, NO_EXPIRY);
  return value;
}

function setnx({ args, host }: Call): Reply {
  if (host.engine().uses.touch(args[1]!)) return 0;
  host.engine().set(args[1]!, args[2]!);
  return 1;
}

function setex(call: Call): Reply {
  return setExpiring(call, SECONDS, 'setex');
}

function psetex(call: Call): Reply {
  return setExpiring(call, MILLISECONDS, 'psetex');
}

function setExpiring({ args, host }: Call, unit: ExpiryUnit, command: string): Reply {
  const expireAtMs = readExpiry(args[2]!, unit, command, host);
  if (expireAtMs instanceof Failure) return expireAtMs;
  host.engine().set(args[1]!, args[3]!, expireAtMs);
  return OK;
}

function msetnx({ args, host }: Call): Reply {
  if (args.length % 2 === 0) return wrongArity('msetnx');
  const engine = host.engine();
  let bytes = 0;
  for (let index = 1; index < args.length; index += 2) {
    if (engine.uses.touch(args[index]!)) return 0;
    bytes += args[index]!.length + args[index + 1]!.length;
  }
  if (!engine.hasRoomFor(bytes)) throw outOfMemory(bytes);
  for (let index = 1; index < args.length; index += 2) engine.set(args[index]!, args[index + 1]!);
  return 1;
}
