/**
 * Writes that need replicas (`--min-replicas`): refused as redis-server refuses them, and taken again as soon
 * as these are there.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { closesLater, follow, startPrimary } from '../support/library.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { answersTo } from '../support/raw-answers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient, respCommand } from '../support/resp-client.js';

const REFUSAL = '-NOREPLICAS Not enough good replicas to write.';

async function connect(primary: { listenAddress: string | undefined }) {
  const client = await RespClient.connect(primary.listenAddress!);
  closesLater({ close: async () => client.close() });
  return async (...words: string[]) => {
    const reply = await client.command(...words);
    return Buffer.isBuffer(reply) ? reply.toString() : reply;
  };
}

function goodReplicasIn(info: unknown): string | undefined {
  return /min_slaves_good_slaves:(\d+)\r\n/.exec(String(info))?.[1];
}

describe('a primary that needs a replica for writes', () => {
  it('refuses them until one is there, takes them while it is, and refuses them when it has gone', async () => {
    const primary = await startPrimary({ listen: ':0', minReplicas: 1 });
    const ask = await connect(primary);
    expect(await ask('SET', 'a', '1')).toBe(REFUSAL);
    expect(await ask('GET', 'a')).toBeNull();
    expect(goodReplicasIn(await ask('INFO', 'replication'))).toBe('0');
    const replica = await follow(primary.bindAddress);
    await eventually(
      () => ask('SET', 'a', '1'),
      (answer) => answer === '+OK',
    );
    expect(goodReplicasIn(await ask('INFO', 'replication'))).toBe('1');
    await isCaughtUp({ primary, replica });
    await replica.close();
    await eventually(
      () => ask('SET', 'a', '1'),
      (answer) => answer === REFUSAL,
    );
    expect(await ask('GET', 'a')).toBe('1');
  });

  it('refuses each of a pipeline, in the kernel and outside, and runs the reads between', async () => {
    const primary = await startPrimary({ listen: ':0', minReplicas: 1 });
    const lines = [
      ['SET', 'a', '1'],
      ['GET', 'a'],
      ['SETRANGE', 'a', '0', 'x'],
      ['INCR', 'a'],
      ['EXISTS', 'a'],
    ];
    const { answer } = await answersTo(
      primary.listenAddress!,
      Buffer.concat(lines.map((words) => respCommand(...words))),
    );
    expect(answer).toMatch(
      new RegExp(`^${REFUSAL}\r\n\\$-1\r\n${REFUSAL}\r\n${REFUSAL}\r\n:0\r\n`.replaceAll('.', '\\.')),
    );
    expect(primary.keyCount()).toBe(0);
  });

  it('is not told so by its owner, who writes without clients', async () => {
    const primary = await startPrimary({ minReplicas: 1 });
    primary.set('a', '1');
    expect(primary.keyCount()).toBe(1);
  });

  it('asks for none once it is set to none, and again when it is set back, also under the old names', async () => {
    const primary = await startPrimary({ listen: ':0', minReplicas: 2, minReplicasMaxLagSeconds: 7 });
    const ask = await connect(primary);
    expect(await ask('CONFIG', 'GET', 'min-replicas-*')).toHaveLength(4);
    expect(String(await ask('CONFIG', 'GET', 'min-replicas-max-lag'))).toBe('min-replicas-max-lag,7');
    expect(String(await ask('CONFIG', 'GET', 'min-slaves-to-write'))).toBe('min-slaves-to-write,2');
    expect(await ask('CONFIG', 'SET', 'min-slaves-max-lag', '0')).toBe('+OK');
    expect(await ask('SET', 'a', '1')).toBe('+OK');
    expect(goodReplicasIn(await ask('INFO', 'replication'))).toBeUndefined();
    expect(await ask('CONFIG', 'SET', 'min-replicas-max-lag', '1')).toBe('+OK');
    expect(await ask('SET', 'a', '1')).toBe(REFUSAL);
    expect(await ask('CONFIG', 'SET', 'min-replicas-to-write', '0')).toBe('+OK');
    expect(await ask('SET', 'a', '1')).toBe('+OK');
  });

  it.each([
    ['minReplicas', -1],
    ['minReplicasMaxLagSeconds', 2 ** 31],
  ])('is not started with %s of %d', async (name, value) => {
    await expect(startPrimary({ [name]: value })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});

describe('a replica that is promoted', () => {
  it('refuses writes for want of replicas only from then on', async () => {
    const primary = await startPrimary();
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary, replica });
    const ask = await connect(replica);
    expect(await ask('CONFIG', 'SET', 'min-replicas-to-write', '1')).toBe('+OK');
    expect(await ask('SET', 'a', '1')).toBe("-READONLY You can't write against a read only replica.");
    replica.promote();
    expect(await ask('SET', 'a', '1')).toBe(REFUSAL);
  });
});

describeWith(redisServer, 'with and without replicas, as redis-server:', () => {
  let ours: Primary;
  let redis: RedisServer;
  beforeAll(async () => {
    const settings = ['--min-replicas-to-write', '1', '--repl-diskless-sync-delay', '0'];
    redis = await RedisServer.start(...settings);
    ours = await Primary.start({ bind: ':0', listen: ':0', minReplicas: 1 });
  });
  afterAll(() => ours.close());

  async function expectLikeRedis(...lines: string[]): Promise<string> {
    const bytes = Buffer.concat(lines.map((line) => respCommand(...line.split(' '))));
    const expected = await answersTo(`127.0.0.1:${redis.port}`, bytes);
    expect(await answersTo(ours.listenAddress!, bytes)).toEqual(expected);
    return expected.answer;
  }

  it.each([
    [['SET a 1', 'GET a', 'DEL a', 'EXPIRE a 5', 'INCR a', 'GETRANGE a 0 1', 'FLUSHALL', 'DBSIZE']],
    [['SET a', 'NOSUCH a', 'GETDEL a', 'GETEX a', 'TOUCH a', 'APPEND a b']],
    [['MULTI', 'GET a', 'SET a 1', 'EXEC']],
    [['MULTI', 'GET a', 'PING', 'EXEC']],
    [['MULTI', 'CONFIG SET min-replicas-to-write 1', 'EXEC']],
    [
      [
        'CONFIG SET min-replicas-to-write 0',
        'MULTI',
        'SET a 1',
        'CONFIG SET min-replicas-to-write 1',
        'EXEC',
      ],
    ],
    [
      [
        'CONFIG SET min-replicas-to-write 0',
        'SET a 1',
        'CONFIG SET min-replicas-to-write 1',
        'SET a 2',
        'GET a',
      ],
    ],
    [['CONFIG SET maxmemory 1', 'SET a 1', 'DEL a', 'CONFIG SET maxmemory 0', 'SET a 1']],
    [['CONFIG GET min-replicas-to-*', 'CONFIG GET min-slaves-to-*', 'CONFIG GET min-replicas-max-lag']],
    [
      [
        'CONFIG SET min-replicas-to-write x',
        'CONFIG SET min-slaves-to-write -1',
        'CONFIG SET min-slaves-max-lag 2147483648',
      ],
    ],
    [
      [
        'CONFIG SET min-replicas-to-write 1 min-slaves-to-write 1',
        'CONFIG SET min-slaves-max-lag 9 min-slaves-max-lag 9',
      ],
    ],
    [['CONFIG SET min-replicas-max-lag 0', 'SET a 1', 'CONFIG SET min-replicas-max-lag 10', 'SET a 1']],
  ])('%j', async (lines) => {
    await expectLikeRedis(...lines);
  });

  it('INFO tells of good replicas where they are asked for, behind those connected', async () => {
    const fields = async (address: string) => {
      const client = await RespClient.connect(address);
      const text = String(await client.command('INFO', 'replication'));
      client.close();
      return [...text.matchAll(/^(role|connected_slaves|min_slaves_good_slaves):(.*)\r$/gm)].map(
        ([line]) => line,
      );
    };
    expect(await fields(ours.listenAddress!)).toEqual(await fields(`127.0.0.1:${redis.port}`));
    await RedisServer.start('--replicaof', '127.0.0.1', String(redis.port));
    const replica = await follow(ours.bindAddress, { listen: ':0' });
    for (const address of [ours.listenAddress!, `127.0.0.1:${redis.port}`]) {
      await eventually(
        async () => (await fields(address)).at(-1),
        (line) => line === 'min_slaves_good_slaves:1\r',
      );
    }
    expect(await fields(ours.listenAddress!)).toEqual(await fields(`127.0.0.1:${redis.port}`));
    await expectLikeRedis('SET a 1', 'GET a', 'MULTI', 'SET a 2', 'EXEC', 'DEL a');
    await replica.close();
  });
});
