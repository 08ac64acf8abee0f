import '../../support/debug-kernel.js';

import { beforeAll, describe, expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { contentOf, newReplica } from '../../support/engines.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { redisServer } from '../../support/redis.js';

describeWith(redisServer, 'BITFIELD as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [
      [
        'BITFIELD a SET u8 0 255 GET u4 0 GET i4 0 GET u8 4 GET u63 0 GET i64 0',
        'BITFIELD a INCRBY u8 100 1 INCRBY i5 100 1',
        'STRLEN a',
        'GET a',
        'BITFIELD a GET i64 3 SET i64 3 -1 GET i64 3 SET i64 3 9223372036854775807 GET u63 4',
        'GET a',
      ],
    ],
    [
      [
        'BITFIELD a SET i8 #1 -5 GET i8 #1 GET u8 8 SET u2 #3 2 GET u2 6',
        'BITFIELD a GET u8 #100000 GET i64 800000 GET u1 8388607',
        'BITFIELD a SET u1 8388607 1',
        'STRLEN a',
      ],
    ],
    [
      [
        'BITFIELD a OVERFLOW SAT INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 5',
        'BITFIELD a OVERFLOW FAIL INCRBY u2 102 1 INCRBY u2 102 -1 OVERFLOW WRAP INCRBY u2 102 3',
        'BITFIELD a OVERFLOW SAT SET i8 0 200 SET i8 8 -200 SET u8 16 -1 GET i8 0 GET i8 8 GET u8 16',
        'BITFIELD a OVERFLOW FAIL SET i8 0 200 SET u8 16 300 SET u8 16 3',
        'BITFIELD a OVERFLOW SAT INCRBY i64 64 9223372036854775807 INCRBY i64 64 1 INCRBY i64 64 -9223372036854775808',
        'BITFIELD a OVERFLOW WRAP INCRBY i64 64 -9223372036854775808 INCRBY u63 64 -9223372036854775808',
        'GET a',
      ],
    ],
    [
      [
        'BITFIELD new OVERFLOW FAIL INCRBY u4 80 100',
        'STRLEN new',
        'BITFIELD new2 SET u4 80 0',
        'STRLEN new2',
        'BITFIELD nosuch GET u4 80',
        'EXISTS nosuch',
        'BITFIELD nosuch',
        'BITFIELD nosuch OVERFLOW sat',
        'SET t 1 EX 100',
        'BITFIELD t SET u8 40 65',
        'TTL t',
      ],
    ],
    [
      [
        'BITFIELD a GET',
        'BITFIELD a GET u8',
        'BITFIELD a SET u8 0',
        'BITFIELD a NOSUCH u8 0',
        'BITFIELD a GET u64 0',
        'BITFIELD a GET i65 0',
        'BITFIELD a GET u0 0',
        'BITFIELD a GET I8 0',
        'BITFIELD a GET 8 0',
        "BITFIELD a GET '' 0",
        'BITFIELD a GET u08 0',
        'BITFIELD a GET u+8 0',
        'BITFIELD a GET "u8\\x00x" 0',
        'BITFIELD a GET u8 -1',
        'BITFIELD a GET u8 x',
        'BITFIELD a GET u8 #',
        'BITFIELD a GET u8 #-1',
        'BITFIELD a GET u8 8388608',
        'BITFIELD a GET u8 #1048576',
        'BITFIELD a SET u8 0 x',
        'BITFIELD a SET u8 0 9223372036854775808',
        'BITFIELD a OVERFLOW',
        'BITFIELD a OVERFLOW NOSUCH GET u8 0',
        'BITFIELD a SET u8 0 1 GET u99 0',
        'EXISTS a',
        'BITFIELD_RO a SET u8 0 1',
        'BITFIELD_RO a INCRBY u8 0 1 GET u8 0',
        'BITFIELD_RO a GET u8 0 OVERFLOW SAT GET i8 0',
        'BITFIELD_RO a',
      ],
    ],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });

  it('integers of every width at every bit', async () => {
    const random = new RandomSource(11);
    const lines = Array.from({ length: 300 }, () => {
      const parts = Array.from({ length: random.between(1, 6) }, () => {
        const isSigned = random.chance(0.5);
        const type = `${isSigned ? 'i' : 'u'}${random.between(1, isSigned ? 64 : 63)}`;
        const offset = random.chance(0.2) ? `#${random.below(4)}` : String(random.below(200));
        const edge = ['9223372036854775807', '-9223372036854775808', '-1', '1', '255', '4294967296'];
        const number = random.chance(0.5) ? random.pick(edge) : String(random.between(-300, 300));
        return random.pick([
          `GET ${type} ${offset}`,
          `SET ${type} ${offset} ${number}`,
          `INCRBY ${type} ${offset} ${number}`,
          `OVERFLOW ${random.pick(['WRAP', 'sat', 'FAIL'])} INCRBY ${type} ${offset} ${number}`,
        ]);
      });
      return `BITFIELD ${random.pick(['a', 'b'])} ${parts.join(' ')}`;
    });
    await oracle.expectAlike([...lines, 'GET a', 'GET b']);
  });
});

