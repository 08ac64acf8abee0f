/** The port of clients serves replicas, too, and tells them apart by what a connection sends first. */
import { expect, it } from 'vitest';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FRAME_HEADER_BYTES } from '../../src/limits.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, infoOf, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';

const PASSWORD = 'a password of some length';
const hello = (token?: string) =>
  encodeHelloFrame(
    { role: 'replica', token, watermarks: new BigUint64Array(0) },
    { margin: new Map([['node', '0123456789abcdef']]) },
  );

/** A primary with a port for clients, what it logs, and a client. */
async function open(options: Parameters<typeof startPrimary>[0] = {}) {
  const primary = await startPrimary({ listen: ':0', ...options });
  const warnings: string[] = [];
  primary.on('log', ({ message }) => warnings.push(message));
  const client = await clientOf(primary.listenAddress);
  return { primary, warnings, client, port: primary.listenAddress! };
}

/** Returns the server's answer before it closes. */
async function answerTo(address: string, ...pieces: (Buffer | string)[]): Promise<Buffer> {
  const peer = await RespClient.connect(address);
  for (const piece of pieces) {
    peer.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return peer.untilClosed();
}

it('a replica that follows it has everything, acknowledges, and is no client', async () => {
  const { primary, client, port } = await open();
  // More than a socket takes at once, so that the snapshot meets a full connection.
  for (let index = 0; index < 200; index += 1) primary.set(`key:${index}`, Buffer.alloc(50_000, index));
  const replica = await follow(port, { listen: ':0' });
  await isCaughtUp({ primary, replica });
  expect(replica.get('key:199')).toEqual(Buffer.alloc(50_000, 199));
  await client.command('SET', 'late', 'value');
  expect(await client.command('WAIT', '1', '20000')).toBe(1);
  expect(replica.get('late')?.toString()).toBe('value');
  expect(Object.fromEntries(await infoOf(await clientOf(replica.listenAddress)))).toMatchObject({
    master_host: '127.0.0.1',
    master_port: port.split(':')[1],
    master_link_status: 'up',
  });
  expect((await infoOf(client)).get('connected_slaves')).toBe('1');
  expect(String(await client.command('INFO', 'clients'))).toContain('connected_clients:1\r\n');
  expect(
    String(await client.command('CLIENT', 'LIST'))
      .trim()
      .split('\n'),
  ).toHaveLength(1);
});

it('a replica on it gets all that was written before the primary has closed', async () => {
  const { primary, port } = await open();
  const replica = await follow(port);
  await isCaughtUp({ primary, replica });
  await eventually(
    () => primary.replicas().map(({ state }) => state),
    ([state]) => state === 'live',
  );
  for (let index = 0; index < 100; index += 1) primary.set(`key:${index}`, Buffer.alloc(500_000, index));
  await primary.close();
  expect(primary.replicas().filter(({ state }) => state !== 'gone')).toEqual([]);
  await eventually(
    () => replica.keyCount(),
    (count) => count === 100,
  );
});

it('a replica with that port alone is a relay, and keeps its replica when it is promoted', async () => {
  const { primary, port } = await open();
  primary.set('key', 'value');
  const relay = await follow(port, { listen: ':0' });
  const leaf = await follow(relay.listenAddress!);
  await isCaughtUp({ primary, replica: leaf });
  await primary.close();
  let snapshots = 0;
  leaf.on('snapshot', () => {
    snapshots += 1;
  });
  relay.promote();
  const client = await clientOf(relay.listenAddress);
  await client.command('SET', 'after', 'value');
  expect(await client.command('WAIT', '1', '20000')).toBe(1);
  expect(leaf.get('after')?.toString()).toBe('value');
  expect(snapshots).toBe(0);
});

it('REPLICAOF takes it, and a probe asks it', async () => {
  const { primary, port } = await open();
  primary.set('key', 'value');
  const other = await open();
  const [host, number] = port.split(':') as [string, string];
  expect(await other.client.command('REPLICAOF', host, number)).toBe('+OK');
  await eventually(
    () => other.client.command('GET', 'key'),
    (value) => String(value) === 'value',
  );
  const { stdout } = await runCommand(['watermarks', port, other.port, '--json']);
  expect(JSON.parse(stdout).endpoints).toMatchObject([
    { role: 'primary', replicas: [{ state: 'live' }] },
    { role: 'replica', link: { primary: port, state: 'live' } },
  ]);
});

it('a Hello in single bytes is a replica’s, a command in single bytes a client’s', async () => {
  const { port } = await open({ token: PASSWORD });
  const bytes = [...hello('not that one')].map((byte) => Buffer.of(byte));
  expect((await answerTo(port, ...bytes)).subarray(FRAME_HEADER_BYTES).toString()).toContain(
    'invalid auth token',
  );
  for (const [command, reply] of [
    ['FCRX\r\nQUIT\r\n', "-ERR unknown command 'FCRX', with args beginning with: \r\n+OK\r\n"],
    ['FCR\r\nQUIT\r\n', "-ERR unknown command 'FCR', with args beginning with: \r\n+OK\r\n"],
    ['F\r\nQUIT\r\n', "-ERR unknown command 'F', with args beginning with: \r\n+OK\r\n"],
    ['fcrp\r\nQUIT\r\n', "-ERR unknown command 'fcrp', with args beginning with: \r\n+OK\r\n"],
  ] as const) {
    expect((await answerTo(port, ...command)).toString()).toBe(reply);
  }
});

it('the beginning of the magic and no more is closed in time; silence is a client’s right', async () => {
  const { warnings, port, client } = await open();
  const silent = await clientOf(port);
  expect((await answerTo(port, 'FC', 'R')).length).toBe(0);
  expect(warnings.filter((line) => line.includes('beginning of an FCRP frame'))).toHaveLength(1);
  expect(String(await client.command('INFO', 'clients'))).toContain('connected_clients:2\r\n');
  expect(await silent.command('PING')).toBe('+PONG');
});

it('what is no frame behind the magic ends that connection alone', async () => {
  const { warnings, port, client } = await open();
  expect((await answerTo(port, 'FCRP', '\r\nPING\r\n')).length).toBeLessThan(64);
  expect((await answerTo(port, `FCRP${'x'.repeat(100_000)}`)).length).toBeLessThan(64);
  expect((await answerTo(port, 'FCRP')).length).toBe(0);
  expect(await client.command('PING')).toBe('+PONG');
  expect(warnings.some((line) => line.includes('sent no Hello in time'))).toBe(true);
});

it('a client on the port of replicas is given the port to use, and closed, with a line in the log', async () => {
  const { primary, warnings } = await open();
  expect(String(await answerTo(primary.bindAddress, 'PING\r\n'))).toMatch(
    /^-ERR This is a port for replicas/,
  );
  expect(warnings.join('\n')).toContain('speaks the Redis protocol, and this is the port for replicas');
});

it('without a token a replica presents the password there, as it is now', async () => {
  const { primary, warnings, port, client } = await open({ password: PASSWORD });
  primary.set('key', 'value');
  const refused = (await answerTo(port, hello())).subarray(FRAME_HEADER_BYTES).toString();
  expect(refused).toContain('invalid auth token');
  const [byToken, byPassword] = [
    await follow(port, { token: PASSWORD }),
    await follow(port, { password: PASSWORD, listen: ':0' }),
  ];
  await isCaughtUp({ primary, replica: byToken });
  await isCaughtUp({ primary, replica: byPassword });
  await client.command('AUTH', PASSWORD);
  await client.command('CONFIG', 'SET', 'requirepass', `${PASSWORD}, changed`);
  expect((await answerTo(port, hello(PASSWORD))).toString()).toContain('invalid auth token');
  expect(warnings.filter((line) => line.includes('is refused: invalid auth token'))).toHaveLength(2);
  // The port of replicas asks for a token only.
  await isCaughtUp({ primary, replica: await follow(primary.bindAddress) });
});

it('maxclients refuses clients and lets replicas in', async () => {
  const { primary, client, port } = await open();
  expect(await client.command('CONFIG', 'SET', 'maxclients', '1')).toBe('+OK');
  const replica = await follow(port);
  primary.set('key', 'value');
  await isCaughtUp({ primary, replica });
  expect((await answerTo(port, 'PING\r\n')).toString()).toBe('-ERR max number of clients reached\r\n');
  expect((await answerTo(port, 'FC')).toString()).toBe('-ERR max number of clients reached\r\n');
  // Those that say nothing are bounded in number, so the first of them goes before its deadline.
  const silent = await Promise.all(Array.from({ length: 300 }, () => RespClient.connect(port)));
  await Promise.all(silent.map((one) => one.untilClosed()));
  expect(String(await client.command('INFO', 'stats'))).toContain('rejected_connections:302\r\n');
  primary.set('key', 'later');
  await isCaughtUp({ primary, replica });
});
