import { beforeAll, expect, it } from 'vitest';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';

const VALUES = [
  '0',
  '9999',
  '10000',
  '-1',
  '9223372036854775807',
  '9223372036854775808',
  '01',
  '1.5',
  "''",
  'x'.repeat(44),
  'x'.repeat(45),
];

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [VALUES.flatMap((value) => [`SET a ${value}`, 'OBJECT ENCODING a', 'OBJECT REFCOUNT a'])],
    [['OBJECT ENCODING a', 'OBJECT REFCOUNT a', 'OBJECT IDLETIME a', 'OBJECT FREQ a', 'MEMORY USAGE a']],
    // Not a number that Redis shares: that would be idle since the server was started.
    [['SET a text', 'OBJECT IDLETIME a', 'object freq a', 'OBJECT HELP', 'object help']],
    [
      [
        'SET a 1',
        'MEMORY USAGE a SAMPLES',
        'MEMORY USAGE a SAMPLES x',
        'MEMORY USAGE a SAMPLES -1',
        'MEMORY USAGE a BOGUS',
        'MEMORY USAGE nosuch SAMPLES 0',
        'MEMORY USAGE nosuch samples 5 SAMPLES 3',
        'MEMORY USAGE nosuch SAMPLES x',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });
});

it('IDLETIME counts from the last use, and looking does not count as one', () => {
  const host = new TestCommandHost();
  const client = host.newClient();
  const ask = (line: string) => host.answer(wordsOf(line), client).toString();
  ask('SET a 1');
  host.clock.pass(10_000);
  ask('OBJECT ENCODING a');
  ask('TYPE a');
  expect(ask('OBJECT IDLETIME a')).toBe(':10\r\n');
  ask('TOUCH a');
  expect(ask('OBJECT IDLETIME a')).toBe(':0\r\n');
});

it('MEMORY USAGE grows with the value', () => {
  const host = new TestCommandHost();
  const client = host.newClient();
  const usage = (line: string) => Number(host.answer(wordsOf(line), client).toString().slice(1));
  host.answer(wordsOf('SET a 1'), client);
  const short = usage('MEMORY USAGE a');
  host.answer(wordsOf(`SET a ${'x'.repeat(10_000)}`), client);
  expect(usage('MEMORY USAGE a SAMPLES 0')).toBeGreaterThan(short + 9_000);
});
