import { beforeAll, describe, expect, it } from 'vitest';
import { formatLongDouble, INFINITE, parseLongDouble } from '../../../src/resp/long-double.js';
import { Oracle } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { redisServer } from '../../support/redis.js';

const TEXTS = [
  ...[
    '0',
    '-0',
    '1',
    '-1',
    '10',
    '3.0e3',
    '0.1',
    '-0.1',
    '.5',
    '5.',
    '+5',
    '1e5',
    '1E-5',
    '1e+5',
    '00012.50',
  ],
  ...[
    '',
    ' ',
    ' 1',
    '1 ',
    '1 2',
    'x',
    '1x',
    '.',
    '-',
    '+',
    '+-1',
    '--1',
    'e5',
    '1e',
    '1e+',
    '1.5.5',
    '1,5',
    '"1\\x00"',
    '"\\t1"',
  ],
  ...['0x10', '0x1p4', '0x.8', '0x1.8p-1', '-0XfFp+2', '0x', '0x.', '0xp1', '0x1p', '1p4', '0x1e5', '0xg'],
  ...['inf', '-inf', '+Infinity', 'INF', 'infin', 'nan', '-nan', 'NAN(1)', 'infinityx'],
  ...[
    '1e4932',
    '1.18973149535723176502e4932',
    '1.2e4932',
    '1e4933',
    '1e99999',
    '-1e99999',
    '1e-4950',
    '3e-4951',
    '1.9e-4951',
    '1.8e-4951',
    '1e-4951',
    '1e-4952',
    '1e-99999',
    '0e99999',
    '0e-99999',
  ],
  ...[
    '0x1p16383',
    '0x1p16384',
    '0x1.fffffffffffffffep16383',
    '0x1.ffffffffffffffffp16383',
    '0x1p-16445',
    '0x1p-16446',
    '0x1.1p-16446',
    '0x0p99999999999999999999',
  ],
  ...[
    '9223372036854775807',
    '-9223372036854775808',
    '18446744073709551615',
    '18446744073709551616',
    '18446744073709551617',
    '36893488147419103233',
    '123456789012345678901234567890',
  ],
  ...[
    '0.00000000000000001',
    '0.000000000000000005',
    '0.000000000000000015',
    '0.0000000000000000149',
    '-0.000000000000000004',
    '-0.000000000000000006',
  ],
  ...[
    '99999999999999999.999',
    '0.999999999999999999',
    '1.000000000000000000001',
    '5.0e-324',
    '1e17',
    '1.23456789012345678e17',
    '3.14159265358979323846264338327950288',
  ],
];

function asWord(text: string): string {
  return text === '' ? "''" : text.startsWith('"') ? text : `"${text}"`;
}

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it('every kind of text as an increment and as a value', async () => {
    await oracle.expectAlike(
      TEXTS.flatMap((text, index) => [
        `INCRBYFLOAT fresh${index} ${asWord(text)}`,
        `SET value ${asWord(text)}`,
        'INCRBYFLOAT value 0',
        'INCRBYFLOAT value 1.1',
        'INCRBYFLOAT value -1e-3',
      ]),
    );
  });

  it('texts longer than Redis reads', async () => {
    const lines = [5118, 5119, 5120, 5121].flatMap((length) => {
      const digits = `1.${'3'.repeat(length - 2)}`;
      return [
        `INCRBYFLOAT a${length} ${digits}`,
        `INCRBYFLOAT z${length} ${'0'.repeat(length - 1)}7`,
        `INCRBYFLOAT h${length} 0x${'f'.repeat(length - 2)}`,
      ];
    });
    await oracle.expectAlike(lines);
  });

  it('what is added up', async () => {
    const random = new RandomSource(11);
    const number = () => {
      const digits = Array.from({ length: 1 + random.skewed(25) }, () => random.below(10)).join('');
      const point = random.below(digits.length + 1);
      const sign = random.chance(0.5) ? '-' : '';
      const exponent = random.chance(0.5) ? `e${random.between(-25, 25)}` : '';
      return `${sign}${digits.slice(0, point)}.${digits.slice(point)}${exponent}`;
    };
    const lines = Array.from({ length: 3000 }, () =>
      random.chance(0.2) ? `SET k ${number()}` : `INCRBYFLOAT k ${number()}`,
    );
    await oracle.expectAlike(lines);
  });

  it('numbers as large and as small as they get', async () => {
    const random = new RandomSource(12);
    const lines = Array.from({ length: 400 }, () => {
      const sign = random.chance(0.5) ? '-' : '';
      const exponent = random.chance(0.5) ? random.between(4900, 4933) : random.between(-4960, -4900);
      const text = `${sign}${random.below(1000)}.${random.u32()}e${exponent}`;
      return random.chance(0.3) ? `SET k ${text}` : `INCRBYFLOAT k ${text}`;
    });
    await oracle.expectAlike(lines);
  });

  it.each([
    [['SET a 10.5 EX 100', 'INCRBYFLOAT a 0.1', 'TTL a', 'GET a', 'INCRBYFLOAT a -10.6', 'GET a', 'INCR a']],
    [
      [
        'SET a inf',
        'INCRBYFLOAT a 1',
        'SET a 1e4932',
        'INCRBYFLOAT a 1e4932',
        'GET a',
        'INCRBYFLOAT b inf',
        'EXISTS b',
      ],
    ],
    [
      [
        'INCRBYFLOAT a 1',
        'INCRBYFLOAT a -1',
        'INCRBYFLOAT a -0',
        'INCRBYFLOAT a 5.0e3',
        'INCRBYFLOAT a -5.0e3',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });
});

describe('a long double', () => {
  it('of a double prints what JavaScript knows of it', () => {
    for (const value of [0.5, 1.25, -3.75, 1e21, 123456.789]) {
      const parsed = parseLongDouble(Buffer.from(String(value)));
      if (parsed === undefined || parsed === INFINITE) throw new Error('not a number');
      expect(Number(formatLongDouble(parsed))).toBe(value);
    }
  });
});
