/** BITOP: the bits of several values become those of another. */
import { BITOPS, type BitOperation } from '../../engine/bit-operations.js';
import { wordOf } from '../arguments.js';
import { type Call, type Command, SYNTAX_ERROR } from '../command.js';
import { Failure, type Reply } from '../reply.js';

/** The command BITOP, with the operations of Redis 8.2. */
export const bitOperationCommands: readonly Command[] = [
  {
    name: 'bitop',
    arity: -4,
    flags: ['write', 'denyoom'],
    keys: [2, -1, 1],
    categories: ['write', 'bitmap', 'slow'],
    keySpecs: [
      { flags: ['OW', 'update'], index: 2, range: [0, 1, 0] },
      { flags: ['RO', 'access'], index: 3, range: [-1, 1, 0] },
    ],
    since: '2.6.0',
    group: 'bitmap',
    complexity: 'O(N)',
    summary: 'Perform bitwise operations between strings',
    run: bitop,
  },
];

const NOT_HAS_ONE = new Failure('ERR BITOP NOT must be called with a single source key.');
/** Operations of a first value and others. */
const WITH_OTHERS: ReadonlySet<string> = new Set(['diff', 'diff1', 'andor']);

function bitop({ args, host }: Call): Reply {
  const operation = wordOf(args, 1);
  if (!Object.hasOwn(BITOPS, operation)) return SYNTAX_ERROR;
  if (operation === 'not' && args.length !== 4) return NOT_HAS_ONE;
  if (WITH_OTHERS.has(operation) && args.length < 5) {
    return new Failure(`ERR BITOP ${operation.toUpperCase()} must be called with at least two source keys.`);
  }
  return host.engine().values.combineBits(operation as BitOperation, args.slice(3), args[2]!);
}
