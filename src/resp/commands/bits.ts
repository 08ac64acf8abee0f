/** SETBIT, GETBIT, BITCOUNT, BITPOS. Bit 0 is the highest of the first byte. */
import type { Values } from '../../engine/values.js';
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import type { CommandHost } from '../command-host.js';
import { Failure, type Reply } from '../reply.js';
import { clampedRange, rangeWithin, writeAt } from '../value-range.js';

/** The commands on single bits. */
export const bitCommands: readonly Command[] = [
  {
    name: 'setbit',
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: [1, 1, 1],
    categories: ['write', 'bitmap', 'slow'],
    keySpecs: [{ flags: ['RW', 'access', 'update'], index: 1, range: [0, 1, 0] }],
    since: '2.2.0',
    group: 'bitmap',
    complexity: 'O(1)',
    summary: 'Sets or clears the bit at offset in the string value stored at key',
    run: setbit,
  },
  {
    name: 'getbit',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    categories: ['read', 'bitmap', 'fast'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '2.2.0',
    group: 'bitmap',
    complexity: 'O(1)',
    summary: 'Returns the bit value at offset in the string value stored at key',
    run: getbit,
  },
  {
    name: 'bitcount',
    arity: -2,
    flags: ['readonly'],
    keys: [1, 1, 1],
    categories: ['read', 'bitmap', 'slow'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '2.6.0',
    group: 'bitmap',
    complexity: 'O(N)',
    summary: 'Count set bits in a string',
    history: [['7.0.0', 'Added the `BYTE|BIT` option.']],
    run: bitcount,
  },
  {
    name: 'bitpos',
    arity: -3,
    flags: ['readonly'],
    keys: [1, 1, 1],
    categories: ['read', 'bitmap', 'slow'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '2.8.7',
    group: 'bitmap',
    complexity: 'O(N)',
    summary: 'Find first bit set or clear in a string',
    history: [['7.0.0', 'Added the `BYTE|BIT` option.']],
    run: bitpos,
  },
];

const BAD_OFFSET = new Failure('ERR bit offset is not an integer or out of range');
const BAD_BIT = new Failure('ERR bit is not an integer or out of range');

function setbit({ args, host }: Call): Reply {
  const offset = readOffset(args[2]!, host);
  if (offset === undefined) return BAD_OFFSET;
  const bit = parseInt64(args[3]!);
  if (bit !== 0n && bit !== 1n) return BAD_BIT;
  const key = args[1]!;
  const engine = host.engine();
  const at = Math.floor(offset / 8);
  const before = byteAt(engine.values, key, at);
  const mask = maskOf(offset);
  const wasSet = ((before ?? 0) & mask) !== 0;
  // A bit that is already as it should be changes nothing, unless the value grows.
  if (before === undefined || wasSet !== (bit === 1n)) {
    const after = bit === 1n ? (before ?? 0) | mask : (before ?? 0) & ~mask;
    writeAt(engine, key, at, Buffer.of(after));
  }
  return wasSet ? 1 : 0;
}

function getbit({ args, host }: Call): Reply {
  const offset = readOffset(args[2]!, host);
  if (offset === undefined) return BAD_OFFSET;
  const at = Math.floor(offset / 8);
  const byte = host.engine().values.read(args[1]!, at, at + 1)?.[0] ?? 0;
  return (byte & maskOf(offset)) === 0 ? 0 : 1;
}

function bitcount({ args, host }: Call): Reply {
  const key = args[1]!;
  const { values } = host.engine();
  const length = values.find(key)?.length;
  if (length === undefined) return 0;
  if (args.length === 2) return values.countBits(key, 0, length);
  if (args.length !== 4 && args.length !== 5) return SYNTAX_ERROR;
  const start = parseInt64(args[2]!);
  const end = parseInt64(args[3]!);
  if (start === undefined || end === undefined) return NOT_AN_INTEGER;
  // Redis checks the range before it reads its unit.
  if (start < 0n && end < 0n && start > end) return 0;
  const unit = args.length === 5 ? wordOf(args, 4) : 'byte';
  if (unit !== 'bit' && unit !== 'byte') return SYNTAX_ERROR;
  const range = rangeWithin(start, end, unit === 'bit' ? 8 * length : length);
  if (range === undefined) return 0;
  return unit === 'byte'
    ? values.countBits(key, range.start, range.end)
    : countBits(values, key, range.start, range.end);
}

/** The bits of the whole bytes, without those outside of the range in the first and the last. */
function countBits(values: Values, key: Buffer, start: number, end: number): number {
  const first = Math.floor(start / 8);
  const last = Math.ceil(end / 8) - 1;
  const before = (byteAt(values, key, first) ?? 0) >> (8 - (start % 8));
  const behind = (byteAt(values, key, last) ?? 0) & (maskOf(end - 1) - 1);
  return values.countBits(key, first, last + 1) - bitsOfByte(before) - bitsOfByte(behind);
}

function bitpos({ args, host }: Call): Reply {
  const bit = parseInt64(args[2]!);
  if (bit === undefined) return NOT_AN_INTEGER;
  if (bit !== 0n && bit !== 1n) return new Failure('ERR The bit argument must be 1 or 0.');
  const key = args[1]!;
  const { values } = host.engine();
  // Redis 7.0 reads the range of a key that is there alone.
  const length = values.find(key)?.length;
  if (length === undefined) return bit === 1n ? -1 : 0;
  if (args.length > 6) return SYNTAX_ERROR;
  const start = args.length > 3 ? parseInt64(args[3]!) : 0n;
  if (start === undefined) return NOT_AN_INTEGER;
  const unit = args.length === 6 ? wordOf(args, 5) : 'byte';
  if (unit !== 'bit' && unit !== 'byte') return SYNTAX_ERROR;
  const end = args.length > 4 ? parseInt64(args[4]!) : -1n;
  if (end === undefined) return NOT_AN_INTEGER;
  const scale = unit === 'bit' ? 1 : 8;
  const range = clampedRange(start, end, (8 * length) / scale);
  if (range === undefined) return -1;
  const found = values.findBit(key, bit === 1n ? 1 : 0, range.start * scale, range.end * scale);
  // Without an end, the value is taken to go on with zeros.
  return found === -1 && bit === 0n && args.length < 5 ? 8 * length : found;
}

/** Reads a bit's offset; undefined when it lies beyond the longest value. */
function readOffset(text: Buffer, host: CommandHost): number | undefined {
  const offset = parseInt64(text);
  if (offset === undefined || offset < 0n || offset >= 8n * BigInt(host.settings.maxValueBytes))
    return undefined;
  return Number(offset);
}

function byteAt(values: Values, key: Buffer, index: number): number | undefined {
  return values.peek(key, index, index + 1)?.[0];
}

function maskOf(offset: number): number {
  return 0x80 >> (offset % 8);
}

function bitsOfByte(byte: number): number {
  let bits = 0;
  for (let left = byte; left !== 0; left >>= 1) bits += left & 1;
  return bits;
}
