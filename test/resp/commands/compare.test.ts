/** SET IFEQ and its kin, DELEX, DELIFEQ, DIGEST, MSETEX: as Redis 8.4 and Valkey 9 document them. */
import '../../support/debug-kernel.js';

import { xxh3 } from '@node-rs/xxhash';
import { expect, it } from 'vitest';
import { TestCommandHost, wordsOf } from '../../support/command-host.js';
import { contentOf, newReplica } from '../../support/engines.js';

const OK = '+OK';
const NIL = '$-1';
const SYNTAX = '-ERR syntax error';
const BAD_DIGEST = '-ERR must be exactly 16 hexadecimal characters';
/** Of `Hello world`, in the documentation of DIGEST. */
const HELLO = 'b6acb9d84a38ff74';

type Step = readonly [line: string, answer: string];

/** Each line is answered so, one value or error a line; a replica then holds the same. */
function expectAnswers(...steps: readonly Step[]): void {
  const host = new TestCommandHost();
  const replica = newReplica();
  host.engine.onBatch = ({ payload }) => {
    replica.apply(Buffer.from(payload));
  };
  const client = host.newClient();
  for (const [line, answer] of steps) {
    const lines = host.answer(wordsOf(line), client).toString('latin1').split('\r\n');
    expect([line, lines[0]!.startsWith('$') && lines[0] !== NIL ? lines[1] : lines[0]]).toEqual([
      line,
      answer,
    ]);
  }
  host.engine.flush();
  expect(contentOf(replica)).toEqual(contentOf(host.engine));
}

it('SET IFEQ and IFNE set a value by the one that is there', () => {
  expectAnswers(
    ['SET k new IFEQ old', NIL],
    ['EXISTS k', ':0'],
    ['SET k old IFNE anything', OK],
    ['SET k new IFEQ other', NIL],
    ['SET k new IFEQ old1', NIL],
    ['GET k', 'old'],
    ['SET k new IFEQ old', OK],
    ['SET k newer IFNE new', NIL],
    ['SET k newer ifne old', OK],
    ['GET k', 'newer'],
    ["SET k '' IFEQ newer", OK],
    ["SET k x IFEQ ''", OK],
    ['GET k', 'x'],
  );
});

it('SET IFDEQ and IFDNE set a value by the digest of the one that is there', () => {
  expectAnswers(
    [`SET k new IFDEQ ${HELLO}`, NIL],
    [`SET k "Hello world" IFDNE ${HELLO}`, OK],
    [`SET k new IFDNE ${HELLO}`, NIL],
    ['SET k new IFDEQ 0000000000000000', NIL],
    [`SET k new IFDEQ ${HELLO.toUpperCase()}`, OK],
    ['GET k', 'new'],
    [`SET k x IFDEQ ${HELLO.slice(1)}`, BAD_DIGEST],
    [`SET k x IFDEQ ${HELLO}0`, BAD_DIGEST],
    [`SET k x IFDNE ${HELLO.slice(1)}g`, BAD_DIGEST],
    [`SET k x IFDNE ${HELLO.slice(1)}/`, BAD_DIGEST],
    ["SET k x IFDNE ''", BAD_DIGEST],
    ['GET k', 'new'],
  );
});

it('SET with a condition takes a time, KEEPTTL and GET, and no other condition', () => {
  expectAnswers(
    ['SET k 1 EX 100', OK],
    ['SET k 2 IFEQ 1 KEEPTTL', OK],
    ['TTL k', ':100'],
    ['SET k 3 IFEQ 2 GET EX 50', '2'],
    ['TTL k', ':50'],
    ['SET k 4 GET IFEQ 2', '3'],
    ['GET k', '3'],
    ['SET nosuch 4 IFEQ 2 GET', NIL],
    ['SET nosuch 4 IFNE 2 GET', NIL],
    ['GET nosuch', '4'],
    ['SET k 5 IFEQ 9 IFEQ 3', OK],
    ['SET k 6 IFEQ 5 IFNE 5', SYNTAX],
    ['SET k 6 IFEQ 5 NX', SYNTAX],
    ['SET k 6 XX IFEQ 5', SYNTAX],
    ['SET k 6 IFEQ', SYNTAX],
    ['SET k 6 IFDEQ', SYNTAX],
    ['SET k 6 IFEQ 5 EX x', '-ERR value is not an integer or out of range'],
    ['SET k 6 IFEQ 5 PXAT 1', OK],
    ['EXISTS k', ':0'],
  );
});

it('a SET whose condition is not met emits nothing', () => {
  const host = new TestCommandHost();
  host.engine.set(Buffer.from('k'), Buffer.from('1'));
  host.engine.flush();
  let records = 0;
  host.engine.onBatch = (batch) => {
    records += batch.records;
  };
  for (const line of [
    'SET k 2 IFEQ 2',
    'SET k 2 IFNE 1',
    'DELEX k IFEQ 2',
    'DELIFEQ k 2',
    'MSETEX 1 k 2 NX',
  ]) {
    host.answer(wordsOf(line), host.newClient());
  }
  host.engine.flush();
  expect(records).toBe(0);
});

