/** Failovers as clients meet them: the clients that wait, the answers, and the fields of INFO. */
import { expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { startWithLagging } from '../support/lagging-pair.js';
import { closedBehind, connect, say, start } from '../support/open-front.js';
import { eventually } from '../support/processes.js';

const stateOf = (info: string) => /master_failover_state:(\S+)/.exec(info)![1];

it('a client that writes meanwhile is answered READONLY, and the replica has all that was written', async () => {
  const { primary } = await start();
  const replica = closedBehind(await Replica.follow(primary.bindAddress, { listen: ':0' }));
  await isCaughtUp({ primary, replica });
  const [writer, operator] = [await connect(primary), await connect(primary)];
  let acknowledged = 0;
  let refusal: string | undefined;
  const written = (async () => {
    for (let index = 0; refusal === undefined; index += 1) {
      const reply = await say(writer, 'SET', `key:${index}`, String(index));
      if (reply === '+OK') acknowledged += 1;
      else refusal = reply;
    }
  })();
  const [host, port] = replica.listenAddress!.split(':');
  expect(await say(operator, 'FAILOVER', 'TO', host!, port!, 'TIMEOUT', '10000')).toBe('+OK');
  await written;
  expect(refusal).toMatch(/^-READONLY /);
  const info = await say(operator, 'INFO', 'replication');
  expect([stateOf(info), /role:(\S+)/.exec(info)![1]]).toEqual(['no-failover', 'slave']);
  expect(await say(await connect(replica), 'ROLE')).toMatch(/^master/);
  for (let index = 0; index < acknowledged; index += 1) {
    expect(replica.get(`key:${index}`)?.toString()).toBe(String(index));
  }
  const reader = await connect(replica);
  await say(reader, 'SET', 'last', '1');
  await eventually(
    () => primary.get('last')?.toString(),
    (value) => value === '1',
  );
  expect(replica.metrics().catchUpSnapshotCount).toBe(0);
});

it('a replica is asked to take over by REPLTAKEOVER, and answers when it has', async () => {
  const { primary } = await start();
  const replica = closedBehind(await Replica.follow(primary.bindAddress, { listen: ':0' }));
  await isCaughtUp({ primary, replica });
  const client = await connect(replica);
  expect(await say(client, 'REPLTAKEOVER', '10')).toBe('+OK');
  expect(await say(client, 'ROLE')).toMatch(/^master/);
  expect(await say(client, 'REPLTAKEOVER', '10')).toBe('+OK');
  await eventually(
    () => primary.primary,
    (followed) => followed === replica.listenAddress,
  );
});

it('while a replica is waited for writes wait, whatever CLIENT UNPAUSE says, and reads do not', async () => {
  const { primary, client } = await startWithLagging();
  expect(await say(client, 'SET', 'unacknowledged', '1')).toBe('+OK');
  expect(await say(client, 'FAILOVER')).toBe('+OK');
  expect(stateOf(await say(client, 'INFO', 'replication'))).toBe('waiting-for-sync');
  const writer = await connect(primary);
  let isAnswered = false;
  const answer = writer.command('SET', 'key', 'later').then((reply) => {
    isAnswered = true;
    return reply;
  });
  expect(() => primary.set('key', 'embedded')).toThrow(/hands over/);
  expect(await say(client, 'CLIENT', 'UNPAUSE')).toBe('+OK');
  expect(await say(client, 'CLIENT', 'PAUSE', '1', 'WRITE')).toBe('+OK');
  expect(await say(client, 'GET', 'key')).toBe('value');
  expect(await say(client, 'REPLICAOF', 'NO', 'ONE')).toMatch(/^-ERR .*not allowed while failing over/);
  expect(await say(client, 'FAILOVER')).toMatch(/^-ERR .*already in progress/);
  // The pause of a millisecond has ended by then, and the failover's has not.
  expect(await say(client, 'WAIT', '2', '50')).toBe('0');
  expect([isAnswered, primary.get('key')?.toString()]).toEqual([false, 'value']);
  expect(await say(client, 'FAILOVER', 'ABORT')).toBe('+OK');
  expect(String(await answer)).toBe('+OK');
  expect(primary.get('key')?.toString()).toBe('later');
  expect(stateOf(await say(client, 'INFO', 'replication'))).toBe('no-failover');
});

it('it is given up in time, and INFO says why', async () => {
  const { client } = await startWithLagging();
  expect(await say(client, 'FAILOVER', 'TIMEOUT', '5')).toBe('+OK');
  const info = await eventually(
    () => say(client, 'INFO', 'replication'),
    (text) => stateOf(text) === 'no-failover',
  );
  expect(info).toMatch(/master_failover_fault:\S.*\r\n/);
});
