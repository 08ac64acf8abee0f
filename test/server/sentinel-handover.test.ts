/** A handover as the primary's Sentinels and clients meet it. */
import { expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import type { FailoverPeer } from '../../src/replication/primary/failover-peer.js';
import { type HandoverNode, SentinelHandover } from '../../src/server/sentinel-handover.js';
import type { Address } from '../../src/transport/connection.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { closedBehind, connect, say, start } from '../support/open-front.js';
import { eventually } from '../support/processes.js';

const CHANNEL = '__sentinel__:hello';
const sentinel = (digit: string) => `127.0.0.1,26379,${digit.repeat(40)}`;

async function startPair() {
  const { primary } = await start();
  const replica = closedBehind(await Replica.follow(primary.bindAddress, { listen: ':0' }));
  await isCaughtUp({ primary, replica });
  return { primary, replica };
}

const placeOf = (address: string | undefined) => address!.replace(':', ',');

it('Sentinels hear from a primary that hands over who its heir is, other replicas follow it, and clients are closed', async () => {
  const { primary, replica } = await startPair();
  const other = closedBehind(await Replica.follow(primary.bindAddress, { listen: ':0' }));
  await isCaughtUp({ primary, replica: other });
  const [ear, mouth] = [await connect(primary), await connect(primary)];
  await say(ear, 'CLIENT', 'SETNAME', 'sentinel-00000000-pubsub');
  await say(mouth, 'CLIENT', 'SETNAME', 'sentinel-00000000-cmd');
  const here = placeOf(primary.listenAddress);
  const hello = (digit: string, epochs: [number, number], at = here) =>
    say(mouth, 'PUBLISH', CHANNEL, `${sentinel(digit)},${epochs[0]},main,${at},${epochs[1]}`);
  await hello('1', [6, 4]);
  await hello('2', [7, 5]);
  // It follows the failover of another primary.
  await hello('3', [99, 99], '127.0.0.1,1');
  await say(ear, 'SUBSCRIBE', CHANNEL);
  const [operator, client, subscriber] = [
    await connect(primary),
    await connect(primary),
    await connect(primary),
  ];
  await say(subscriber, 'SUBSCRIBE', 'news');

  const [host, port] = replica.listenAddress!.split(':') as [string, string];
  expect(await say(operator, 'FAILOVER', 'TO', host, port, 'TIMEOUT', '20000')).toBe('+OK');
  const heard = [String(await ear.reply()), String(await ear.reply())];
  const heir = placeOf(replica.listenAddress);
  expect(heard).toEqual([
    `message,${CHANNEL},${sentinel('1')},8,main,${heir},8`,
    `message,${CHANNEL},${sentinel('2')},8,main,${heir},8`,
  ]);
  await Promise.all([client, subscriber].map((closed) => closed.untilClosed()));
  await eventually(
    () => say(operator, 'ROLE'),
    (role) => role.startsWith('slave'),
  );
  expect(await say(mouth, 'PING')).toBe('+PONG');
  // One that has come back before the Sentinels named the heir is closed when they do.
  const early = await connect(primary);
  expect(await say(early, 'SET', 'key', 'value')).toMatch(/^-READONLY/);
  await hello('1', [8, 8], heir);
  await early.untilClosed();
  const late = await connect(primary);
  await hello('2', [8, 8], heir);
  expect(await say(late, 'PING')).toBe('+PONG');
  await eventually(
    () => other.primary,
    (address) => address === replica.listenAddress,
  );
  expect([ear, mouth].map(({ socket }) => socket.destroyed)).toEqual([false, false]);
});

it('clients of a primary without Sentinels stay, with a READONLY', async () => {
  const { primary } = await startPair();
  const [operator, client] = [await connect(primary), await connect(primary)];
  await say(operator, 'PUBLISH', CHANNEL, 'something else');
  await say(operator, 'FAILOVER');
  await eventually(
    () => say(client, 'SET', 'key', 'value'),
    (reply) => reply.startsWith('-READONLY'),
  );
});

const HEIR = { announced: '[::1]:7002', takesOverAt: { host: '::1', port: 7002 } } as FailoverPeer;

/** A Sentinel handover that is given messages, and the messages that it sends. */
function listening() {
  let nowMs = 0;
  const sent: string[] = [];
  const node = {
    config: { listen: undefined, listenTls: undefined },
    seams: { clock: { nowMs: () => nowMs }, ownAddresses: () => ['127.0.0.1'] },
    events: { log: { info() {} } },
    settings: { announcedHost: '', announcedPort: 0 },
    clientPort: 7001,
    listener: undefined,
    server: {
      clients: [],
      deliver: ({ payload }: { payload: Buffer }) => sent.push(`${payload}`),
      kill() {},
    },
    primary: undefined as Address | undefined,
  };
  const handover = new SentinelHandover(node as unknown as HandoverNode);
  const hears = (payload: string) =>
    handover.heard({ channel: Buffer.from(CHANNEL), payload: Buffer.from(payload), isSharded: false });
  return {
    hears,
    waits: (ms: number) => (nowMs += ms),
    handOver: () => handover.handOver(HEIR, undefined),
    sent,
    node,
  };
}

it('a Sentinel that has found the primary only behind the failover hears of it then, until the node leads again', () => {
  const { hears, handOver, sent, node } = listening();
  handOver();
  node.primary = HEIR.takesOverAt;
  hears(`${sentinel('1')},3,main,127.0.0.1,1,3`);
  expect(sent).toEqual([]);
  hears(`${sentinel('1')},3,main,127.0.0.1,7001,3`);
  hears(`${sentinel('2')},3,main,127.0.0.1,7001,3`);
  const heard = (digit: string) => `${sentinel(digit)},4,main,::1,7002,4`;
  expect(sent).toEqual([heard('1'), heard('1'), heard('2')]);
  node.primary = undefined;
  hears(`${sentinel('2')},5,main,127.0.0.1,7001,5`);
  node.primary = HEIR.takesOverAt;
  hears(`${sentinel('2')},5,main,127.0.0.1,7001,5`);
  expect(sent).toHaveLength(3);
});

it('a Sentinel that has not been heard for three of its periods is not revived', () => {
  const { hears, waits, handOver, sent } = listening();
  hears(`${sentinel('1')},1,main,127.0.0.1,7001,1`);
  waits(4_000);
  hears(`${sentinel('2')},1,main,127.0.0.1,7001,1`);
  waits(2_001);
  handOver();
  expect(sent).toEqual([`${sentinel('2')},2,main,::1,7002,2`]);
});

it('the last message of each of 32 Sentinels is kept, and what Sentinels do not write is none', () => {
  const { hears, handOver, sent } = listening();
  const good = `${sentinel('a')},1,main,127.0.0.1,7001,1`;
  for (const bad of [
    good.replace('main', 'main\n'),
    good.replace('main', `m${'a'.repeat(1_024)}`),
    good.replace(',1,main', ',1e9,main'),
    good.replace(',1,main', ',9999999999999999,main'),
    good.replace('aaaa', 'AAAA'),
    good.replace('7001', '70010'),
    `${good},1`,
  ]) {
    hears(bad);
  }
  handOver();
  expect(sent).toEqual([]);
  for (let port = 1; port <= 40; port += 1) hears(good.replace('26379', `${port}`));
  for (let port = 40; port > 8; port -= 1) hears(good.replace('26379', `${port}`));
  handOver();
  expect(sent.map((text) => Number(text.split(',')[1]))).toEqual(
    Array.from({ length: 32 }, (_, index) => 40 - index),
  );
});
