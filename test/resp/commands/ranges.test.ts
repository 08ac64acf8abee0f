import { beforeAll, it } from 'vitest';
import { Oracle } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { redisServer } from '../../support/redis.js';

const EDGES = [
  '0',
  '1',
  '2',
  '5',
  '6',
  '7',
  '100',
  '-1',
  '-2',
  '-6',
  '-7',
  '-100',
  '9223372036854775807',
  '-9223372036854775808',
];

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it('every pair of a start and an end, in values long, short and empty', async () => {
    const ranges = EDGES.flatMap((start) => EDGES.map((end) => `${start} ${end}`));
    await oracle.expectAlike([
      'SET a abcdef',
      "SET empty ''",
      'SET number 123456',
      ...ranges.map((range) => `GETRANGE a ${range}`),
      ...ranges.map((range) => `SUBSTR number ${range}`),
      ...ranges.map((range) => `GETRANGE empty ${range}`),
      ...ranges.map((range) => `GETRANGE nosuch ${range}`),
    ]);
  });

  it.each([
    [
      [
        'SET a abc',
        'GETRANGE a x 1',
        'GETRANGE a 1 x',
        'GETRANGE a 0 9223372036854775808',
        "GETRANGE a '' 1",
        'GETRANGE a 01 2',
        'GETRANGE nosuch x 1',
        'GETRANGE a 1.0 2',
        'GETRANGE a +1 2',
      ],
    ],
    [
      [
        'SETRANGE a 0 abc',
        'GET a',
        'SETRANGE a 1 X',
        'GET a',
        'SETRANGE a 2 long',
        'GET a',
        'SETRANGE a 10 end',
        'GET a',
        'STRLEN a',
      ],
    ],
    [
      [
        'SETRANGE a 5 x',
        'GET a',
        "SETRANGE a 100 ''",
        "SETRANGE nosuch 100 ''",
        'EXISTS nosuch',
        "SETRANGE a 0 ''",
        'GET a',
      ],
    ],
    [
      [
        'SETRANGE a -1 x',
        "SETRANGE a -1 ''",
        'SETRANGE a x y',
        'SETRANGE a 9223372036854775807 x',
        'SETRANGE a 9223372036854775808 x',
        'EXISTS a',
      ],
    ],
    [
      [
        'SETRANGE a 1048575 x',
        'STRLEN a',
        'SETRANGE a 1048575 xy',
        'SETRANGE a 1048576 x',
        'SETRANGE b 1048576 x',
        'EXISTS b',
        "SETRANGE b 1048577 ''",
      ],
    ],
    [['SET a 12345 EX 100', 'SETRANGE a 1 9', 'GET a', 'TTL a', 'INCR a']],
    [
      [
        'SET a "\\x00\\x01" EX 100',
        'SETRANGE a 4 "\\xff\\x00"',
        'GET a',
        'APPEND a "\\xfe"',
        'GET a',
        'TTL a',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });

  it('random overwriting keeps every byte', async () => {
    const random = new RandomSource(7);
    const lines = Array.from({ length: 300 }, () => {
      const part = '0123456789'.repeat(30).slice(0, random.skewed(300));
      return `SETRANGE k${random.below(3)} ${random.skewed(2000)} "${part}"`;
    });
    await oracle.expectAlike([...lines, 'GET k0', 'GET k1', 'GET k2']);
  });
});
