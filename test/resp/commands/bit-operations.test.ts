import '../../support/debug-kernel.js';

import { beforeAll, describe, expect, it } from 'vitest';
import type { BitOperation } from '../../../src/engine/bit-operations.js';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { contentOf, newEngine, newReplica } from '../../support/engines.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { redisServer } from '../../support/redis.js';

describeWith(redisServer, 'BITOP as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [
      [
        'SET a foobar',
        'SET b abcdef123',
        'BITOP AND c a b',
        'GET c',
        'BITOP or c a b nosuch',
        'GET c',
        'BITOP Xor c a b a',
        'GET c',
        'BITOP NOT c a',
        'GET c',
        'BITOP AND c a nosuch',
        'GET c',
        'BITOP AND a a a',
        'GET a',
      ],
    ],
    [
      [
        'SET c x EX 100',
        'BITOP AND c nosuch',
        'EXISTS c',
        'BITOP AND c nosuch nosuch2',
        "SET a ''",
        'BITOP NOT c a',
        'EXISTS c',
        'SET a 1',
        'SET c x EX 100',
        'BITOP OR c a',
        'TTL c',
        'GET c',
      ],
    ],
    [['BITOP NOSUCH c a', 'BITOP NOT c a b', 'BITOP AND c', 'BITOP', "BITOP '' c a", 'BITOP NOT c nosuch']],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
  });
});

const OPERATIONS: readonly BitOperation[] = ['and', 'or', 'xor', 'not', 'diff', 'diff1', 'andor', 'one'];

/** Each operation as Redis documents it, bit by bit: `bits` of the sources, the first one apart. */
function bitOf(operation: BitOperation, bits: readonly boolean[]): boolean {
  const [first, ...others] = bits;
  const count = bits.filter((bit) => bit).length;
  const isOther = others.includes(true);
  const results = {
    and: count === bits.length,
    or: count > 0,
    xor: count % 2 === 1,
    not: !first,
    diff: first! && !isOther,
    diff1: !first && isOther,
    andor: first! && isOther,
    one: count === 1,
  };
  return results[operation];
}

function combined(operation: BitOperation, values: readonly Buffer[]): Buffer {
  const result = Buffer.alloc(Math.max(...values.map(({ length }) => length)));
  for (let bit = 0; bit < 8 * result.length; bit++) {
    const mask = 0x80 >> (bit % 8);
    const bits = values.map((value) => ((value[bit >> 3] ?? 0) & mask) !== 0);
    if (bitOf(operation, bits)) result[bit >> 3]! |= mask;
  }
  return result;
}

describe('BITOP', () => {
  it.each(OPERATIONS)('%s of values of any lengths, and of one that is named again', (operation) => {
    const random = new RandomSource(OPERATIONS.indexOf(operation));
    const engine = newEngine();
    const replica = newReplica();
    engine.onBatch = ({ payload }) => {
      replica.apply(Buffer.from(payload));
    };
    const keys = ['a', 'b', 'c', 'd', 'e'].map((key) => Buffer.from(key));
    for (let round = 0; round < 60; round++) {
      for (const key of keys) {
        const length = random.chance(0.05) ? random.between(16_380, 33_000) : random.skewed(70);
        if (random.chance(0.1)) engine.del(key);
        else engine.set(key, random.bytes(length));
      }
      const least = operation === 'not' || operation === 'one' ? 1 : 2;
      const count = operation === 'not' ? 1 : random.between(least, 7);
      const sources = Array.from({ length: count }, () => random.pick(keys));
      const target = random.chance(0.3) ? random.pick(sources) : Buffer.from('target');
      const values = sources.map((key) => engine.get(key) ?? Buffer.alloc(0));
      const expected = combined(operation, values);
      expect(engine.values.combineBits(operation, sources, target)).toBe(expected.length);
      expect(engine.get(target) ?? Buffer.alloc(0)).toEqual(expected);
    }
    engine.flush();
    expect(contentOf(replica)).toEqual(contentOf(engine));
  });

  it('of a great many names of few values takes no longer than of those values', () => {
    const host = new TestCommandHost();
    const client = host.newClient();
    host.engine.set(Buffer.from('a'), Buffer.alloc(1_000_000, 1));
    host.engine.set(Buffer.from('b'), Buffer.alloc(1_000_000, 2));
    const names = 'a b '.repeat(100_000);
    // 200 GB if each were read.
    expect(host.answer(wordsOf(`BITOP OR c ${names}`), client).toString()).toBe(':1000000\r\n');
    expect(host.engine.values.read(Buffer.from('c'), 0, 2)).toEqual(Buffer.of(3, 3));
    expect(host.answer(wordsOf(`BITOP XOR c ${names} a`), client).toString()).toBe(':1000000\r\n');
    expect(host.engine.values.read(Buffer.from('c'), 0, 2)).toEqual(Buffer.of(1, 1));
    expect(host.answer(wordsOf(`BITOP ONE c ${names}`), client).toString()).toBe(':1000000\r\n');
    expect(host.engine.values.read(Buffer.from('c'), 0, 2)).toEqual(Buffer.of(0, 0));
  });

  it.each([
    ['BITOP DIFF c a', '-ERR BITOP DIFF must be called with at least two source keys.\r\n'],
    ['BITOP diff1 c a', '-ERR BITOP DIFF1 must be called with at least two source keys.\r\n'],
    ['BITOP ANDOR c a', '-ERR BITOP ANDOR must be called with at least two source keys.\r\n'],
    ['BITOP ONE c a', ':3\r\n'],
    ['BITOP DIFF c nosuch nosuch', ':0\r\n'],
  ])('%s', (line, answer) => {
    const host = new TestCommandHost();
    host.engine.set(Buffer.from('a'), Buffer.from('abc'));
    expect(host.answer(wordsOf(line), host.newClient()).toString()).toBe(answer);
  });
});
