/** INCREX as Redis 8.8 and Valkey 9.2 document it. */
import { expect, it } from 'vitest';
import { TestCommandHost, wordsOf } from '../../support/command-host.js';

const SYNTAX = '-ERR syntax error';
const NOT_AN_INTEGER = '-ERR value is not an integer or out of range';

type Step = readonly [line: string, answer: string | readonly string[]];

/** Each line is answered so; a list is an array of integers or bulk strings. */
function expectAnswers(steps: readonly Step[], protocol: 2 | 3 = 2): void {
  const host = new TestCommandHost();
  const client = host.newClient(protocol);
  for (const [line, answer] of steps) {
    const lines = host.answer(wordsOf(line), client).toString('latin1').trimEnd().split('\r\n');
    const isValue = (text: string, index: number) => index > 0 && !/^\$\d/.test(text);
    const found = lines[0]!.startsWith('*') ? lines.filter(isValue) : lines.at(-1);
    expect([line, found]).toEqual([line, answer]);
  }
}

it('counts by one, by integers, and says by how much', () => {
  expectAnswers([
    ['INCREX k', [':1', ':1']],
    ['INCREX k', [':2', ':1']],
    ['INCREX k byint 40', [':42', ':40']],
    ['INCREX k BYINT -50', [':-8', ':-50']],
    ['GET k', '-8'],
    ['SET k 1.5', '+OK'],
    ['INCREX k', NOT_AN_INTEGER],
    ['SET k abc', '+OK'],
    ['INCREX k BYFLOAT 1', '-ERR value is not a valid float'],
    ['INCREX k BYINT x', '-ERR Increment is not an integer or out of range'],
    ['INCREX k BYINT 9223372036854775808', '-ERR Increment is not an integer or out of range'],
    ['INCREX k BYFLOAT x', '-ERR Increment is not a valid float'],
    ['INCREX k BYFLOAT inf', '-ERR Increment is not a valid float'],
  ]);
});

it('counts in floats as INCRBYFLOAT does, in RESP3 as doubles', () => {
  expectAnswers([
    ['INCREX k BYFLOAT 0.1', ['0.1', '0.1']],
    ['INCREX k BYFLOAT 0.2', ['0.3', '0.2']],
    ['SET k 0.25', '+OK'],
    ['INCREX k BYFLOAT -5e3', ['-4999.75', '-5000']],
    ['GET k', '-4999.75'],
    ['INCREX k BYFLOAT 1 UBOUND -5000', ['-4999.75', '0']],
    ['INCREX k BYFLOAT 1 UBOUND -4999.5 SATURATE', ['-4999.5', '0.25']],
  ]);
  expectAnswers(
    [
      ['INCREX k BYFLOAT 1.75', [',1.75', ',1.75']],
      ['INCREX k BYFLOAT 1 UBOUND 2', [',1.75', ',0']],
    ],
    3,
  );
});

it('leaves a key as it is where the sum is out of bounds, or stops at the bound', () => {
  expectAnswers([
    ['SET k 99 EX 100', '+OK'],
    ['INCREX k BYINT 5 UBOUND 100 PERSIST', [':99', ':0']],
    ['TTL k', ':100'],
    ['INCREX k BYINT 5 UBOUND 100 SATURATE PERSIST', [':100', ':1']],
    ['TTL k', ':-1'],
    ['INCREX k UBOUND 100 saturate EX 50', [':100', ':0']],
    ['TTL k', ':50'],
    ['INCREX k BYINT -200 LBOUND -10', [':100', ':0']],
    ['INCREX k BYINT -200 LBOUND -10 SATURATE', [':-10', ':-110']],
    ['INCREX new BYINT 10 UBOUND 5', [':0', ':0']],
    ['EXISTS new', ':0'],
    ['INCREX new BYINT 10 UBOUND 5 SATURATE', [':5', ':5']],
    // The bound that the sum is beyond, not the one it goes to.
    ['SET k 150', '+OK'],
    ['INCREX k BYINT -10 LBOUND 0 UBOUND 100 SATURATE', [':100', ':-50']],
    ['INCREX k UBOUND 5 LBOUND 10', "-ERR LBOUND can't be greater than UBOUND"],
    ['INCREX k UBOUND 5.5', '-ERR UBOUND is not an integer or out of range'],
    ['INCREX k LBOUND x', '-ERR LBOUND is not an integer or out of range'],
    ['INCREX k BYFLOAT 1 LBOUND x', '-ERR LBOUND is not a valid float'],
    ['GET k', '100'],
  ]);
});

it('the largest numbers are bounds too', () => {
  const most = '9223372036854775807';
  const least = '-9223372036854775808';
  expectAnswers([
    [`SET k ${most}`, '+OK'],
    ['INCREX k', [`:${most}`, ':0']],
    ['INCREX k SATURATE', [`:${most}`, ':0']],
    [`INCREX k BYINT ${least} SATURATE`, [':-1', `:${least}`]],
    [`SET k ${least}`, '+OK'],
    ['INCREX k BYINT -1', [`:${least}`, ':0']],
    ['INCREX k LBOUND 5 SATURATE', '-ERR increment or decrement would overflow'],
    ['GET k', least],
    ['SET k 1.1e4932', '+OK'],
    ['INCREX k BYFLOAT 1.1e4932 UBOUND 5 SATURATE', ['5', expect.stringMatching(/^-10\d{4931}$/)]],
  ] as Step[]);
});

it('sets, keeps and takes away a time', () => {
  expectAnswers([
    ['INCREX k EX 60 ENX', [':1', ':1']],
    ['TTL k', ':60'],
    ['INCREX k EX 90 ENX', [':2', ':1']],
    ['TTL k', ':60'],
    ['INCREX k', [':3', ':1']],
    ['TTL k', ':60'],
    ['INCREX k PX 90000', [':4', ':1']],
    ['PTTL k', ':90000'],
    ['INCREX k PXAT 1900000000000', [':5', ':1']],
    ['PEXPIRETIME k', ':1900000000000'],
    ['INCREX k PERSIST', [':6', ':1']],
    ['TTL k', ':-1'],
    ['INCREX k EXAT 1', [':7', ':1']],
    ['EXISTS k', ':0'],
    ['INCREX k EX 0', "-ERR invalid expire time in 'increx' command"],
    ['INCREX k EX x', NOT_AN_INTEGER],
    ['INCREX k ENX', '-ERR ENX flag requires an expiration'],
    ['INCREX k PERSIST ENX', '-ERR ENX flag requires an expiration'],
  ]);
});

it('NX and XX of Valkey ask for a key that is not there, or is', () => {
  expectAnswers([
    ['INCREX k XX', '$-1'],
    ['EXISTS k', ':0'],
    ['INCREX k NX EX 10', [':1', ':1']],
    ['INCREX k NX', '$-1'],
    ['INCREX k xx', [':2', ':1']],
  ]);
});

it.each([
  'INCREX k 5',
  'INCREX k BYINT',
  'INCREX k BYINT 1 BYINT 2',
  'INCREX k BYINT 1 BYFLOAT 2',
  'INCREX k EX 5 PX 5',
  'INCREX k EX 5 PERSIST',
  'INCREX k SATURATE SATURATE',
  'INCREX k LBOUND',
  'INCREX k NX XX',
  'INCREX k KEEPTTL',
])('%s is a syntax error', (line) => {
  expectAnswers([
    [line, SYNTAX],
    ['EXISTS k', ':0'],
  ]);
});
