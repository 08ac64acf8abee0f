import { beforeAll, describe, expect, it } from 'vitest';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';

/** The bulk strings of a reply, sorted: an order that Redis does not promise. */
function sorted(reply: string): string[] {
  return [...reply.matchAll(/\$\d+\r\n(.*)\r\n/g)].map(([, bulk]) => bulk!).sort();
}

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [['RANDOMKEY', 'DBSIZE', 'KEYS *', 'SCAN 0', 'SET a 1', 'RANDOMKEY', 'DBSIZE', 'KEYS *', 'SCAN 0']],
    [['SET a 1', 'FLUSHALL', 'DBSIZE', 'SET a 1', 'FLUSHDB async', 'DBSIZE', 'FLUSHALL SYNC', 'FLUSHDB']],
    [['SET a 1', 'FLUSHALL BOGUS', 'FLUSHDB SYNC ASYNC', "FLUSHALL ''", 'DBSIZE']],
    [
      [
        'SCAN x',
        'SCAN -x',
        "SCAN ''",
        'SCAN " 1"',
        'SCAN 1x',
        'SCAN 0x1',
        'SCAN +',
        'SCAN -',
        'SCAN 1.0',
        'SCAN --1',
        'SCAN 18446744073709551616',
        'SCAN -18446744073709551616',
        'SCAN 99999999999999999999999999',
      ],
    ],
    [['SCAN +0', 'SCAN -0', 'SCAN 000000000000000000000000000', 'SCAN 0 COUNT 9223372036854775807']],
    [
      [
        'SCAN 0 COUNT',
        'SCAN 0 COUNT 0',
        'SCAN 0 COUNT -1',
        'SCAN 0 COUNT x',
        'SCAN 0 COUNT 9223372036854775808',
        'SCAN 0 MATCH',
        'SCAN 0 TYPE',
        'SCAN 0 BOGUS',
        'SCAN 0 BOGUS x',
        'SCAN x COUNT 0',
        'SCAN 0 COUNT 0 BOGUS',
        'SCAN 0 BOGUS COUNT 0',
      ],
    ],
    [
      [
        'SET a 1',
        'SCAN 0 TYPE string',
        'SCAN 0 type STRING',
        'SCAN 0 TYPE hash',
        "SCAN 0 TYPE ''",
        'SCAN 0 TYPE nosuch',
        'SCAN 0 MATCH b*',
        'SCAN 0 MATCH a',
        'SCAN 0 match x MATCH * count 1 COUNT 100',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });

  it.each(['*', 'key:1*', 'key:?', 'key:[13]', '[^k]*', 'no*such', 'key:\\\\*', ''])(
    'KEYS %j',
    async (pattern) => {
      const lines = [
        ...Array.from({ length: 30 }, (_, index) => `SET key:${index} v`),
        "SET '' v",
        'SET other v',
        `KEYS "${pattern}"`,
      ];
      const host = new TestCommandHost();
      const answers = lines.map((line) => host.answer(wordsOf(line), host.newClient()).toString());
      expect(sorted(answers.at(-1)!)).toEqual(sorted(await oracle.answersTo(lines)));
    },
  );
});

describe('SCAN', () => {
  it('gives every key once in steps of about COUNT, and ends with cursor 0', () => {
    const host = new TestCommandHost();
    const client = host.newClient();
    for (let index = 0; index < 1000; index++) host.engine.set(Buffer.from(`k${index}`), Buffer.from('v'));
    const found: string[] = [];
    let cursor = '0';
    let steps = 0;
    do {
      const reply = host.answer(wordsOf(`SCAN ${cursor} COUNT 50`), client).toString();
      const [next, ...keys] = [...reply.matchAll(/\$\d+\r\n(.*)\r\n/g)].map(([, bulk]) => bulk!);
      cursor = next!;
      found.push(...keys);
      steps += 1;
    } while (cursor !== '0');
    expect(found).toHaveLength(1000);
    expect(new Set(found).size).toBe(1000);
    expect(steps).toBeGreaterThan(10);
  });

  it.each(['18446744073709551615', '-1', '9007199254740993', '12345678901234567890'])(
    'takes any cursor: %s',
    (cursor) => {
      const host = new TestCommandHost();
      host.engine.set(Buffer.from('k'), Buffer.from('v'));
      const reply = host.answer(wordsOf(`SCAN ${cursor}`), host.newClient()).toString();
      expect(reply).toMatch(/^\*2\r\n\$\d+\r\n\d+\r\n\*/);
    },
  );
});

it('FLUSHALL of more keys than go in one step leaves none', () => {
  const host = new TestCommandHost();
  for (let index = 0; index < 25_000; index++) host.engine.set(Buffer.from(`k${index}`), Buffer.from('v'));
  expect(host.answer(wordsOf('FLUSHALL'), host.newClient()).toString()).toBe('+OK\r\n');
  expect(host.engine.keyCount()).toBe(0);
});
