/** A node changes its role as often as it is asked to, and keeps what it was started with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FrameKind, type Primary, type Replica } from '../../src/index.js';
import { decodeStream } from '../support/decode-stream.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, directory, follow, startPrimary } from '../support/library.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, freePort } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import type { RespClient } from '../support/resp-client.js';

const say = async (client: RespClient, ...args: string[]) => String(await client.command(...args));
const replicaOf = (client: RespClient, address: string) => say(client, 'REPLICAOF', ...address.split(':'));

async function holds(node: Primary | Replica, key: string): Promise<void> {
  await eventually(
    () => node.get(key),
    (value) => value !== undefined,
  );
}

describe('a primary that is told to follow', () => {
  it('keeps its content readable until the new content is whole, and refuses writes', async () => {
    const other = await startPrimary({ shards: 8 });
    other.set('theirs', '1');
    const primary = await startPrimary({ listen: ':0' });
    primary.set('ours', '1');
    const client = await clientOf(primary.listenAddress);
    const dead = `127.0.0.1:${await freePort()}`;
    expect(await replicaOf(client, dead)).toBe('+OK');
    expect(await replicaOf(client, dead)).toBe('+OK Already connected to specified master');
    expect(await say(client, 'GET', 'ours')).toBe('1');
    expect(await say(client, 'SET', 'ours', '2')).toMatch(/^-READONLY/);
    expect(await say(client, 'INFO', 'replication')).toMatch(/role:slave[\s\S]*master_link_status:down/);
    const refusal = expect.objectContaining({ code: 'READ_ONLY', address: dead });
    expect(() => primary.set('ours', '2')).toThrow(refusal);
    expect(() => primary.del('ours')).toThrow(refusal);
    expect(() => primary.expire('ours', undefined)).toThrow(refusal);
    expect(primary.get('ours')?.toString()).toBe('1');

    expect(await replicaOf(client, other.bindAddress)).toBe('+OK');
    await holds(primary, 'theirs');
    expect(primary.get('ours')).toBeUndefined();
    expect(primary).toMatchObject({ shards: 8, history: other.history, state: { name: 'live' } });
    expect(await say(client, 'GET', 'theirs')).toBe('1');
    expect(await client.command('ROLE')).toHaveLength(5);
  });

  it('emits the events of a replica, and one more', async () => {
    const other = await startPrimary();
    const primary = await startPrimary();
    const events: string[] = [];
    primary.on('demoted', ({ primary: address }) => events.push(`demoted ${address}`));
    for (const name of ['connecting', 'live', 'stopped', 'promoted'] as const) {
      primary.on(name, () => events.push(name));
    }
    primary.follow(other.bindAddress);
    await eventually(
      () => events,
      (told) => told.includes('live'),
    );
    primary.promote();
    expect(events).toEqual([`demoted ${other.bindAddress}`, 'connecting', 'live', 'promoted']);
    expect(primary.state).toBeUndefined();
    primary.set('again', '1');
    await primary.close();
    expect(() => primary.follow(other.bindAddress)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  });

  it('serves its replicas on, which go on from what they hold', async () => {
    const top = await startPrimary();
    const middle = await startPrimary();
    const leaf = await follow(middle.bindAddress);
    middle.set('before', '1');
    await isCaughtUp({ primary: middle, replica: leaf });
    middle.follow(`127.0.0.1:${await freePort()}`);
    await eventually(
      () => middle.metrics().catchUpBacklogCount,
      (count) => count === 1,
    );
    expect(leaf.get('before')?.toString()).toBe('1');
    top.set('new', '1');
    middle.follow(top.bindAddress);
    await holds(leaf, 'new');
    middle.promote();
    middle.set('last', '1');
    await holds(leaf, 'last');
    expect(middle.metrics().catchUpSnapshotCount).toBe(2);
    expect(leaf.history).toBe(middle.history);
  });

  it('closes clients that WAIT, with an answer, and runs nothing of what they sent behind', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const [waiting, other] = [await clientOf(primary.listenAddress), await clientOf(primary.listenAddress)];
    expect(await answersOf(waiting, other)).toBe(UNBLOCKED);
    expect(primary.get('behind')).toBeUndefined();
  });

  describeWith(redisServer, 'redis-server', () => {
    it('answers as Redis does', async () => {
      const address = `127.0.0.1:${(await RedisServer.start()).port}`;
      expect(await answersOf(await clientOf(address), await clientOf(address))).toBe(UNBLOCKED);
    });
  });
});

const UNBLOCKED =
  '+OK\r\n-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n';

/**
 * All that a client hears until it is closed, which waits for a replica while another one has the role
 * changed.
 */
