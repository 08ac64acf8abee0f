/** INFO during a snapshot: the known facts about it, in the fields that Redis has then. */
import { expect, it } from 'vitest';
import { tcpTransport } from '../../src/transport/tcp.js';
import { type FakePeer, FakePrimary } from '../support/fake-primary.js';
import { clientOf, closesLater, follow } from '../support/library.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import type { RespClient } from '../support/resp-client.js';

type Fields = Record<string, string>;

/** INFO replication once `isDone`. */
function infoWhen(client: RespClient, isDone: (fields: Fields) => boolean): Promise<Fields> {
  return eventually(async () => {
    const text = String(await client.command('INFO', 'replication'));
    return Object.fromEntries(text.split('\r\n').map((line) => line.split(/:(.*)/, 2)));
  }, isDone);
}

const syncNames = (fields: Fields) => Object.keys(fields).filter((name) => name.startsWith('master_sync_'));

const SYNC_NAMES = [
  'master_sync_in_progress',
  'master_sync_total_bytes',
  'master_sync_read_bytes',
  'master_sync_left_bytes',
  'master_sync_perc',
  'master_sync_last_io_seconds_ago',
];

/** No peer tells how much is to come. */
function ofUnknownSize(readBytes: number): Fields {
  return {
    master_sync_in_progress: '1',
    master_sync_total_bytes: '0',
    master_sync_read_bytes: String(readBytes),
    master_sync_left_bytes: String(-readBytes),
    master_sync_perc: '0.00',
  };
}

it.each([
  ['ours', 'a'.repeat(32)],
  ["the crate's", undefined],
])('a snapshot of a primary of %s shows its bytes as they come, until it is whole', async (_, history) => {
  let peer: FakePeer | undefined;
  let sentBytes = 0;
  const answer = (answering: FakePeer) => {
    answering.answer([1n], history);
    peer = answering;
    const { connection } = answering;
    const write = connection.write.bind(connection);
    sentBytes = 0;
    connection.write = (bytes) => {
      sentBytes += bytes.length;
      return write(bytes);
    };
    answering.begin([1n]);
    answering.chunk(0n, false, [1n], ['a']);
  };
  const primary = new FakePrimary(tcpTransport, answer, '127.0.0.1:0');
  const listener = await primary.listener;
  closesLater(listener);
  const replica = await follow(listener.address, { listen: ':0' });
  const client = await clientOf(replica.listenAddress!);
  const hasAll = (fields: Fields) => fields.master_sync_read_bytes === String(sentBytes);

  const first = await infoWhen(client, hasAll);
  expect(sentBytes).toBeGreaterThan(50);
  expect(first).toMatchObject(ofUnknownSize(sentBytes));
  expect(syncNames(first)).toEqual(SYNC_NAMES);

  peer!.chunk(1n, true, [1n], ['b'.repeat(1_000)]);
  expect(await infoWhen(client, hasAll)).toMatchObject(ofUnknownSize(sentBytes));

  // It begins from nothing again.
  peer!.connection.destroy();
  await infoWhen(client, (fields) => fields.master_sync_read_bytes === first.master_sync_read_bytes);

  peer!.chunk(1n, true, [1n], ['b']);
  peer!.end([1n]);
  const whole = await infoWhen(client, ({ master_link_status }) => master_link_status === 'up');
  expect(syncNames(whole)).toEqual(['master_sync_in_progress']);
  peer!.connection.destroy();
});

describeWith(redisServer, 'redis-server', () => {
  it('tells the same of a snapshot whose size it does not know', async () => {
    const slow = ['--repl-diskless-sync-delay', '0', '--rdb-key-save-delay', '2000'];
    const top = await RedisServer.start('--repl-diskless-sync', 'yes', ...slow);
    const filler = await clientOf(`127.0.0.1:${top.port}`);
    for (let index = 0; index < 1_000; index += 1) {
      await filler.command('SET', `key:${index}`, Buffer.alloc(1_000, String(Math.random())));
    }
    const { port } = await RedisServer.start('--replicaof', `127.0.0.1 ${top.port}`);
    const fields = await infoWhen(
      await clientOf(`127.0.0.1:${port}`),
      ({ master_sync_read_bytes }) => Number(master_sync_read_bytes) > 0,
    );
    expect(fields).toMatchObject(ofUnknownSize(Number(fields.master_sync_read_bytes)));
    expect(syncNames(fields)).toEqual(SYNC_NAMES);
  });
});
