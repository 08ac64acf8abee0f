import { beforeAll, it } from 'vitest';
import { Oracle } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { redisServer } from '../../support/redis.js';

const OPTIONS = [
  '',
  'LEN',
  'IDX',
  'IDX WITHMATCHLEN',
  'IDX MINMATCHLEN 2',
  'idx minmatchlen 3 withmatchlen',
  'MINMATCHLEN 3',
  'WITHMATCHLEN',
  'IDX MINMATCHLEN -5',
  'IDX MINMATCHLEN 9223372036854775807',
  'LEN WITHMATCHLEN',
  'LEN LEN',
];

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([2, 3] as const)(
    'every option, over values of few letters and of many, in RESP%s',
    async (protocol) => {
      const random = new RandomSource(5);
      const text = (letters: string) =>
        Array.from({ length: random.skewed(60) }, () => letters[random.below(letters.length)]).join('');
      const lines = Array.from({ length: 60 }, () => {
        const letters = random.pick(['ab', 'abcd', 'abcdefghijklmnop']);
        return [
          `SET a "${text(letters)}"`,
          `SET b "${text(letters)}"`,
          ...OPTIONS.map((options) => `LCS a b ${options}`),
          'LCS a a IDX',
          'LCS a nosuch IDX WITHMATCHLEN',
          'LCS nosuch b',
        ];
      });
      await oracle.expectAlike(lines.flat(), protocol);
    },
  );

  it.each([
    [
      [
        'MSET a ohmytext b mynewtext',
        'LCS a b',
        'LCS a b LEN',
        'LCS a b IDX',
        'LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN',
      ],
    ],
    [
      [
        'LCS a b',
        'LCS a b LEN',
        'LCS a b IDX',
        'LCS a b LEN IDX',
        'LCS a b IDX LEN BOGUS',
        'LCS a b MINMATCHLEN',
        'LCS a b MINMATCHLEN x',
        'LCS a b BOGUS',
        "LCS a b ''",
      ],
    ],
    [
      [
        `SET a ${'ab'.repeat(500)}`,
        `SET b ${'ba'.repeat(130)}`,
        'LCS a b LEN',
        `SET b ${'ba'.repeat(131)}`,
        'LCS a b LEN',
        'LCS a b LEN BOGUS',
        'LCS a b LEN IDX',
        'LCS a nosuch LEN',
      ],
    ],
    [
      [
        'SETRANGE a 500000 x',
        'LCS a nosuch',
        'LCS a a',
        'LCS nosuch a LEN',
        'SETRANGE b 200000 x',
        'LCS b nosuch LEN',
      ],
    ],
    [['SET a "\\x00\\xff\\x00"', 'SET b "\\xff\\x00\\x00"', 'LCS a b', 'LCS a b IDX']],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });
});
