/** The questions to Sentinels at the start, and the results of their answers, and of those of impostors. */
import { afterEach, expect, it } from 'vitest';
import { systemTimers } from '../../src/clock.js';
import { Server, type ServerOptions } from '../../src/index.js';
import { askSentinels } from '../../src/server/sentinels.js';
import { parseAddress } from '../../src/transport/address.js';
import { tcpTransport } from '../../src/transport/tcp.js';
import { FakeSentinel, respList, type SentinelState } from '../support/fake-sentinel.js';
import { clientOf, closesLater, infoOf, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import type { RespClient } from '../support/resp-client.js';

const sentinels: FakeSentinel[] = [];
afterEach(async () => {
  await Promise.all(sentinels.splice(0).map((sentinel) => sentinel.close()));
});

async function sentinel(state?: SentinelState): Promise<FakeSentinel> {
  const started = await FakeSentinel.start(state);
  sentinels.push(started);
  return started;
}

async function serve(options: ServerOptions): Promise<Server> {
  const server = await Server.start({ reconnectBackoffMs: 10, ...options });
  closesLater(server);
  return server;
}

function asked(...all: FakeSentinel[]) {
  return { sentinels: all.map(({ address }) => address), sentinelName: 'mymaster' };
}

function question(addresses: readonly string[], sentinelPassword?: string) {
  const config = { sentinels: addresses.map(parseAddress), sentinelName: 'mymaster', sentinelPassword };
  return askSentinels(
    { ...config, connectTimeoutMs: 500 },
    { transport: tcpTransport, timers: systemTimers },
  );
}

async function say(client: RespClient, ...command: string[]): Promise<string> {
  return String(await client.command(...command));
}

it('another server that is primary is followed at once, whatever the options say', async () => {
  const primary = await startPrimary();
  primary.set('key', 'value');
  const of = await sentinel({ primary: primary.bindAddress, replicas: 1 });
  const server = await serve({ listen: ':0', ...asked(of), replicaOf: '127.0.0.1:1' });
  expect(server.primary).toBe(primary.bindAddress);
  await eventually(
    () => server.get('key')?.toString(),
    (value) => value === 'value',
  );
});

it('a primary that Sentinels know, and that has nothing, waits until they name another', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const of = await sentinel({ primary: listen, replicas: 2 });
  const server = await serve({ listen, bind: ':0', metrics: ':0', ...asked(of) });
  const client = await clientOf(server.listenAddress);
  expect(server.lacksData).toBe(true);
  expect(await say(client, 'PING')).toMatch(/^-NODATA /);
  expect(await say(client, 'SET', 'key', 'value')).toMatch(/^-NODATA /);
  expect(await say(client, 'GET', 'key')).toMatch(/^-NODATA /);
  expect(() => server.set('key', 'value')).toThrow(expect.objectContaining({ code: 'NO_CONTENT' }));
  const info = await infoOf(client);
  expect([info.get('role'), info.get('lacks_data')]).toEqual(['master', '1']);
  expect(await say(client, 'INFO', 'persistence')).toContain('loading:1\r\n');
  const ready = await fetch(`http://${server.metricsAddress}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('without its data')]);
  const primary = await startPrimary();
  primary.set('key', 'value');
  of.state = { primary: primary.bindAddress, replicas: 2, epoch: 1 };
  await eventually(
    () => server.get('key')?.toString(),
    (value) => value === 'value',
  );
  expect(server).toMatchObject({ lacksData: false, primary: primary.bindAddress });
  expect(await say(client, 'PING')).toBe('+PONG');
});

it('replicas get nothing from a primary without its data', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const of = await sentinel({ primary: listen, epoch: 3 });
  const server = await serve({ listen, bind: ':0', ...asked(of) });
  const replica = await serve({ listen: ':0', replicaOf: server.bindAddress, foreignHistory: 'accept' });
  const lost: string[] = [];
  replica.on('lost', ({ error }) => lost.push(error.message));
  await eventually(
    () => lost.length,
    (count) => count > 1,
  );
  expect(replica.history).toBe('');
  const client = await clientOf(server.listenAddress);
  expect(await say(client, 'CONFIG', 'SET', 'fresh-history', 'yes')).toBe('+OK');
  expect(await say(client, 'PING')).toBe('+PONG');
  await eventually(
    () => replica.history,
    (history) => history === server.history,
  );
});

it('a primary that is new to Sentinels begins, also by the name of its host', async () => {
  const port = await freePort();
  const of = await sentinel({ primary: `localhost:${port}` });
  const server = await serve({ listen: `127.0.0.1:${port}`, ...asked(of) });
  expect(server).toMatchObject({ lacksData: false, primary: undefined });
});

it('a primary is known by what it announces, and with content it lacks nothing', async () => {
  const of = await sentinel({ primary: 'redis.invalid:7000', replicas: 1 });
  const options = { listen: ':0', bind: ':0', announce: 'redis.invalid:7000', ...asked(of) };
  const begun = await serve(options);
  expect(begun.lacksData).toBe(true);
  const fresh = await serve({ ...options, freshHistory: true });
  expect(fresh.lacksData).toBe(false);
});

it('Sentinels that answer later are asked again before the server begins', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const of = await sentinel();
  const beginning = serve({ listen, ...asked(of) });
  await eventually(
    () => of.asked,
    (times) => times > 0,
  );
  of.state = { primary: listen, replicas: 1 };
  expect((await beginning).lacksData).toBe(true);
});

it('the Sentinel counts that knows of the latest failover', async () => {
  const [old, late] = [
    await sentinel({ primary: '10.0.0.1:1' }),
    await sentinel({ primary: '10.0.0.2:2', epoch: 9 }),
  ];
  const gone = `127.0.0.1:${await freePort()}`;
  for (const order of [
    [old, late],
    [late, old],
  ]) {
    const { answer, faults } = await question([...order.map(({ address }) => address), gone]);
    expect(answer).toEqual({ primary: { host: '10.0.0.2', port: 2 }, hasPast: true, epoch: 9 });
    expect(faults.map(({ code }) => code)).toEqual(['PRIMARY_UNREACHABLE']);
  }
});

it('a password is presented, and a wrong one is said to be wrong', async () => {
  const guarded = await sentinel({ primary: '10.0.0.1:1', password: 'sesame' });
  expect((await question([guarded.address], 'sesame')).answer).toBeDefined();
  for (const password of [undefined, 'wrong']) {
    const { answer, faults } = await question([guarded.address], password);
    expect(answer).toBeUndefined();
    expect(faults[0]).toMatchObject({ code: 'PASSWORD_REFUSED', address: guarded.address });
  }
});

const facts = (epoch: unknown, replicas: unknown) =>
  respList('config-epoch', String(epoch), 'num-slaves', String(replicas));

it.each([
  ['that it knows no such name', '*-1\r\n-ERR No such master with that name\r\n', 'SERVER_REFUSED'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'REPLY_MALFORMED'],
  ['a list without end', `*1025\r\n${'$1\r\na\r\n'.repeat(1_025)}`, 'REPLY_MALFORMED'],
  ['a list in a list', '*1\r\n*1\r\n$1\r\na\r\n', 'REPLY_MALFORMED'],
  ['a string of 100 MB', '*2\r\n$104857600\r\n', 'REPLY_MALFORMED'],
  ['one word', respList('10.0.0.1') + facts(0, 0), 'REPLY_MALFORMED'],
  ['a host that would begin another line', respList('a\r\nb', '1') + facts(0, 0), 'REPLY_MALFORMED'],
  ['no host', respList('', '1') + facts(0, 0), 'REPLY_MALFORMED'],
  ['port 0', respList('10.0.0.1', '0') + facts(0, 0), 'REPLY_MALFORMED'],
  ['port 65536', respList('10.0.0.1', '65536') + facts(0, 0), 'REPLY_MALFORMED'],
  ['no epoch', respList('10.0.0.1', '1') + respList('num-slaves', '1'), 'REPLY_MALFORMED'],
  ['an epoch that is no number', respList('10.0.0.1', '1') + facts('1e3', 1), 'REPLY_MALFORMED'],
  ['a negative number of replicas', respList('10.0.0.1', '1') + facts(1, -1), 'REPLY_MALFORMED'],
])('a peer that answers %s is not believed', async (_, raw, code) => {
  const impostor = await sentinel();
  impostor.raw = raw;
  const { answer, faults } = await question([impostor.address]);
  expect(answer).toBeUndefined();
  expect(faults).toMatchObject([{ code }]);
});

it('a peer that answers nothing is waited for no longer than two seconds', async () => {
  const silent = await sentinel();
  silent.raw = '';
  expect((await question([silent.address])).faults).toMatchObject([{ code: 'PEER_SILENT' }]);
});
