/**
 * OBJECT: how Redis would keep a value. Here all values are kept alike, so the answer is derived from the
 * content.
 */

import { parseInt64 } from '../arguments.js';
import type { Call, Command } from '../command.js';
import { withHelp } from '../container-help.js';
import { Failure, type Reply } from '../reply.js';
import type { Settings } from '../settings.js';

/** OBJECT and its subcommands. */
export const objectCommands: readonly Command[] = [
  {
    name: 'object',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    categories: ['slow'],
    since: '2.2.3',
    group: 'generic',
    complexity: 'Depends on subcommand.',
    summary: 'A container for object introspection commands',
    subcommands: withHelp(
      { container: 'object', since: '6.2.0', group: 'generic', categories: ['keyspace', 'slow'] },
      [
        {
          name: 'encoding',
          arity: 3,
          flags: ['readonly'],
          keys: [2, 2, 1],
          categories: ['keyspace', 'read', 'slow'],
          tips: ['nondeterministic_output'],
          keySpecs: [{ flags: ['RO'], index: 2, range: [0, 1, 0] }],
          since: '2.2.3',
          group: 'generic',
          complexity: 'O(1)',
          summary: 'Inspect the internal encoding of a Redis object',
          help: [
            'ENCODING <key>',
            '    Return the kind of internal representation used in order to store the value',
            '    associated with a <key>.',
          ],
          run: encoding,
        },
        {
          name: 'freq',
          arity: 3,
          flags: ['readonly'],
          keys: [2, 2, 1],
          categories: ['keyspace', 'read', 'slow'],
          tips: ['nondeterministic_output'],
          keySpecs: [{ flags: ['RO'], index: 2, range: [0, 1, 0] }],
          since: '4.0.0',
          group: 'generic',
          complexity: 'O(1)',
          summary: 'Get the logarithmic access frequency counter of a Redis object',
          help: [
            'FREQ <key>',
            '    Return the access frequency index of the <key>. The returned integer is',
            '    proportional to the logarithm of the recent access frequency of the key.',
          ],
          run: freq,
        },
        {
          name: 'idletime',
          arity: 3,
          flags: ['readonly'],
          keys: [2, 2, 1],
          categories: ['keyspace', 'read', 'slow'],
          tips: ['nondeterministic_output'],
          keySpecs: [{ flags: ['RO'], index: 2, range: [0, 1, 0] }],
          since: '2.2.3',
          group: 'generic',
          complexity: 'O(1)',
          summary: 'Get the time since a Redis object was last accessed',
          help: [
            'IDLETIME <key>',
            '    Return the idle time of the <key>, that is the approximated number of',
            '    seconds elapsed since the last access to the key.',
          ],
          run: idletime,
        },
        {
          name: 'refcount',
          arity: 3,
          flags: ['readonly'],
          keys: [2, 2, 1],
          categories: ['keyspace', 'read', 'slow'],
          tips: ['nondeterministic_output'],
          keySpecs: [{ flags: ['RO'], index: 2, range: [0, 1, 0] }],
          since: '2.2.3',
          group: 'generic',
          complexity: 'O(1)',
          summary: 'Get the number of references to the value of the key',
          help: [
            'REFCOUNT <key>',
            '    Return the number of references of the value associated with the specified',
            '    <key>.',
          ],
          run: refcount,
        },
      ],
    ),
  },
];

/** Bytes up to which Redis keeps a value in one piece with its header. */
const EMBEDDED_BYTES_MAX = 44;
const INTEGER_BYTES_MAX = 20;
/** Redis has one object for each number below this, and does not count the references of these objects. */
const SHARED_INTEGERS = 10_000n;
const SHARED_REFERENCES = 2_147_483_647;

const IDLE_TIME_NOT_TRACKED = new Failure(
  'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
);
const FREQUENCY_NOT_TRACKED = new Failure(
  'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
);

function encoding(call: Call): Reply {
  const value = look(call);
  if (value === undefined) return null;
  if (value.integer !== undefined) return 'int';
  return value.length <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw';
}

function refcount(call: Call): Reply {
  const value = look(call);
  if (value === undefined) return null;
  const integer = value.integer ?? -1n;
  const isShared = integer >= 0n && integer < SHARED_INTEGERS && sharesIntegers(call.host.settings);
  return isShared ? SHARED_REFERENCES : 1;
}

/** Whether Redis would have one object for equal numbers: not where it evicts by the uses of each key. */
function sharesIntegers({ maxMemoryBytes, maxMemoryPolicy }: Settings): boolean {
  return maxMemoryBytes === 0 || !/-l[rf]u$/.test(maxMemoryPolicy);
}

function idletime({ args, host }: Call): Reply {
  const engine = host.engine();
  const seconds = engine.uses.idleSeconds(args[2]!);
  if (!engine.countRead(seconds !== undefined)) return null;
  return engine.countsUses ? IDLE_TIME_NOT_TRACKED : seconds!;
}

function freq({ args, host }: Call): Reply {
  const engine = host.engine();
  const frequency = engine.uses.frequency(args[2]!);
  if (!engine.countRead(frequency !== undefined)) return null;
  return engine.countsUses ? frequency! : FREQUENCY_NOT_TRACKED;
}

/** A value's length, and the number that it spells, undefined if it spells none. */
function look({ args, host }: Call): { length: number; integer: bigint | undefined } | undefined {
  const engine = host.engine();
  const { values } = engine;
  const length = values.length(args[2]!);
  engine.countRead(length !== undefined);
  if (length === undefined) return undefined;
  const isShort = length <= INTEGER_BYTES_MAX;
  return { length, integer: isShort ? parseInt64(values.peek(args[2]!, 0, length)!) : undefined };
}
