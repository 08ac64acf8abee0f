/** TYPE, RENAME, RENAMENX, COPY, EXPIRETIME, PEXPIRETIME: the commands on single keys. */
import { NO_EXPIRY } from '../../frame/batch.js';
import { wordOf } from '../arguments.js';
import { type Call, type Command, SYNTAX_ERROR } from '../command.js';
import { databaseFault } from '../database.js';
import { Failure, OK, type Reply, Status } from '../reply.js';

/** The commands on single keys. */
export const keyCommands: readonly Command[] = [
  {
    name: 'type',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    categories: ['keyspace', 'read', 'fast'],
    keySpecs: [{ flags: ['RO'], index: 1, range: [0, 1, 0] }],
    since: '1.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary: 'Determine the type stored at key',
    run: type,
  },
  {
    name: 'rename',
    arity: 3,
    flags: ['write'],
    keys: [1, 2, 1],
    categories: ['keyspace', 'write', 'slow'],
    keySpecs: [
      { flags: ['RW', 'access', 'delete'], index: 1, range: [0, 1, 0] },
      { flags: ['OW', 'update'], index: 2, range: [0, 1, 0] },
    ],
    since: '1.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary: 'Rename a key',
    run: rename,
  },
  {
    name: 'renamenx',
    arity: 3,
    flags: ['write', 'fast'],
    keys: [1, 2, 1],
    categories: ['keyspace', 'write', 'fast'],
    keySpecs: [
      { flags: ['RW', 'access', 'delete'], index: 1, range: [0, 1, 0] },
      { flags: ['OW', 'insert'], index: 2, range: [0, 1, 0] },
    ],
    since: '1.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary: 'Rename a key, only if the new key does not exist',
    history: [
      ['3.2.0', 'The command no longer returns an error when source and destination names are the same.'],
    ],
    run: renamenx,
  },
  {
    name: 'copy',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, 2, 1],
    categories: ['keyspace', 'write', 'slow'],
    keySpecs: [
      { flags: ['RO', 'access'], index: 1, range: [0, 1, 0] },
      { flags: ['OW', 'update'], index: 2, range: [0, 1, 0] },
    ],
    since: '6.2.0',
    group: 'generic',
    complexity:
      'O(N) worst case for collections, where N is the number of nested items. O(1) for string values.',
    summary: 'Copy a key',
    run: copy,
  },
  {
    name: 'expiretime',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    categories: ['keyspace', 'read', 'fast'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '7.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary: 'Get the expiration Unix timestamp for a key',
    run: expiretime,
  },
  {
    name: 'pexpiretime',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    categories: ['keyspace', 'read', 'fast'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '7.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary: 'Get the expiration Unix timestamp for a key in milliseconds',
    run: pexpiretime,
  },
];

const NO_SUCH_KEY = new Failure('ERR no such key');

function type({ args, host }: Call): Reply {
  const engine = host.engine();
  const isThere = engine.countRead(engine.expiryOf(args[1]!) !== undefined, args[1]);
  return new Status(isThere ? 'string' : 'none');
}

function rename(call: Call): Reply {
  return move(call, true) ?? OK;
}

function renamenx(call: Call): Reply {
  return move(call, false) ?? 1;
}

/** Renames the key; returns undefined when it has its new name, otherwise the answer. */
function move({ args, host }: Call, replaces: boolean): Reply | undefined {
  const source = args[1]!;
  const target = args[2]!;
  const engine = host.engine();
  if (engine.expiryOf(source) === undefined) return NO_SUCH_KEY;
  if (!replaces && engine.expiryOf(target) !== undefined) return 0;
  if (source.equals(target)) return undefined;
  // The source may just have been evicted, to make room for its copy.
  if (!engine.values.copy(source, target, true)) return NO_SUCH_KEY;
  engine.del(source);
  return undefined;
}

function copy({ args, host }: Call): Reply {
  const source = args[1]!;
  const target = args[2]!;
  let replaces = false;
  for (let index = 3; index < args.length; index++) {
    const word = wordOf(args, index);
    if (word === 'replace') replaces = true;
    else if (word === 'db' && index + 1 < args.length) {
      const fault = databaseFault(args[++index]!);
      if (fault !== undefined) return fault;
    } else return SYNTAX_ERROR;
  }
  if (source.equals(target)) return new Failure('ERR source and destination objects are the same');
  const engine = host.engine();
  if (!engine.countRead(engine.expiryOf(source) !== undefined, source)) return 0;
  if (!replaces && engine.expiryOf(target) !== undefined) return 0;
  return engine.values.copy(source, target) ? 1 : 0;
}

function expiretime(call: Call): Reply {
  const expireAtMs = expiry(call);
  return expireAtMs < 0n ? expireAtMs : (expireAtMs + 500n) / 1000n;
}

function pexpiretime(call: Call): Reply {
  return expiry(call);
}

/** The expiry in Unix ms; -1 without an expiry, -2 without a key. */
function expiry({ args, host }: Call): bigint {
  const engine = host.engine();
  const expireAtMs = engine.expiryOf(args[1]!);
  if (!engine.countRead(expireAtMs !== undefined, args[1])) return -2n;
  return expireAtMs === undefined || expireAtMs === NO_EXPIRY ? -1n : expireAtMs;
}
