import { beforeAll, describe, expect, it } from 'vitest';
import { releaseWatched } from '../../../src/resp/commands/transactions.js';
import { Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { newEngine } from '../../support/engines.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';

const NIL = '*-1\r\n';
const NOTHING = '*0\r\n';

describeWith(redisServer, 'as Redis answers:', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });

  it.each([
    [['MULTI', 'SET a 1', 'GETSET a 2', 'GET a', 'EXEC', 'GET a', 'EXEC']],
    [['MULTI', 'EXEC', 'MULTI', 'MULTI', 'WATCH a', 'SET a 1', 'EXEC', 'DISCARD', 'DISCARD']],
    [['MULTI', 'SET a 1', 'DISCARD', 'EXISTS a', 'EXEC']],
    [['SET a x', 'MULTI', 'INCR a', 'SETRANGE a -1 y', 'SET a 1', 'INCR a', 'EXEC']],
    [['WATCH a', 'SET a 1', 'MULTI', 'SET a 2', 'EXEC', 'GET a', 'MULTI', 'GET a', 'EXEC']],
    [['WATCH a', 'SET a 1', 'UNWATCH', 'MULTI', 'GET a', 'EXEC']],
    [['WATCH a b a', 'SET c 1', 'MULTI', 'UNWATCH', 'SET a 2', 'GET a', 'EXEC']],
    [['WATCH a', 'SET a 1', 'WATCH b', 'WATCH a', 'MULTI', 'EXEC', 'MULTI', 'EXEC']],
    [['WATCH a', 'MULTI', 'SET a 1', 'DISCARD', 'SET a 2', 'MULTI', 'GET a', 'EXEC']],
    [['SET a 1', 'WATCH a', 'RENAME a b', 'RENAME b a', 'MULTI', 'EXEC']],
    [['SET a 1', 'WATCH a', 'FLUSHALL', 'MULTI', 'EXEC', 'WATCH a', 'FLUSHALL', 'MULTI', 'EXEC']],
    [['SETBIT a 7 1', 'WATCH a', 'SETBIT a 7 1', 'MULTI', 'EXEC']],
    [['SET a 1', 'WATCH a', 'EXPIRE a 100', 'MULTI', 'EXEC', 'WATCH a', 'PERSIST a', 'MULTI', 'EXEC']],
    [['SET a 1', 'WATCH a', 'GETEX a', 'TOUCH a', 'GETRANGE a 0 1', 'SETNX a 2', 'DEL b', 'MULTI', 'EXEC']],
  ])('%j', async (lines) => {
    await oracle.expectAlike(lines);
    await oracle.expectAlike(lines, 3);
  });
});

describe('EXEC', () => {
  it('refuses when a command could not be queued, even if a watched key has changed', () => {
    const { ask, client } = newTransaction();
    ask('WATCH a');
    ask('SET a 1');
    ask('MULTI');
    client.transaction!.isBroken = true;
    expect(ask('EXEC')).toBe('-EXECABORT Transaction discarded because of previous errors.\r\n');
    ask('MULTI');
    expect(ask('EXEC')).toBe(NOTHING);
  });

  it('tells a watched key that was there and has expired', () => {
    const { ask, host } = newTransaction();
    ask('SET a 1 PX 100');
    ask('WATCH a');
    host.clock.pass(100);
    ask('MULTI');
    expect(ask('EXEC')).toBe(NIL);
  });

  it('tells it on a replica too, where it is hidden only', () => {
    const { ask, host } = newTransaction();
    ask('SET a 1 PX 100');
    host.engine.setReplica(true);
    ask('WATCH a');
    host.clock.pass(100);
    ask('MULTI');
    expect(ask('EXEC')).toBe(NIL);
  });

  it('does not mind a key that had expired when it was watched', () => {
    const { ask, host } = newTransaction();
    ask('SET a 1 PX 100');
    host.clock.pass(100);
    ask('WATCH a');
    ask('MULTI');
    expect(ask('EXEC')).toBe(NOTHING);
  });

  it('tells a store that another has replaced', () => {
    const { ask, host } = newTransaction();
    ask('WATCH a');
    host.engine = newEngine({ clock: host.clock });
    ask('MULTI');
    expect(ask('EXEC')).toBe(NIL);
  });

  it('says to its commands that they must not wait, and no longer when it is through', () => {
    const { ask, client } = newTransaction();
    ask('MULTI');
    ask('EXEC');
    expect(client.isInExec).toBe(false);
    expect(client.transaction).toBeUndefined();
  });
});

it('a client that goes releases what it watched', () => {
  const { ask, client, host } = newTransaction();
  ask('WATCH a b');
  expect(client.watched.size).toBe(2);
  releaseWatched(client);
  expect(client.watched.size).toBe(0);
  ask('SET a 1');
  ask('MULTI');
  expect(ask('EXEC')).toBe(NOTHING);
  expect(host.engine.keyCount()).toBe(1);
});

function newTransaction() {
  const host = new TestCommandHost();
  const client = host.newClient();
  return { host, client, ask: (line: string) => host.answer(wordsOf(line), client).toString() };
}
