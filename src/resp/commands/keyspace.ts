/** RANDOMKEY, KEYS, SCAN, DBSIZE, FLUSHALL, FLUSHDB: the commands on all keys. */

import type { KeyList } from '../../engine/keyspace.js';
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { Failure, OK, Raw, type Reply } from '../reply.js';

/** The commands on all keys. */
export const keyspaceCommands: readonly Command[] = [
  {
    name: 'randomkey',
    arity: 1,
    flags: ['readonly'],
    keys: [0, 0, 0],
    categories: ['keyspace', 'read', 'slow'],
    tips: ['request_policy:all_shards', 'nondeterministic_output'],
    since: '1.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary: 'Return a random key from the keyspace',
    run: randomkey,
  },
  {
    name: 'keys',
    arity: 2,
    flags: ['readonly'],
    keys: [0, 0, 0],
    categories: ['keyspace', 'read', 'slow', 'dangerous'],
    tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
    since: '1.0.0',
    group: 'generic',
    complexity:
      'O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.',
    summary: 'Find all keys matching the given pattern',
    run: keys,
  },
  {
    name: 'scan',
    arity: -2,
    flags: ['readonly'],
    keys: [0, 0, 0],
    categories: ['keyspace', 'read', 'slow'],
    tips: ['nondeterministic_output', 'request_policy:special'],
    since: '2.8.0',
    group: 'generic',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.',
    summary: 'Incrementally iterate the keys space',
    history: [['6.0.0', 'Added the `TYPE` subcommand.']],
    run: scan,
  },
  {
    name: 'dbsize',
    arity: 1,
    flags: ['readonly', 'fast'],
    keys: [0, 0, 0],
    categories: ['keyspace', 'read', 'fast'],
    tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
    since: '1.0.0',
    group: 'server',
    complexity: 'O(1)',
    summary: 'Return the number of keys in the selected database',
    run: dbsize,
  },
  {
    name: 'flushall',
    arity: -1,
    flags: ['write'],
    keys: [0, 0, 0],
    categories: ['keyspace', 'write', 'slow', 'dangerous'],
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    since: '1.0.0',
    group: 'server',
    complexity: 'O(N) where N is the total number of keys in all databases',
    summary: 'Remove all keys from all databases',
    history: [
      ['4.0.0', 'Added the `ASYNC` flushing mode modifier.'],
      ['6.2.0', 'Added the `SYNC` flushing mode modifier.'],
    ],
    run: flush,
  },
  {
    name: 'flushdb',
    arity: -1,
    flags: ['write'],
    keys: [0, 0, 0],
    categories: ['keyspace', 'write', 'slow', 'dangerous'],
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    since: '1.0.0',
    group: 'server',
    complexity: 'O(N) where N is the number of keys in the selected database',
    summary: 'Remove all keys from the current database',
    history: [
      ['4.0.0', 'Added the `ASYNC` flushing mode modifier.'],
      ['6.2.0', 'Added the `SYNC` flushing mode modifier.'],
    ],
    run: flush,
  },
];

const SCAN_COUNT = 10n;
/** The most keys that a step reads, whatever was asked for, so that other clients need not wait. */
const SCAN_COUNT_MAX = 100_000n;
/** Keys that one call of the kernel deletes. */
const FLUSHED_KEYS = 10_000;

const UINT64_MAX = 2n ** 64n - 1n;
const CURSOR = /^([+-]?)0*(\d{1,20})$/;

function randomkey({ host }: Call): Reply {
  return host.engine().keyspace.random() ?? null;
}

function keys({ args, host }: Call): Reply {
  return arrayOf(host.engine().keyspace.matching(args[1]!));
}

function scan({ args, host }: Call): Reply {
  const cursor = readCursor(args[1]!);
  if (cursor === undefined) return new Failure('ERR invalid cursor');
  let count = SCAN_COUNT;
  let pattern: Buffer | undefined;
  let typeName = 'string';
  for (let index = 2; index < args.length; index += 2) {
    const word = wordOf(args, index);
    const value = args[index + 1];
    if (value === undefined) return SYNTAX_ERROR;
    if (word === 'count') {
      const wanted = parseInt64(value);
      if (wanted === undefined) return NOT_AN_INTEGER;
      if (wanted < 1n) return SYNTAX_ERROR;
      count = wanted;
    } else if (word === 'match') pattern = value;
    else if (word === 'type') typeName = wordOf(args, index + 1);
    else return SYNTAX_ERROR;
  }
  const step = host
    .engine()
    .keyspace.scan(cursor, Number(count < SCAN_COUNT_MAX ? count : SCAN_COUNT_MAX), pattern);
  // All values are strings.
  return [String(step.cursor), typeName === 'string' ? arrayOf(step.keys) : []];
}

function arrayOf({ count, parts }: KeyList): Raw {
  return new Raw(Buffer.concat([Buffer.from(`*${count}\r\n`), ...parts]));
}

/** Reads a cursor as C's strtoul does: a sign is allowed, and a minus negates the number. */
function readCursor(text: Buffer): bigint | undefined {
  if (text.length === 0) return 0n;
  const [, sign, digits] = CURSOR.exec(text.toString('latin1')) ?? [];
  const cursor = BigInt(digits ?? UINT64_MAX + 1n);
  if (cursor > UINT64_MAX) return undefined;
  return sign === '-' ? BigInt.asUintN(64, -cursor) : cursor;
}

function dbsize({ host }: Call): Reply {
  return host.engine().keyCount();
}

/** Flushes; with SYNC or ASYNC, everything is deleted when it answers. */
function flush({ args, host }: Call): Reply {
  const mode = args.length === 2 ? wordOf(args, 1) : 'sync';
  if (args.length > 2 || (mode !== 'sync' && mode !== 'async')) return SYNTAX_ERROR;
  host.tracking.flush();
  const engine = host.engine();
  while (!engine.keyspace.deleteSome(FLUSHED_KEYS));
  return OK;
}
