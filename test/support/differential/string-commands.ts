/** Random commands on strings and bits: right ones, and all the ways to get their arguments wrong. */
import type { Argument, ArgumentSource, Arguments } from './arguments.js';

/** Commands to run one right behind the other, nearly always one alone. */
export type Maker = (source: ArgumentSource) => Arguments[];

/**
 * A past time makes a key that is dead but still counted, until somebody looks: so somebody looks at once.
 */
export function withDeadKeySwept(command: Arguments, key: Argument): Arguments[] {
  return command.some((word) => /^(EXAT|PXAT)$/i.test(word.toString()))
    ? [command, ['EXISTS', key]]
    : [command];
}

function expiryOptions(source: ArgumentSource): (() => Argument[])[] {
  return [
    () => ['EX', source.fromNow(1000)],
    () => ['PX', source.fromNow(1)],
    () => ['EXAT', source.timeAt(1000)],
    () => ['PXAT', source.timeAt(1)],
  ];
}

function setWithOptions(source: ArgumentSource): Arguments[] {
  const key = source.key();
  const options = source.someOf([
    ...expiryOptions(source),
    () => ['NX'],
    () => ['XX'],
    () => ['GET'],
    () => ['KEEPTTL'],
  ]);
  return withDeadKeySwept(['SET', key, source.value(), ...options], key);
}

/** Small offsets and those that are refused; one between would take memory, and time to send. */
function bitOffset(source: ArgumentSource): string {
  const { random } = source;
  if (random.chance(0.9)) return String(random.below(3000));
  return random.pick(['-1', '4294967296', '536870912', '9223372036854775808', 'abc', '', '01', '100000']);
}

function byteOffset(source: ArgumentSource): string {
  const { random } = source;
  if (random.chance(0.9)) return String(random.below(600));
  return random.pick([
    '-1',
    '536870912',
    '67108864',
    '9223372036854775807',
    '-9223372036854775808',
    'abc',
    '',
  ]);
}

function bitField(source: ArgumentSource): Argument[] {
  const { random } = source;
  const type = random.chance(0.95)
    ? `${random.pick(['i', 'u'])}${random.between(1, 63)}`
    : random.pick(['i64', 'u64', 'i65', 'u0', 'I8', '8', '', 'u08', 'u8 ']);
  const offset = random.chance(0.2) ? `#${random.between(-1, 60)}` : bitOffset(source);
  return [type, offset];
}

/** A subcommand of BITFIELD, now and then with less behind it than it takes. */
function bitFieldCommand(source: ArgumentSource): Argument[] {
  const { random } = source;
  const made = random.pick([
    () => [source.cased('GET'), ...bitField(source)],
    () => [source.cased('SET'), ...bitField(source), source.integer()],
    () => [source.cased('INCRBY'), ...bitField(source), source.integer()],
    () => [source.cased('OVERFLOW'), source.oneOf('WRAP', 'SAT', 'FAIL', 'WRAP', 'SAT', 'NOSUCH')],
  ])();
  return random.chance(0.98) ? made : made.slice(0, -1);
}

export const stringCommands: readonly (readonly [weight: number, make: Maker])[] = [
  [10, setWithOptions],
  [6, (s) => [['SET', s.key(), s.value()]]],
  [6, (s) => [['SET', s.key(), s.value(), 'PXAT', s.farAt(1)]]],
  [2, (s) => [['SET', s.key(), s.integer()]]],
  [8, (s) => [['GET', s.key()]]],
  [3, (s) => [['GETSET', s.key(), s.value()]]],
  [3, (s) => [['GETDEL', s.key()]]],
  [5, (s) => [['GETEX', s.key(), ...s.someOf([...expiryOptions(s), () => ['PERSIST']], 0.4)]]],
  [3, (s) => [['GETEX', s.key(), s.cased('EXAT'), s.farAt(1000)]]],
  [3, (s) => [['SETNX', s.key(), s.value()]]],
  [3, (s) => [['SETEX', s.key(), s.fromNow(1000), s.value()]]],
  [3, (s) => [['PSETEX', s.key(), s.fromNow(1), s.value()]]],
  [3, (s) => [['MGET', ...s.keys()]]],
  [3, (s) => [['MSET', ...s.several(() => [s.key(), s.value()])]]],
  [3, (s) => [['MSETNX', ...s.several(() => [s.key(), s.value()])]]],
  [4, (s) => [['APPEND', s.key(), s.value()]]],
  [3, (s) => [['STRLEN', s.key()]]],
  [4, (s) => [[s.random.pick(['GETRANGE', 'SUBSTR']), s.key(), s.offset(), s.offset()]]],
  [4, (s) => [['SETRANGE', s.key(), byteOffset(s), s.random.chance(0.2) ? '' : s.value()]]],
  [3, (s) => [[s.random.pick(['INCR', 'DECR']), s.key()]]],
  [4, (s) => [[s.random.pick(['INCRBY', 'DECRBY']), s.key(), s.integer()]]],
  [5, (s) => [['INCRBYFLOAT', s.random.chance(0.5) ? 'float' : s.key(), s.float()]]],
  [2, (s) => [['SET', 'float', s.float()]]],
  [4, (s) => [['SETBIT', s.key(), bitOffset(s), s.random.pick(['0', '1', '0', '1', '2', '-1', 'a', ''])]]],
  [3, (s) => [['GETBIT', s.key(), bitOffset(s)]]],
  [
    4,
    (s) => [
      [
        'BITCOUNT',
        s.key(),
        ...(s.random.chance(0.7) ? [s.offset(), s.offset()] : []),
        ...s.someOf([() => ['BYTE'], () => ['BIT']], 0.3),
      ],
    ],
  ],
  [5, (s) => [['BITFIELD', s.key(), ...s.several(() => bitFieldCommand(s), 4)]]],
  [3, (s) => [['BITFIELD_RO', s.key(), ...s.several(() => [s.cased('GET'), ...bitField(s)], 3)]]],
  [1, (s) => [['BITFIELD_RO', s.key(), ...s.several(() => bitFieldCommand(s), 2)]]],
  [4, (s) => [['BITOP', s.oneOf('AND', 'OR', 'XOR'), s.key(), ...s.keys(4)]]],
  [2, (s) => [['BITOP', s.oneOf('NOT', 'NOT', 'NOT', 'NAND', ''), s.key(), ...s.keys(1)]]],
  [1, (s) => [['BITOP', s.oneOf('NOT'), s.key(), ...s.keys(2)]]],
  [
    4,
    (s) => [
      [
        'BITPOS',
        s.key(),
        s.random.pick(['0', '1', '0', '1', '0', '1', '2', '-1', 'x', '']),
        ...(s.random.chance(0.7) ? [s.offset(), s.offset()] : s.random.chance(0.5) ? [s.offset()] : []),
        ...s.someOf([() => ['BYTE'], () => ['BIT']], 0.3),
      ],
    ],
  ],
  [
    2,
    (s) => [
      [
        'LCS',
        s.key(),
        s.key(),
        ...s.someOf([
          () => ['LEN'],
          () => ['IDX'],
          () => ['MINMATCHLEN', s.random.chance(0.8) ? String(s.random.between(-2, 6)) : s.integer()],
          () => ['WITHMATCHLEN'],
        ]),
      ],
    ],
  ],
];
