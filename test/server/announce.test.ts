/** The facts that a replica announces: where its clients find it, and whether it is to be promoted. */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import type { Primary, Replica } from '../../src/index.js';
import { encodeHelloFrame } from '../../src/index.js';
import { announcedIn } from '../../src/replication/link/announced.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { LaggingReplica } from '../support/lagging-replica.js';
import { clientOf, closesLater, follow, infoOf, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import type { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';

/** Connects as a Rust replica does, which says nothing of itself. */
async function rustReplica(primary: Primary): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: Number(primary.bindAddress.split(':')[1]) });
  closesLater({ close: async () => void socket.destroy() });
  socket.on('error', () => {});
  socket.resume();
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(encodeHelloFrame({ role: 'replica' }));
  return `127.0.0.1:${socket.localPort}`;
}

/** INFO's lines of replicas, without what changes from moment to moment. */
async function listed(client: RespClient): Promise<Record<string, string>> {
  const lines = [...(await infoOf(client))].filter(([name]) => /^(slave|replica)\d$/.test(name));
  return Object.fromEntries(
    lines.map(([name, line]) => [name, line.replace(/,?(state|lag_records)=.*/, '')]),
  );
}

async function hasReplicas(primary: Primary, count: number): Promise<void> {
  await eventually(
    () => primary.replicas().filter(({ state }) => state === 'live').length,
    (live) => live === count,
  );
}

async function config(client: RespClient, ...pairs: string[]): Promise<void> {
  expect(String(await client.command('CONFIG', 'SET', ...pairs))).toBe('+OK');
}

function isLive(replica: Replica): Promise<unknown> {
  return eventually(
    () => replica.state?.name,
    (name) => name === 'live',
  );
}

it('a replica is listed where its clients find it, and apart from those that serve none', async () => {
  const primary = await startPrimary({ listen: ':0' });
  const client = await clientOf(primary.listenAddress);
  const rust = await rustReplica(primary);
  const silent = await follow(primary.bindAddress);
  await isLive(silent);
  const served = await follow(primary.bindAddress, { listen: ':0' });
  const proxied = await follow(primary.bindAddress, { announce: 'redis.example:7000' });
  await isLive(served);
  await isLive(proxied);
  await hasReplicas(primary, 4);
  const [, port] = served.listenAddress!.split(':');
  const connections = primary.replicas().map(({ address }) => address);
  expect(await listed(client)).toEqual({
    slave0: `ip=127.0.0.1,port=${port}`,
    slave1: 'ip=redis.example,port=7000',
    replica0: '',
    replica1: '',
    replica2: `addr=${rust}`,
    replica3: `addr=${connections[1]}`,
  });
  const info = await infoOf(client);
  expect([info.get('connected_slaves'), info.get('connected_replicas')]).toEqual(['2', '4']);
  const [, , replicas] = (await client.command('ROLE')) as unknown as [string, number, Buffer[][]];
  expect(replicas.map((row) => row.slice(0, 2).map(String))).toEqual([
    ['127.0.0.1', port],
    ['redis.example', '7000'],
  ]);
  expect(primary.replicas().map(({ announced }) => announced)).toEqual([
    undefined,
    undefined,
    `127.0.0.1:${port}`,
    'redis.example:7000',
  ]);
  const text = (await runCommand(['watermarks', primary.bindAddress])).stdout;
  expect(text).toContain('redis.example:7000');
  expect(text).not.toContain(connections[3]);
  const lost = new LaggingReplica(primary.bindAddress, primary.history, primary.watermarks(), [
    ['host', 'redis.example'],
    ['port', '7001'],
  ]);
  await hasReplicas(primary, 5);
  // One that has acknowledged nothing is not listed when it is gone.
  await eventually(
    () => primary.replicas().at(-1)?.acknowledged,
    (acknowledged) => acknowledged !== undefined,
  );
  lost.close();
  await eventually(
    () => primary.replicas().at(-1)?.state,
    (state) => state === 'gone',
  );
  const forgotten = await runCommand(['watermarks', primary.bindAddress, '--forget', 'redis.example:7001']);
  expect([forgotten.status, primary.replicas().length]).toEqual([0, 4]);
});

it('what CONFIG SET has a replica announce is said with the next connection', async () => {
  const primary = await startPrimary({ listen: ':0' });
  const client = await clientOf(primary.listenAddress);
  const replica = await follow(primary.bindAddress, { listen: ':0', announce: ':7001' });
  await hasReplicas(primary, 1);
  expect(await listed(client)).toMatchObject({ slave0: 'ip=127.0.0.1,port=7001' });
  const own = await clientOf(replica.listenAddress);
  await config(own, 'replica-announce-ip', '2001:db8::7', 'slave-announce-port', '7002');
  expect(String(await own.command('CONFIG', 'SET', 'replica-announce-ip', 'a b'))).toMatch(
    /^-ERR CONFIG SET/,
  );
  replica.follow(primary.bindAddress);
  await eventually(
    async () => (await listed(client)).slave0,
    (line) => line === 'ip=2001:db8::7,port=7002',
  );
  expect(primary.replicas()[0]?.announced).toBe('[2001:db8::7]:7002');
  await config(own, 'replica-announce-ip', '', 'replica-announce-port', '0');
  replica.follow(primary.bindAddress);
  const [, port] = replica.listenAddress!.split(':');
  await eventually(
    async () => (await listed(client)).slave0,
    (line) => line === `ip=127.0.0.1,port=${port}`,
  );
});

it('the priority is 0 while nothing is held, and while what the primary has is refused', async () => {
  const bind = `127.0.0.1:${await freePort()}`;
  const replica = await follow(bind, { listen: ':0', replicaPriority: 7, isReplicaAnnounced: false });
  const client = await clientOf(replica.listenAddress);
  const said = async () => {
    const info = await infoOf(client);
    return [info.get('slave_priority'), info.get('replica_announced')];
  };
  expect(await said()).toEqual(['0', '0']);
  const primary = await startPrimary({ bind });
  primary.set('key', 'value');
  await isCaughtUp({ primary, replica });
  expect(await said()).toEqual(['7', '0']);
  await config(client, 'replica-priority', '12', 'replica-announced', 'yes');
  expect(await said()).toEqual(['12', '1']);
  await primary.close();
  expect(await said()).toEqual(['12', '1']);
  await startPrimary({ bind });
  await eventually(said, ([priority]) => priority === '0');
  expect(replica.get('key')?.toString()).toBe('value');
});

it.each([
  ['a host and a port', { host: 'redis.example', port: '7000' }, 'redis.example:7000'],
  ['a port alone', { port: '65535' }, '10.0.0.7:65535'],
  ['an IPv6 address', { host: '::1', port: '1' }, '[::1]:1'],
  ['no port', { host: 'redis.example' }, undefined],
  ['port 0', { port: '0' }, undefined],
  ['a port beyond all', { port: '65536' }, undefined],
  ['a port that is no number', { port: '7e3' }, undefined],
  ['a host that would end the line of INFO', { host: 'a\r\nrole:master', port: '1' }, undefined],
  ['a host that would begin another field', { host: 'a,port=2', port: '1' }, undefined],
  ['a host without end', { host: 'a'.repeat(256), port: '1' }, undefined],
  ['an empty host', { host: '', port: '1' }, undefined],
])('a margin with %s is read', (_, pairs, announced) => {
  expect(announcedIn(new Map(Object.entries(pairs)), '10.0.0.7')).toBe(announced);
});

it('a Rust replica, which has no margin, announces nothing', () => {
  expect(announcedIn(undefined, '10.0.0.7')).toBeUndefined();
});