it('DELEX deletes a value by what it is or is not', () => {
  expectAnswers(
    ['DELEX k', ':0'],
    ['DELEX k IFNE x', ':0'],
    [`DELEX k IFDNE ${HELLO}`, ':0'],
    ['SET k 1', OK],
    ['DELEX k', ':1'],
    ['SET k 1', OK],
    ['DELEX k IFEQ 2', ':0'],
    ['DELEX k IFNE 1', ':0'],
    ['DELEX k ifeq 1', ':1'],
    ['SET k "Hello world"', OK],
    [`DELEX k IFDNE ${HELLO}`, ':0'],
    ['DELEX k IFDEQ 0000000000000000', ':0'],
    [`DELEX k IFDEQ ${HELLO}`, ':1'],
    ['SET k 1', OK],
    ['DELEX k IFDNE 0000000000000000', ':1'],
    ['DELEX k IFDEQ 123', BAD_DIGEST],
    ['DELEX k IFEQ', "-ERR wrong number of arguments for 'delex' command"],
    ['DELEX k IFEQ 1 2', "-ERR wrong number of arguments for 'delex' command"],
    ['DELEX k NX 1', SYNTAX],
    ['EXISTS k', ':0'],
  );
});

it('DELIFEQ deletes a value that is the same', () => {
  expectAnswers(
    ['DELIFEQ k 1', ':0'],
    ['SET k abc123', OK],
    ['DELIFEQ k abc', ':0'],
    ['DELIFEQ k abc123', ':1'],
    ['DELIFEQ k abc123', ':0'],
    ['DELIFEQ k', "-ERR wrong number of arguments for 'delifeq' command"],
  );
});

it('DIGEST is the XXH3-64 of a value, in 16 digits', () => {
  expectAnswers(['DIGEST nosuch', NIL], ['SET k "Hello world"', OK], ['DIGEST k', HELLO]);
  const host = new TestCommandHost();
  for (let length = 0; length < 300; length += 7) {
    const value = Buffer.alloc(length, length);
    host.engine.set(Buffer.from('k'), value);
    const digest = xxh3.xxh64(value).toString(16).padStart(16, '0');
    expect(host.answer(wordsOf('DIGEST k'), host.newClient()).toString()).toBe(`$16\r\n${digest}\r\n`);
  }
});

it('MSETEX sets all keys, or none', () => {
  expectAnswers(
    ['MSETEX 2 a 1 b 2 EX 100', ':1'],
    ['TTL a', ':100'],
    ['TTL b', ':100'],
    ['MSETEX 2 a 3 c 3 NX', ':0'],
    ['MSETEX 2 a 3 c 3 XX', ':0'],
    ['GET a', '1'],
    ['EXISTS c', ':0'],
    ['MSETEX 2 a 3 b 3 XX KEEPTTL', ':1'],
    ['TTL a', ':100'],
    ['GET b', '3'],
    ['MSETEX 2 c 1 d 2 nx PX 5000', ':1'],
    ['PTTL d', ':5000'],
    ['MSETEX 1 a 5', ':1'],
    ['TTL a', ':-1'],
    ['MSETEX 1 a 6 PXAT 1900000000000', ':1'],
    ['PEXPIRETIME a', ':1900000000000'],
    ['MSETEX 2 a 7 b 7 EXAT 1', ':1'],
    ['EXISTS a b', ':0'],
    ['MSETEX 2 a 1 a 2 KEEPTTL', ':1'],
    ['GET a', '2'],
  );
});

it('MSETEX refuses what does not fit', () => {
  const pairs = '-ERR wrong number of key-value pairs';
  expectAnswers(
    ['MSETEX 0 a 1', '-ERR invalid numkeys value'],
    ['MSETEX -1 a 1', '-ERR invalid numkeys value'],
    ['MSETEX x a 1', '-ERR invalid numkeys value'],
    ['MSETEX 9223372036854775807 a 1', '-ERR invalid numkeys value'],
    ['MSETEX 2 a 1', pairs],
    ['MSETEX 2147483647 a 1', pairs],
    ['MSETEX 1 a 1 b', SYNTAX],
    ['MSETEX 1 a 1 NX XX', SYNTAX],
    ['MSETEX 1 a 1 EX 5 KEEPTTL', SYNTAX],
    ['MSETEX 1 a 1 KEEPTTL EX 5', SYNTAX],
    ['MSETEX 1 a 1 EX 5 PX 5', SYNTAX],
    ['MSETEX 1 a 1 EX', SYNTAX],
    ['MSETEX 1 a 1 EX 0', "-ERR invalid expire time in 'msetex' command"],
    ['MSETEX 1 a 1 EX x', '-ERR value is not an integer or out of range'],
    ['MSETEX 1 a', "-ERR wrong number of arguments for 'msetex' command"],
    ['EXISTS a', ':0'],
  );
});
