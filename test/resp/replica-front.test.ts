/**
 * The Redis port of a replica: its answers while it has nothing, when its link is down, and when it is
 * promoted.
 */
import { describe, expect, it } from 'vitest';
import type { Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { closesLater, follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import { type Reply, RespClient } from '../support/resp-client.js';

const READ_ONLY = "-READONLY You can't write against a read only replica.";

async function connect(server: {
  listenAddress: string | undefined;
}): Promise<(...args: string[]) => Promise<Reply>> {
  const client = await RespClient.connect(server.listenAddress!);
  closesLater({ close: async () => client.close() });
  return async (...args) => {
    return textOf(await client.command(...args));
  };
}

/** Bulk strings as texts, however deep. */
function textOf(reply: Reply): Reply {
  if (Array.isArray(reply)) return reply.map(textOf);
  return Buffer.isBuffer(reply) ? reply.toString() : reply;
}

function isLive(replica: Replica): Promise<unknown> {
  return eventually(
    () => replica.state?.name,
    (name) => name === 'live',
  );
}

describe('a replica', () => {
  it('says that it is loading while it has nothing, and nothing wrong', async () => {
    const replica = await follow(`127.0.0.1:${await freePort()}`, { listen: ':0' });
    const ask = await connect(replica);
    expect(await ask('GET', 'a')).toBe('-LOADING Redis is loading the dataset in memory');
    expect(await ask('SCAN', '0')).toBe('-LOADING Redis is loading the dataset in memory');
    expect(await ask('PING')).toBe('-LOADING Redis is loading the dataset in memory');
    expect(await ask('INFO', 'persistence')).toMatch(/loading:1\r\n/);
    expect(await ask('INFO', 'replication')).toMatch(/role:slave\r\n.*master_link_status:down\r\n/s);
  });

  it('reads, and refuses every write, in the kernel and outside, also in a transaction', async () => {
    const primary = await startPrimary();
    primary.set('a', 'value');
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary, replica });
    const ask = await connect(replica);
    expect(await ask('GET', 'a')).toBe('value');
    expect(await ask('GETRANGE', 'a', '0', '1')).toBe('va');
    for (const write of [
      ['SET', 'a', '1'],
      ['SETRANGE', 'a', '0', 'x'],
      ['GETDEL', 'a'],
      ['RENAME', 'a', 'b'],
      ['FLUSHALL'],
    ]) {
      expect(await ask(...write)).toBe(READ_ONLY);
    }
    await ask('MULTI');
    expect(await ask('APPEND', 'a', 'x')).toBe(READ_ONLY);
    expect(await ask('EXEC')).toBe('-EXECABORT Transaction discarded because of previous errors.');
    expect(await ask('WAIT', '0', '0')).toMatch(/^-ERR WAIT cannot be used with replica instances/);
    expect(await ask('ROLE')).toEqual([
      'slave',
      '127.0.0.1',
      Number(primary.bindAddress.split(':')[1]),
      'connected',
      1,
    ]);
  });

  it('goes on reading without its primary, unless it is told not to', async () => {
    const primary = await startPrimary();
    primary.set('a', 'value');
    const [patient, strict] = await Promise.all([
      follow(primary.bindAddress, { listen: ':0' }),
      follow(primary.bindAddress, { listen: ':0', servesStaleData: false }),
    ]);
    await Promise.all([patient, strict].map((replica) => isCaughtUp({ primary, replica })));
    const [askPatient, askStrict] = await Promise.all([connect(patient), connect(strict)]);
    expect(await askStrict('GET', 'a')).toBe('value');
    await primary.close();
    await eventually(
      () => askStrict('GET', 'a'),
      (reply) =>
        reply === "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    );
    expect(await askStrict('PING')).toMatch(/^-MASTERDOWN /);
    expect(await askStrict('CONFIG', 'GET', 'replica-serve-stale-data')).toEqual([
      'replica-serve-stale-data',
      'no',
    ]);
    expect(await askPatient('GET', 'a')).toBe('value');
    expect(await askPatient('INFO', 'replication')).toMatch(/master_link_status:down\r\n/);
  });

  it('promoted by REPLICAOF NO ONE, takes writes in a history that continues the old one', async () => {
    const primary = await startPrimary();
    primary.set('a', 'value');
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary, replica });
    const promotions: string[] = [];
    replica.on('promoted', ({ history }) => promotions.push(history));
    replica.on('stopped', () => promotions.push('stopped'));
    const ask = await connect(replica);
    expect(await ask('REPLICAOF', 'NO', 'ONE')).toBe('+OK');
    expect(await ask('REPLICAOF', 'NO', 'ONE')).toBe('+OK');
    expect(promotions).toEqual([replica.history]);
    expect(replica.history).not.toBe(primary.history);
    expect(await ask('SET', 'b', 'written here')).toBe('+OK');
    expect(await ask('MGET', 'a', 'b')).toEqual(['value', 'written here']);
    expect(await ask('ROLE')).toEqual(['master', 2, []]);
    const info = await ask('INFO', 'replication');
    expect(info).toContain(`master_replid:${replica.history}\r\n`);
    expect(info).toContain(`master_replid2:${primary.history}\r\n`);
    for (const [shard, watermark] of primary.watermarks().entries()) {
      expect(replica.watermarks()[shard]).toBeGreaterThanOrEqual(watermark);
    }
    primary.set('a', 'not for it any more');
    primary.flush();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(replica.get('a')?.toString()).toBe('value');
  });

  it('promoted, keeps to the memory limit that it was started with', async () => {
    const primary = await startPrimary();
    const value = Buffer.alloc(1_000);
    for (let n = 0; n < 4_000; n++) primary.set(`key:${n}`, value);
    const replica = await follow(primary.bindAddress, {
      listen: ':0',
      maxMemoryBytes: 2 * 1024 * 1024,
      eviction: 'allkeys-random',
    });
    await isCaughtUp({ primary, replica });
    const ask = await connect(replica);
    expect(await ask('CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-random']);
    expect(replica.keyCount()).toBe(4_000);
    replica.promote();
    await eventually(
      () => replica.keyCount(),
      (keys) => keys < 2_100,
    );
  });

  it('promoted, deletes what expires', async () => {
    const primary = await startPrimary();
    primary.set('short', 'value', { expireAtMs: Date.now() + 400 });
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary, replica });
    replica.promote();
    await eventually(
      () => replica.keyCount(),
      (keys) => keys === 0,
    );
  });

  it('follows another primary by REPLICAOF, whose content takes the place of its own when it is whole', async () => {
    const [first, second] = await Promise.all([startPrimary(), startPrimary()]);
    first.set('a', 'of the first');
    second.set('b', 'of the second');
    const replica = await follow(first.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary: first, replica });
    const ask = await connect(replica);
    const [host, port] = second.bindAddress.split(':') as [string, string];
    expect(await ask('REPLICAOF', host, port)).toBe('+OK');
    expect(await ask('REPLICAOF', host, port)).toBe('+OK Already connected to specified master');
    await eventually(
      () => ask('MGET', 'a', 'b'),
      (reply) => String(reply) === ',of the second',
    );
    expect(replica.history).toBe(second.history);
    expect(await ask('REPLICAOF', host, 'x')).toBe('-ERR Invalid master port');
  });

  it('that was promoted and wrote can be made a replica again, and ends with what its primary has', async () => {
    const primary = await startPrimary();
    primary.set('a', 'value');
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary, replica });
    const ask = await connect(replica);
    await ask('REPLICAOF', 'NO', 'ONE');
    await ask('SET', 'a', 'diverged');
    replica.follow(primary.bindAddress);
    expect(await ask('SET', 'a', 'no more')).toBe(READ_ONLY);
    await isLive(replica);
    await isCaughtUp({ primary, replica });
    expect(await ask('GET', 'a')).toBe('value');
    expect(replica.history).toBe(primary.history);
  });

  it('in a transaction notices that a snapshot has replaced what was watched', async () => {
    const [first, second] = await Promise.all([startPrimary(), startPrimary()]);
    first.set('a', '1');
    second.set('a', '1');
    const replica = await follow(first.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary: first, replica });
    const ask = await connect(replica);
    await ask('WATCH', 'a');
    replica.follow(second.bindAddress);
    await isCaughtUp({ primary: second, replica });
    await ask('MULTI');
    await ask('GET', 'a');
    expect(await ask('EXEC')).toBeNull();
  });

  it('goes on with a SCAN across a snapshot that replaces its store', async () => {
    const [first, second] = await Promise.all([startPrimary(), startPrimary()]);
    const keys = Array.from({ length: 500 }, (_, index) => `key:${index}`);
    for (const key of keys) {
      first.set(key, '1');
      second.set(key, '2');
    }
    const replica = await follow(first.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary: first, replica });
    const ask = await connect(replica);
    const met: string[] = [];
    let cursor = '0';
    do {
      const [next, found] = (await ask('SCAN', cursor, 'COUNT', '50')) as [string, string[]];
      met.push(...found);
      if (cursor === '0') {
        replica.follow(second.bindAddress);
        await isCaughtUp({ primary: second, replica });
      }
      cursor = next;
    } while (cursor !== '0');
    expect(met.sort()).toEqual(keys.sort());
  });
});

