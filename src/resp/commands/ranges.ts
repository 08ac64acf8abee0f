/** GETRANGE, its old name SUBSTR, and SETRANGE. */

import { parseInt64 } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, VALUE_TOO_LONG } from '../command.js';
import { Failure, type Reply } from '../reply.js';
import { rangeWithin, writeAt } from '../value-range.js';

/** The commands on a part of a value. */
export const rangeCommands: readonly Command[] = [
  {
    name: 'getrange',
    arity: 4,
    flags: ['readonly'],
    keys: [1, 1, 1],
    categories: ['read', 'string', 'slow'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '2.4.0',
    group: 'string',
    complexity:
      'O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.',
    summary: 'Get a substring of the string stored at a key',
    run: getrange,
  },
  {
    name: 'substr',
    arity: 4,
    flags: ['readonly'],
    keys: [1, 1, 1],
    categories: ['read', 'string', 'slow'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '1.0.0',
    deprecated: { since: '2.0.0', replacedBy: '`GETRANGE`' },
    group: 'string',
    complexity:
      'O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.',
    summary: 'Get a substring of the string stored at a key',
    run: getrange,
  },
  {
    name: 'setrange',
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'slow'],
    keySpecs: [{ flags: ['RW', 'update'], index: 1, range: [0, 1, 0] }],
    since: '2.2.0',
    group: 'string',
    complexity:
      'O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.',
    summary: 'Overwrite part of a string at key starting at the specified offset',
    run: setrange,
  },
];

function getrange({ args, host }: Call): Reply {
  const start = parseInt64(args[2]!);
  const end = parseInt64(args[3]!);
  if (start === undefined || end === undefined) return NOT_AN_INTEGER;
  const { values } = host.engine();
  const range = rangeWithin(start, end, values.length(args[1]!) ?? 0);
  return values.read(args[1]!, range?.start ?? 0, range?.end ?? 0) ?? '';
}

function setrange({ args, host }: Call): Reply {
  const key = args[1]!;
  const part = args[3]!;
  const offset = parseInt64(args[2]!);
  if (offset === undefined) return NOT_AN_INTEGER;
  if (offset < 0n) return new Failure('ERR offset is out of range');
  const engine = host.engine();
  const length = engine.values.length(key);
  if (part.length === 0) return length ?? 0;
  if (offset + BigInt(part.length) > BigInt(host.settings.maxValueBytes)) return VALUE_TOO_LONG;
  writeAt(engine, key, Number(offset), part);
  return Math.max(length ?? 0, Number(offset) + part.length);
}
