/**
 * Acts of another client between two steps of one client: limits, roles and time that change during a
 * transaction.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemRandom, type Timers } from '../../src/clock.js';
import { Replica } from '../../src/index.js';
import type { ReplicationHost } from '../../src/resp/command-host.js';
import { NOT_DURABLE } from '../../src/resp/durability.js';
import { RespServer } from '../../src/resp/server.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { newEngine, StandingClock } from '../support/engines.js';
import { closedBehind, connect, say, start } from '../support/open-front.js';
import { eventually } from '../support/processes.js';
import type { RespClient } from '../support/resp-client.js';
import { newSettings } from '../support/settings.js';

const OOM =
  "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.";

async function two(options: object = {}) {
  const { primary } = await start(options);
  const [one, other] = [await connect(primary), await connect(primary)];
  return { primary, one, other };
}

async function queued(client: RespClient, ...commands: string[][]): Promise<void> {
  expect(await say(client, 'MULTI')).toBe('+OK');
  for (const command of commands) expect(await say(client, ...command)).toBe('+QUEUED');
}

async function runs(client: RespClient, key: string): Promise<string> {
  await queued(client, ['GET', key]);
  return say(client, 'EXEC');
}

describe('a transaction', () => {
  it('that memory has run out for is refused, and the next one forgets what was watched', async () => {
    const { one, other } = await two();
    await say(other, 'SET', 'a', '1');
    await say(one, 'WATCH', 'a');
    await queued(one, ['SET', 'b', '1']);
    expect(await say(other, 'CONFIG', 'SET', 'maxmemory', '1')).toBe('+OK');
    expect(await say(one, 'EXEC')).toBe(OOM);
    expect(await say(other, 'CONFIG', 'SET', 'maxmemory', '0')).toBe('+OK');
    await say(other, 'SET', 'a', '2');
    expect(await runs(one, 'a')).toBe('2');
    expect(await say(one, 'GET', 'b')).toBe('null');
  });

  it('that could not be queued for lack of memory is refused, and the next one runs', async () => {
    const { one, other } = await two();
    await say(other, 'SET', 'a', '1');
    await say(one, 'WATCH', 'a');
    await queued(one, ['GET', 'a']);
    await say(other, 'CONFIG', 'SET', 'maxmemory', '1');
    expect(await say(one, 'GET', 'a')).toMatch(/^-OOM/);
    await say(other, 'CONFIG', 'SET', 'maxmemory', '0');
    await say(other, 'SET', 'a', '2');
    expect(await say(one, 'EXEC')).toMatch(/^-EXECABORT/);
    await say(other, 'SET', 'a', '3');
    expect(await runs(one, 'a')).toBe('3');
  });

  it('of reads runs although memory ran out when it had been queued', async () => {
    const { one, other } = await two();
    await say(other, 'SET', 'a', '1');
    await queued(one, ['GET', 'a']);
    await say(other, 'CONFIG', 'SET', 'maxmemory', '1');
    expect(await say(one, 'EXEC')).toBe('1');
  });

  it('that needs replicas by the time of EXEC is refused whole, and the next one forgets what was watched', async () => {
    const { one, other } = await two();
    await say(one, 'WATCH', 'a');
    await queued(one, ['SET', 'b', '1']);
    await say(other, 'CONFIG', 'SET', 'min-replicas-to-write', '1');
    expect(await say(one, 'EXEC')).toBe(
      '-EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.',
    );
    await say(other, 'CONFIG', 'SET', 'min-replicas-to-write', '0');
    await say(other, 'SET', 'a', '2');
    expect(await runs(one, 'a')).toBe('2');
    expect(await say(one, 'EXISTS', 'b')).toBe('0');
  });

  it('closes its client when it outgrows the query buffer that another has made smaller', async () => {
    const { one, other } = await two();
    await queued(one, ['SET', 'a', 'x'.repeat(1024 * 1024)]);
    await say(other, 'CONFIG', 'SET', 'client-query-buffer-limit', '1mb');
    one.write('PING\r\n');
    expect((await one.untilClosed()).toString()).toBe('');
    expect(await say(other, 'EXISTS', 'a')).toBe('0');
  });

  it('goes on when another sets a password: its client has come in before', async () => {
    const { one, other } = await two();
    await queued(one, ['SET', 'a', '1']);
    expect(await say(other, 'CONFIG', 'SET', 'requirepass', 'sesame')).toBe('+OK');
    expect(await say(one, 'EXEC')).toBe('+OK');
  });
});

it('what one client may not write for lack of memory it may once another lets keys be evicted', async () => {
  const { primary, one, other } = await two({ maxMemoryBytes: 2 ** 20 });
  const value = 'x'.repeat(5_000);
  let answer = '+OK';
  for (let index = 0; answer === '+OK'; index += 1) answer = await say(one, 'SET', `key:${index}`, value);
  expect(answer).toMatch(/^-OOM/);
  expect(await say(other, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')).toBe('+OK');
  for (let index = 0; index < 10; index += 1) expect(await say(one, 'SET', 'more', value)).toBe('+OK');
  expect(primary.get('more')?.toString()).toBe(value);
});

describe('a transaction on a node that changes its role', () => {
  async function promotedPair() {
    const { primary } = await start();
    const node = closedBehind(await Replica.follow(primary.bindAddress, { listen: ':0', bind: ':0' }));
    await isCaughtUp({ primary, replica: node });
    return { primary, node, one: await connect(node), other: await connect(node) };
  }

  it('is refused whole when it has writes and the node follows by now', async () => {
    const { primary, node, one, other } = await promotedPair();
    expect(await say(other, 'REPLICAOF', 'NO', 'ONE')).toBe('+OK');
    await say(other, 'SET', 'a', '1');
    await say(one, 'WATCH', 'a');
    await queued(one, ['SET', 'b', '1']);
    const [host, port] = primary.bindAddress.split(':');
    expect(await say(other, 'REPLICAOF', host!, port!)).toBe('+OK');
    expect(await say(one, 'EXEC')).toBe(
      "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.",
    );
    primary.set('a', '2');
    await eventually(
      () => node.get('a')?.toString(),
      (value) => value === '2',
    );
    expect(await runs(one, 'a')).toBe('2');
    expect(node.get('b')).toBeUndefined();
    expect(primary.get('b')).toBeUndefined();
  });

  it('of reads runs, and sees what was written in between', async () => {
    const { one, other } = await promotedPair();
    await queued(one, ['GET', 'a']);
    expect(await say(other, 'REPLICAOF', 'NO', 'ONE')).toBe('+OK');
    await say(other, 'SET', 'a', '1');
    expect(await say(one, 'EXEC')).toBe('1');
  });

  it('has its watched keys forgotten after a command that only a primary takes', async () => {
    const { one, other } = await promotedPair();
    await say(one, 'WATCH', 'a');
    expect(await say(one, 'MULTI')).toBe('+OK');
    expect(await say(one, 'SET', 'a', '1')).toMatch(/^-READONLY/);
    await say(other, 'REPLICAOF', 'NO', 'ONE');
    expect(await say(one, 'EXEC')).toMatch(/^-EXECABORT/);
    await say(other, 'SET', 'a', '2');
    expect(await runs(one, 'a')).toBe('2');
  });
});

describe('what a pause has held back', () => {
  /** One client waits; the key that it asks for expires meanwhile. */
  async function heldBack(scope: 'ALL' | 'WRITE', ...commands: string[][]): Promise<string[]> {
    const { primary, one, other } = await two();
    await say(other, 'SET', 'k', 'v', 'PX', '400');
    // One of all clients holds back UNPAUSE too.
    await say(other, 'CLIENT', 'PAUSE', scope === 'ALL' ? '1200' : '60000', scope);
    const waiting = one.pipeline(commands);
    await eventually(
      () => primary.get('k'),
      (value) => value === undefined,
    );
    if (scope === 'WRITE') expect(await say(other, 'CLIENT', 'UNPAUSE')).toBe('+OK');
    return (await waiting).map(String);
  }

  it('reads by the time at which it runs: what has expired is not there', async () => {
    expect(await heldBack('ALL', ['GET', 'k'])).toEqual(['null']);
    expect(await heldBack('ALL', ['EXISTS', 'k'], ['TTL', 'k'])).toEqual(['0', '-2']);
    expect(await heldBack('ALL', ['GETRANGE', 'k', '0', '-1'], ['GET', 'k'])).toEqual(['', 'null']);
  });

  it('writes by the time at which it runs', async () => {
    expect(await heldBack('WRITE', ['SET', 'k', 'again', 'NX'], ['GET', 'k'])).toEqual(['+OK', 'again']);
    expect(await heldBack('WRITE', ['APPEND', 'k', 'x'], ['GET', 'k'])).toEqual(['1', 'x']);
    expect(await heldBack('WRITE', ['PEXPIRE', 'k', '60000'], ['EXISTS', 'k'])).toEqual(['0', '0']);
  });

  it('runs a transaction by the time of its EXEC', async () => {
    const replies = await heldBack('WRITE', ['MULTI'], ['GET', 'k'], ['SET', 'k', '1', 'NX'], ['EXEC']);
    expect(replies).toEqual(['+OK', '+QUEUED', '+QUEUED', ',+OK']);
  });

  // A primary looks at the time when it makes room as well; a replica makes none.
  it.each([false, true])(
    'reads the clock again when the pause ends by itself; on a replica: %s',
    async (isReplica) => {
      const clock = new StandingClock();
      const engine = newEngine({ clock });
      engine.set(Buffer.from('k'), Buffer.from('v'), BigInt(clock.ms + 400));
      engine.setReplica(isReplica);
      const due: { atMs: number; run: () => void }[] = [];
      const timers: Timers = {
        after(delayMs, run) {
          const timer = { atMs: clock.ms + delayMs, run };
          due.push(timer);
          return { cancel: () => due.splice(due.indexOf(timer), 1) };
        },
        endOfTurn: (run) => setImmediate(run),
      };
      const server = new RespServer({
        address: { host: '127.0.0.1', port: 0 },
        clock,
        timers,
        random: systemRandom,
        log: { info() {}, warn() {}, error() {} },
        engine: () => engine,
        settings: newSettings(),
        replication: { isReplica } as ReplicationHost,
        situation: { isLoading: false, isStale: false, lacksReplicas: false, isReadOnly: false },
        publish() {},
        info: () => '',
        shutdown() {},
        acceptReplica() {},
        answersUntilUs: () => Infinity,
        durability: NOT_DURABLE,
      });
      closedBehind(server);
      await server.listen();
      const listenAddress = server.ports.address;
      const [one, other] = [await connect({ listenAddress }), await connect({ listenAddress })];
      await say(other, 'CLIENT', 'PAUSE', '1000', 'ALL');
      const waiting = one.pipeline([['GET', 'k']]);
      while (!server.clients.some(({ isBlocked }) => isBlocked)) await turn();
      clock.pass(1_000);
      for (const { atMs, run } of due.splice(0)) {
        if (atMs === clock.ms) run();
      }
      expect((await waiting).map(String)).toEqual(['null']);
    },
  );
});
