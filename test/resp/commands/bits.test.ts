import { beforeAll, expect, it } from 'vitest';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { redisServer } from '../../support/redis.js';

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [
      [
        'SETBIT a 7 1',
        'GET a',
        'SETBIT a 7 0',
        'GET a',
        'SETBIT a 100 1',
        'STRLEN a',
        'GETBIT a 100',
        'GETBIT a 101',
        'GETBIT a 5000',
        'GETBIT nosuch 1',
      ],
    ],
    [['SETBIT a 20 0', 'STRLEN a', 'SETBIT a 3 0', 'SETBIT b 0 0', 'GET b']],
    [
      [
        'SETBIT a -1 1',
        'SETBIT a x 1',
        'SETBIT a 1 2',
        'SETBIT a 1 -1',
        'SETBIT a 1 x',
        'SETBIT a x x',
        "SETBIT a '' 1",
        'SETBIT a 01 1',
        'SETBIT a #1 1',
        'SETBIT a 1 1.0',
        'EXISTS a',
      ],
    ],
    [
      [
        'SETBIT a 8388607 1',
        'STRLEN a',
        'BITCOUNT a',
        'SETBIT a 8388608 1',
        'SETBIT a 9223372036854775807 1',
        'SETBIT a 9223372036854775808 1',
        'GETBIT a 8388607',
        'GETBIT a 8388608',
        'GETBIT a -1',
        'GETBIT a x',
      ],
    ],
    [['SET a 1 EX 100', 'SETBIT a 6 1', 'GET a', 'TTL a', 'SETBIT a 30 1', 'TTL a', 'BITCOUNT a']],
    [
      [
        'BITCOUNT nosuch',
        'BITCOUNT nosuch x',
        'BITCOUNT nosuch x y',
        'BITCOUNT nosuch 0 1 BOGUS',
        'BITCOUNT nosuch 0 1 BIT more',
      ],
    ],
    [
      [
        'SET a foobar',
        'BITCOUNT a',
        'BITCOUNT a 0',
        'BITCOUNT a x 1',
        'BITCOUNT a 0 y',
        'BITCOUNT a 0 1 BOGUS',
        'BITCOUNT a -1 -2 BOGUS',
        'BITCOUNT a 0 1 BIT more',
        'BITCOUNT a 0 1 bit',
        'BITCOUNT a 0 1 byte',
        "SET a ''",
        'BITCOUNT a',
        'BITCOUNT a 0 -1',
        'BITCOUNT a 0 -1 BIT',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });

  it.each([
    [
      [
        'BITPOS nosuch 0',
        'BITPOS nosuch 1',
        'BITPOS nosuch 1 x',
        'BITPOS nosuch 2',
        'BITPOS nosuch x',
        'BITPOS nosuch 0 0 -1',
        'BITPOS nosuch 0 1 2 BIT',
        "SET a ''",
        'BITPOS a 0',
        'BITPOS a 1',
        'BITPOS a 0 0',
        'SET a "\\xff\\xff\\xff"',
        'BITPOS a 0',
        'BITPOS a 0 1',
        'BITPOS a 0 0 -1',
        'BITPOS a 0 0 5',
        'BITPOS a 0 3',
        'BITPOS a 0 4',
        'BITPOS a 1 -1 -2',
        'BITPOS a 1 7 15 BIT',
        'BITPOS a 1 0 1 bogus',
        'BITPOS a 1 0 x BOGUS',
        'BITPOS a 1 0 x',
        'BITPOS a 1 x 0',
        'BITPOS a 1 0 1 BIT more',
        'BITPOS a',
        'BITPOS a 1 9223372036854775807',
        'BITPOS a 1 -9223372036854775808 9223372036854775807 BIT',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
  });

  it('bits found in every range of a value', async () => {
    const random = new RandomSource(4);
    for (const fill of [0, 255]) {
      const values = [`SET a "${`\\x${fill.toString(16).padStart(2, '0')}`.repeat(25)}"`];
      values.push(...Array.from({ length: 5 }, () => `SETBIT a ${random.below(200)} ${fill === 0 ? 1 : 0}`));
      const finds = Array.from({ length: 800 }, () => {
        const unit = random.pick(['', ' BIT', ' BYTE']);
        const most = unit === ' BIT' ? 220 : 28;
        const start = random.between(-most, most);
        const end = random.chance(0.8) || unit !== '' ? ` ${random.between(-most, most)}` : '';
        return `BITPOS a ${random.below(2)} ${start}${end}${unit}`;
      });
      await oracle.expectAlike([...values, ...finds]);
    }
  });

  it('bits counted in every range of a value', async () => {
    const random = new RandomSource(3);
    const set = Array.from({ length: 60 }, () => `SETBIT a ${random.below(150)} 1`);
    const counts = Array.from({ length: 1500 }, () => {
      const unit = random.pick(['', ' BIT', ' BYTE']);
      const most = unit === ' BIT' ? 170 : 25;
      return `BITCOUNT a ${random.between(-most, most)} ${random.between(-most, most)}${unit}`;
    });
    await oracle.expectAlike([...set, ...counts]);
  });
});

it('a bit that is written as it is emits nothing', () => {
  const host = new TestCommandHost();
  const client = host.newClient();
  let records = 0;
  host.engine.onBatch = (batch) => {
    records += batch.records;
  };
  for (const line of ['SETBIT a 7 1', 'SETBIT a 7 1', 'SETBIT a 3 0', 'SETBIT a 9 0']) {
    host.answer(wordsOf(line), client);
  }
  host.engine.flush();
  expect(records).toBe(2);
});