describe('BITFIELD', () => {
  it('ends as one record, and as none when nothing has changed', () => {
    const host = new TestCommandHost();
    const client = host.newClient();
    let records = 0;
    host.engine.onBatch = (batch) => {
      records += batch.records;
    };
    const recordsOf = (line: string): number => {
      records = 0;
      host.answer(wordsOf(line), client);
      host.engine.flush();
      return records;
    };
    expect(recordsOf(`BITFIELD a ${'SET u8 #3 7 INCRBY u8 #9 1 '.repeat(50)}`)).toBe(1);
    expect(recordsOf('BITFIELD a GET u8 #3 SET u8 #3 7 OVERFLOW FAIL INCRBY u8 #3 300')).toBe(0);
    expect(recordsOf('BITFIELD a OVERFLOW FAIL INCRBY u8 #30 300')).toBe(1);
    expect(recordsOf('BITFIELD_RO nosuch GET u8 0')).toBe(0);
  });

  it('on a large value leaves before other writes, so that a replica holds the same', () => {
    const host = new TestCommandHost();
    const replica = newReplica();
    host.engine.onBatch = ({ payload }) => {
      replica.apply(Buffer.from(payload));
    };
    const client = host.newClient();
    const random = new RandomSource(12);
    host.engine.set(Buffer.from('a'), Buffer.alloc(100_000));
    for (let round = 0; round < 150; round++) {
      const line = random.pick([
        `BITFIELD a SET u16 ${random.below(900_000)} ${round}`,
        `BITFIELD a INCRBY i9 ${random.below(900_000)} ${round} GET u8 0`,
        `BITFIELD new SET u8 ${random.between(700_000, 900_000)} ${round}`,
        `SETBIT a ${random.below(900_000)} 1`,
        'SET b x',
        'BITOP OR b a new',
        'BITOP NOT a a',
        'DEL new',
        'BITFIELD a OVERFLOW FAIL INCRBY u2 3 9',
      ]);
      host.answer(wordsOf(line), client);
      host.engine.kernel.invariants();
    }
    host.engine.flush();
    expect(contentOf(replica)).toEqual(contentOf(host.engine));
  });

  it('has changed nothing when memory is exhausted', () => {
    const host = new TestCommandHost(2 * 1024 * 1024);
    host.engine.set(Buffer.from('a'), Buffer.from('value'));
    let filled = 0;
    const fill = () => {
      for (; ; filled++) host.engine.set(Buffer.from(`fill${filled}`), Buffer.alloc(100_000));
    };
    expect(fill).toThrow(FastcacheError);
    for (const key of ['a', 'new']) {
      const line = wordsOf(`BITFIELD ${key} SET u8 0 1 SET u8 8000000 1`);
      expect(() => host.answer(line, host.newClient())).toThrow(FastcacheError);
    }
    expect(host.engine.get(Buffer.from('a'))).toEqual(Buffer.from('value'));
    expect(host.engine.get(Buffer.from('new'))).toBeUndefined();
  });
});