describe('WAIT', () => {
  it('tells how many replicas have applied what was written, and waits for them', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const ask = await connect(primary);
    expect(await ask('WAIT', '0', '0')).toBe(0);
    expect(await ask('WAIT', '1', '20')).toBe(0);
    const replicas = await Promise.all([1, 2].map(() => follow(primary.bindAddress, { listen: ':0' })));
    await Promise.all(replicas.map(isLive));
    for (let round = 0; round < 5; round += 1) {
      await ask('SET', 'round', String(round));
      expect(await ask('WAIT', '2', '10000')).toBe(2);
      expect(replicas.map((replica) => String(replica.get('round')))).toEqual([`${round}`, `${round}`]);
    }
    expect(await ask('WAIT', '3', '50')).toBe(2);
    expect(await ask('INFO', 'replication')).toMatch(
      /connected_slaves:2\r\nslave0:ip=127\.0\.0\.1,port=\d+,state=online,offset=5,lag=0\r\n/,
    );
    expect(await ask('INFO', 'replication')).toContain(
      '\r\nreplica1:lag_records=0,lag_bytes=0,lag_ms=0,queued_bytes=0\r\nmaster_failover_state',
    );
    expect(primary.replicas()).toMatchObject([1, 2].map(() => ({ lag: { records: 0, bytes: 0, ms: 0 } })));
    await replicas[0]!.close();
    await ask('SET', 'round', 'last');
    expect(await ask('WAIT', '1', '10000')).toBe(1);
  });

  it('holds back the commands behind it until it is answered', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const client = await RespClient.connect(primary.listenAddress!);
    closesLater({ close: async () => client.close() });
    const startedAt = performance.now();
    const replies = await client.pipeline([
      ['SET', 'a', '1'],
      ['WAIT', '1', '150'],
      ['GET', 'a'],
    ]);
    expect(replies.map(String)).toEqual(['+OK', '0', '1']);
    expect(performance.now() - startedAt).toBeGreaterThan(100);
  });
});
