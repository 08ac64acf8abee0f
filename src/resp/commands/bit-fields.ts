/** BITFIELD, BITFIELD_RO: integers of any width at any bit of a value. */
import type { BitField, Overflow } from '../../engine/bit-fields.js';
import { parseInt64, shownText, wordOf } from '../arguments.js';
import { type Call, type Command, type FoundKey, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { Failure, type Reply } from '../reply.js';

/** The commands on integers of bits. */
export const bitFieldCommands: readonly Command[] = [
  {
    name: 'bitfield',
    arity: -2,
    flags: ['write', 'denyoom'],
    keys: [1, 1, 1],
    categories: ['write', 'bitmap', 'slow'],
    keySpecs: [
      {
        notes: 'This command allows both access and modification of the key',
        flags: ['RW', 'access', 'update', 'variable_flags'],
        index: 1,
        range: [0, 1, 0],
      },
    ],
    findKeys: keyOfBitField,
    since: '3.2.0',
    group: 'bitmap',
    complexity: 'O(1) for each subcommand specified',
    summary: 'Perform arbitrary bitfield integer operations on strings',
    run: bitfield,
  },
  {
    name: 'bitfield_ro',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    categories: ['read', 'bitmap', 'fast'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '6.0.0',
    group: 'bitmap',
    complexity: 'O(1) for each subcommand specified',
    summary: 'Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD',
    run: bitfieldRo,
  },
];

const BAD_TYPE = new Failure(
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
);
const BAD_OFFSET = new Failure('ERR bit offset is not an integer or out of range');
const BAD_OVERFLOW = new Failure('ERR Invalid OVERFLOW type specified');
const GET_ONLY = new Failure('ERR BITFIELD_RO only supports the GET subcommand');

const OVERFLOWS: ReadonlySet<string> = new Set(['wrap', 'sat', 'fail']);
/** Arguments behind the name of each subcommand. */
const ARGUMENTS: ReadonlyMap<string, number> = new Map([
  ['get', 2],
  ['set', 3],
  ['incrby', 3],
]);

function bitfield({ args, host }: Call): Reply {
  const fields = readFields(args, host.settings.maxValueBytes);
  return fields instanceof Failure ? fields : host.engine().values.bitFields(args[1]!, fields);
}

function bitfieldRo({ args, host }: Call): Reply {
  const fields = readFields(args, host.settings.maxValueBytes);
  if (fields instanceof Failure) return fields;
  if (fields.some(({ action }) => action !== 'get')) return GET_ONLY;
  return host.engine().values.bitFields(args[1]!, fields);
}

function readFields(args: readonly Buffer[], maxValueBytes: number): BitField[] | Failure {
  const fields: BitField[] = [];
  let overflow: Overflow = 'wrap';
  for (let index = 2; index < args.length; ) {
    const action = wordOf(args, index);
    if (action === 'overflow' && index + 1 < args.length) {
      const word = wordOf(args, index + 1);
      if (!OVERFLOWS.has(word)) return BAD_OVERFLOW;
      overflow = word as Overflow;
      index += 2;
      continue;
    }
    const count = ARGUMENTS.get(action);
    if (count === undefined || index + count >= args.length) return SYNTAX_ERROR;
    const type = readType(args[index + 1]!);
    if (type === undefined) return BAD_TYPE;
    const offset = readOffset(args[index + 2]!, type.bits, maxValueBytes);
    if (offset === undefined) return BAD_OFFSET;
    const number = action === 'get' ? 0n : parseInt64(args[index + 3]!);
    if (number === undefined) return NOT_AN_INTEGER;
    fields.push({ ...type, action: action as BitField['action'], offset, number, overflow });
    index += count + 1;
  }
  return fields;
}

/** `i8`, `u16`, …; undefined for what is no such type. */
function readType(text: Buffer): { bits: number; isSigned: boolean } | undefined {
  const [letter, ...digits] = shownText(text);
  const bits = parseInt64(Buffer.from(digits.join(''), 'latin1'));
  const isSigned = letter === 'i';
  if (bits === undefined || bits < 1n || bits > (isSigned ? 64n : 63n)) return undefined;
  return isSigned || letter === 'u' ? { bits: Number(bits), isSigned } : undefined;
}

/** A bit, or `#` and a number of integers of so many bits; undefined beyond the longest value. */
function readOffset(text: Buffer, bits: number, maxValueBytes: number): number | undefined {
  const isScaled = text[0] === 0x23;
  const number = parseInt64(isScaled ? text.subarray(1) : text);
  if (number === undefined) return undefined;
  const offset = isScaled ? number * BigInt(bits) : number;
  return offset < 0n || offset >= 8n * BigInt(maxValueBytes) ? undefined : Number(offset);
}

/** With GET alone it only reads. */
function keyOfBitField(args: readonly Buffer[]): readonly FoundKey[] {
  let reads = true;
  for (let index = 2; index < args.length && reads; ) {
    const action = wordOf(args, index);
    const left = args.length - index - 1;
    if (action === 'get' && left >= 2) index += 3;
    else if (action === 'overflow' && left >= 1) index += 2;
    else reads = false;
  }
  return [{ key: args[1]!, flags: reads ? ['RO', 'access'] : ['RW', 'access', 'update'] }];
}