async function answersOf({ socket }: RespClient, other: RespClient): Promise<string> {
  socket.removeAllListeners('data');
  let heard = '';
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1');
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('SET a 1\r\nWAIT 1 0\r\nSET behind 1\r\n');
  await eventually(
    () => say(other, 'INFO', 'clients'),
    (info) => info.includes('blocked_clients:1'),
  );
  expect(await replicaOf(other, `127.0.0.1:${await freePort()}`)).toBe('+OK');
  await closed;
  return heard;
}

describe('whatever a node was started with', () => {
  it('holds again once it is promoted', async () => {
    const record = join(directory, 'roles.fcrp');
    const other = await startPrimary();
    other.set('zeroth', 'a');
    const node = await startPrimary({
      listen: ':0',
      compression: 'zstd',
      sendPolicy: 'immediate',
      minReplicas: 1,
      maxMemoryBytes: 2 ** 20,
      eviction: 'allkeys-lru',
      record,
    });
    const client = await clientOf(node.listenAddress);
    const settings = async () => {
      const all = ((await client.command('CONFIG', 'GET', '*')) as Buffer[]).map(String);
      // The primary that a node follows belongs to its role.
      const isRole = (index: number) => /^(replicaof|slaveof)$/.test(all[index - (index % 2)]!);
      return all.filter((_, index) => !isRole(index));
    };
    const before = await settings();
    expect(before.length).toBeGreaterThan(40);
    node.set('first', 'a'.repeat(500));
    await replicaOf(client, other.bindAddress);
    await eventually(
      () => node.history,
      (history) => history === other.history,
    );
    expect(await settings()).toEqual(before);
    other.set('second', 'b'.repeat(500));
    other.flush();
    await holds(node, 'second');
    expect(await say(client, 'REPLICAOF', 'NO', 'ONE')).toBe('+OK');
    expect(await settings()).toEqual(before);
    expect(await say(client, 'SET', 'third', 'c')).toMatch(/^-NOREPLICAS/);
    const sentBatches = node.metrics().sentBatches;
    for (let index = 0; index < 3; index += 1) node.set('third', 'c'.repeat(500));
    expect(node.metrics().sentBatches - sentBatches).toBe(3);
    for (let index = 0; index < 3_000; index += 1) node.set(`key:${index}`, 'd'.repeat(500));
    expect(node.keyCount()).toBeLessThan(2_500);
    await node.close();
    const seen: string[] = [];
    let saved = 0;
    decodeStream([readFileSync(record)], ({ header, content }) => {
      if (header.kind !== FrameKind.MutationBatch) return;
      for (const { key } of content as { key: Uint8Array }[]) seen.push(Buffer.from(key).toString());
      if (seen.at(-1) === 'third') saved += header.uncompressedBytes - header.payloadBytes;
    });
    expect([...new Set(seen.slice(0, 5))]).toEqual(['first', 'second', 'third']);
    expect(saved).toBeGreaterThan(1_000);
  });

  it('holds for a replica that is promoted while it holds nothing', async () => {
    const replica = await follow(`127.0.0.1:${await freePort()}`, { bind: ':0', listen: ':0' });
    expect(replica.shards).toBe(1);
    replica.promote();
    expect(replica.shards).toBe(4);
    const leaf = await follow(replica.bindAddress!);
    const client = await clientOf(replica.listenAddress);
    expect(await say(client, 'SET', 'a', '1')).toBe('+OK');
    await holds(leaf, 'a');
    expect(leaf.shards).toBe(4);
  });
});

it('200 changes of role leave no timer, socket or listener behind', async () => {
  const other = await startPrimary();
  other.set('theirs', '1');
  const options = { reconnectBackoffMs: 10, record: join(directory, 'changes.fcrp') };
  const node = await startPrimary({ listen: ':0', ...options });
  const leaf = await follow(node.bindAddress);
  const change = async (addresses: readonly string[]) => {
    for (const address of addresses) node.follow(address);
    await eventually(
      () => node.state?.name,
      (name) => name === 'live',
    );
    node.promote();
    node.set('ours', '1');
    node.flush();
    await isCaughtUp({ primary: node, replica: leaf });
  };
  const dead = `127.0.0.1:${await freePort()}`;
  await change([other.bindAddress]);
  const before = await resources();
  for (let changes = 0; changes < 200; changes += 4) await change([dead, dead, other.bindAddress]);
  await eventually(resources, (now) =>
    Object.entries(now).every(([name, count]) => count <= (before[name] ?? 0)),
  );
});

/** Returns the resources that keep the process alive, by kind. */
async function resources(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
