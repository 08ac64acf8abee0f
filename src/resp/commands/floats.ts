/** INCRBYFLOAT. */
import type { Call, Command } from '../command.js';
import {
  formatLongDouble,
  INFINITE,
  LONG_DOUBLE_TEXT_MAX_BYTES,
  parseLongDouble,
  sumOf,
  ZERO,
} from '../long-double.js';
import { Failure, type Reply } from '../reply.js';

/** The command INCRBYFLOAT. */
export const floatCommands: readonly Command[] = [
  {
    name: 'incrbyfloat',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'fast'],
    keySpecs: [{ flags: ['RW', 'access', 'update'], index: 1, range: [0, 1, 0] }],
    since: '2.6.0',
    group: 'string',
    complexity: 'O(1)',
    summary: 'Increment the float value of a key by the given amount',
    run: incrbyfloat,
  },
];

const NOT_A_FLOAT = new Failure('ERR value is not a valid float');

function incrbyfloat({ args, host }: Call): Reply {
  const key = args[1]!;
  const engine = host.engine();
  const expireAtMs = engine.expiryOf(key);
  const text = engine.values.peek(key, 0, LONG_DOUBLE_TEXT_MAX_BYTES + 1);
  const value = text === undefined ? ZERO : parseLongDouble(text);
  const increment = parseLongDouble(args[2]!);
  if (value === undefined || increment === undefined) return NOT_A_FLOAT;
  const sum = sumOf(value, increment);
  if (sum === INFINITE) return new Failure('ERR increment would produce NaN or Infinity');
  const result = Buffer.from(formatLongDouble(sum));
  engine.set(key, result, expireAtMs);
  return result;
}
