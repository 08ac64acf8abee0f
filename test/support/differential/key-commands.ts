/** Random commands on keys of any type, and the whole keyspace. */
import type { ArgumentSource, Arguments } from './arguments.js';
import type { Maker } from './string-commands.js';

const CONDITIONS = ['NX', 'XX', 'GT', 'LT'].map((word) => () => [word]);

/** Payloads of DUMP: integers, bytes, LZF; one that is damaged, one of no format. */
const PAYLOADS = [
  '00c17fff0a001760822854808480',
  '00c2ffffff7f0a002c74e59ee02eada1',
  '00033030370a007258e27b4c69bad9',
  '00000a005d9b5c400f7fa2da',
  '00c30b40780361626361e069020162630a00c494a1702ae23e06',
  '00c30b40780361626361e069020162630a00c494a1702ae23e07',
  '',
  '0a00',
].map((hex) => Buffer.from(hex, 'hex'));

const RESTORE_OPTIONS = (s: ArgumentSource) => [
  () => ['ABSTTL'],
  () => ['REPLACE'],
  () => ['IDLETIME', s.random.pick(['0', '100', '-1', 'x'])],
  () => ['FREQ', s.random.pick(['0', '255', '256', 'x'])],
];

/** With GT and LT, from now, only times of which no two are alike. */
function expire(source: ArgumentSource, name: string, unitMs: 1 | 1000): Arguments {
  const isAt = name.endsWith('AT');
  const conditions = source.someOf(CONDITIONS, 0.4);
  const time = isAt ? source.timeAt(unitMs) : source.fromNow(unitMs);
  return [name, source.key(), time, ...conditions];
}

export const keyCommands: readonly (readonly [weight: number, make: Maker])[] = [
  [4, (s) => [[s.random.pick(['DEL', 'UNLINK']), ...s.keys(3)]]],
  [4, (s) => [[s.random.pick(['EXISTS', 'TOUCH']), ...s.keys()]]],
  [2, (s) => [['TYPE', s.key()]]],
  [3, (s) => [[s.random.pick(['RENAME', 'RENAMENX']), s.key(), s.key()]]],
  [
    4,
    (s) => [
      [
        'COPY',
        s.key(),
        s.key(),
        ...s.someOf([() => ['REPLACE'], () => ['DB', s.random.pick(['0', '0', '1', '-1', 'abc', '99'])]]),
      ],
    ],
  ],
  [1, () => [['RANDOMKEY']]],
  [2, (s) => [['KEYS', s.pattern()]]],
  [
    3,
    (s) => [
      [
        'SCAN',
        s.random.pick(['0', '0', '0', '0', 'abc', '', '18446744073709551616', '1.5', ' 0']),
        'COUNT',
        s.random.pick(['1000', '1000', '1000', '0', '-1', 'abc', '']),
        ...s.someOf([
          () => ['MATCH', s.pattern()],
          () => ['TYPE', s.oneOf('string', 'list', 'zset', 'foo', '')],
          () => ['COUNT', '1000'],
        ]),
      ],
    ],
  ],
  [2, () => [['DBSIZE']]],
  [6, (s) => [expire(s, s.random.pick(['EXPIRE', 'EXPIREAT']), 1000)]],
  [6, (s) => [expire(s, s.random.pick(['PEXPIRE', 'PEXPIREAT']), 1)]],
  [4, (s) => [['PEXPIREAT', s.key(), s.farAt(1), ...s.someOf(CONDITIONS, 0.3)]]],
  [4, (s) => [[s.random.pick(['TTL', 'PTTL']), s.key()]]],
  [6, (s) => [[s.random.pick(['EXPIRETIME', 'PEXPIRETIME']), s.key()]]],
  [3, (s) => [['PERSIST', s.key()]]],
  [
    3,
    (s) => [
      [
        'OBJECT',
        s.oneOf('ENCODING', 'IDLETIME', 'FREQ', 'REFCOUNT', 'ENCODING', 'FOO', ''),
        ...(s.random.chance(0.95) ? [s.key()] : s.keys(3).slice(1)),
      ],
    ],
  ],
  [2, (s) => [['DUMP', s.key()]]],
  [
    3,
    (s) => [
      [
        'RESTORE',
        s.key(),
        s.timeAt(1),
        s.random.pick(PAYLOADS),
        s.cased('ABSTTL'),
        ...s.someOf(RESTORE_OPTIONS(s), 0.6),
      ],
    ],
  ],
  [1, (s) => [['MOVE', s.key(), s.random.pick(['0', '0', '1', '-1', 'abc', '', '4294967296'])]]],
  [1, (s) => [['SWAPDB', s.random.pick(['0', '0', '1', 'x']), s.random.pick(['0', '0', '-1', ''])]]],
  [
    2,
    (s) => [
      [
        s.random.pick(['SORT', 'SORT', 'SORT_RO']),
        s.key(),
        ...s.someOf(
          [
            () => ['BY', s.random.pick(['nosort', 'weight_*', '#'])],
            () => ['LIMIT', s.integer(), s.integer()],
            () => ['GET', s.random.pick(['#', 'object_*'])],
            () => ['ASC'],
            () => ['DESC'],
            () => ['ALPHA'],
            () => ['STORE', s.key()],
          ],
          0.4,
        ),
      ],
    ],
  ],
  [1, (s) => [['MEMORY', 'USAGE', s.key(), ...s.someOf([() => ['SAMPLES', s.integer()]], 0.3)]]],
];
