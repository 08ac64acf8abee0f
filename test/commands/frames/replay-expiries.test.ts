/**
 * Replays of keys that have expired by now: a key that a later record extended lives, the others are deleted
 * in the end.
 */
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { startPrimary } from '../../support/library.js';
import { describeWith } from '../../support/optional-peers.js';
import { eventually, FastcacheProcess } from '../../support/processes.js';
import { RedisServer, redisCli, redisServer } from '../../support/redis.js';
import { batch, contentOf, dump, key, place, replay, snapshot } from '../../support/replays.js';
import { RespClient } from '../../support/resp-client.js';
import { runCommand } from '../../support/run-command.js';

const past = BigInt(Date.now() - 1_000);

describeWith(redisServer, 'frames replay of what has expired, into a redis-server', () => {
  it('keeps what was to expire before now and was extended later, as its primary has it', async () => {
    const file = place('extended.fcrp');
    const primary = await startPrimary({ listen: ':0', record: file });
    const client = await RespClient.connect(primary.listenAddress!);
    for (const command of [
      ['SET', 'sess:1', 'hello', 'PX', '1500'],
      ['PEXPIRE', 'sess:1', '600000'],
      ['SET', 'sess:2', 'v', 'PX', '1500'],
      ['PERSIST', 'sess:2'],
      ['SET', 'sess:3', 'short', 'PX', '1500'],
      ['PEXPIRE', 'sess:3', '1600'],
      ['PEXPIRE', 'sess:3', '600000'],
      ['SET', 'again', 'old', 'PX', '1500'],
      ['SET', 'again', 'new'],
      ['SET', 'soon', 'v', 'PX', '40000'],
      ['SET', 'plain', 'x'],
    ]) {
      await client.command(...(command as [string, ...string[]]));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_800));
    const content = await contentOf(primary.listenAddress!);
    client.close();
    await primary.close();
    expect(content.size).toBe(6);
    const { port } = await RedisServer.start();
    const { status, stdout } = await replay(`:${port}`, file);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.not.stringContaining('expired') });
    expect(await contentOf(`127.0.0.1:${port}`)).toEqual(content);
  });

  it('deletes the rest in the end, behind a limit too, and leaves it to the run that goes on', async () => {
    const { port } = await RedisServer.start();
    const far = BigInt(Date.now() + 7_200_000);
    const names = Array.from({ length: 40 }, (_, index) => key(`k${index}`));
    const sets = names.map((name, index) =>
      batch({ sequence: BigInt(index + 1), key: name, expireAtMs: past }),
    );
    const extensions = names
      .slice(0, 20)
      .map((name, index) =>
        batch({ sequence: BigInt(index + 41), op: 'expire', key: name, value: key(''), expireAtMs: far }),
      );
    const file = dump('graces.fcrp', ...sets, ...extensions);
    const limited = await replay(`:${port}`, '--state', place('limited.state'), '--limit', '3', file);
    expect(limited.stdout).toContain('3 records, as 3 SET, 3 DEL\n  3 deleted, for they have expired since');
    expect(await redisCli(port, 'DBSIZE')).toBe('0');

    const state = place('graces.state');
    const args = ['frames', 'replay', '--to', `:${port}`, '--state', state, file];
    for (const [signal, keys] of [
      ['SIGINT', 5],
      ['SIGKILL', 20],
    ] as const) {
      const before = existsSync(state) ? readFileSync(state) : Buffer.alloc(0);
      const running = new FastcacheProcess([...args, '--rate', '10']);
      await eventually(
        () => (existsSync(state) ? readFileSync(state) : before),
        (bytes) => !bytes.equals(before),
      );
      await eventually(
        async () => Number(await redisCli(port, 'DBSIZE')),
        (count) => count >= keys,
      );
      await running.kill(signal);
      if (signal === 'SIGINT') {
        const told = JSON.parse(await running.nextLine());
        expect(told).toMatchObject({ commands: { del: 0 }, expired: 0, unsettled: told.records });
      }
    }
    const rest = JSON.parse((await runCommand([...args, '--json'])).stdout);
    expect(rest).toMatchObject({
      resumed: true,
      records: 60,
      expired: 20,
      unsettled: 0,
      commands: { del: 20 },
    });
    const content = await contentOf(`127.0.0.1:${port}`);
    expect([...content.keys()]).toEqual(names.slice(0, 20).map(String).sort());
    expect([...content.values()].every(([, expireAtMs]) => expireAtMs === Number(far))).toBe(true);
    const nothing = JSON.parse((await runCommand([...args, '--json'])).stdout);
    expect(nothing).toMatchObject({ sent: 0, expired: 20, unsettled: 0 });
  });

  it('deletes it without a state when a signal ends it, and at a damage', async () => {
    const { port } = await RedisServer.start();
    const frames = Array.from({ length: 200 }, (_, index) =>
      batch({ sequence: BigInt(index + 1), key: key(`k${index}`), expireAtMs: past }),
    );
    const file = dump('signalled.fcrp', ...frames);
    const running = new FastcacheProcess(['frames', 'replay', '--to', `:${port}`, '--rate', '20', file]);
    await eventually(
      async () => Number(await redisCli(port, 'DBSIZE')),
      (count) => count >= 3,
    );
    expect((await running.kill('SIGINT')).code).toBe(130);
    const told = JSON.parse(await running.nextLine());
    expect(told).toMatchObject({ expired: told.records, unsettled: 0 });
    expect(await redisCli(port, 'DBSIZE')).toBe('0');

    const damaged = dump('cut short.fcrp', frames[0]!, frames[1]!.subarray(0, 30));
    const { status, stdout } = await replay(`:${port}`, damaged);
    expect({ status, stdout }).toEqual({ status: 65, stdout: expect.stringContaining('1 deleted') });
    expect(await redisCli(port, 'DBSIZE')).toBe('0');
    const kept = await replay(`:${port}`, '--state', place('damaged.state'), damaged);
    expect(kept.stdout).toContain('1 key that has expired lives on by a grace, which the resumed replay');
    expect(await redisCli(port, 'DBSIZE')).toBe('1');
  });
});

it('takes a key for settled only when its deletion is answered', async () => {
  let connections = 0;
  let deletions = 0;
  const server = createServer((socket) => {
    connections += 1;
    const isFirst = connections === 1;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const commands = bytes.toString('latin1').match(/(?<=\r\n)(SET|DEL|PING)(?=\r\n)/g) ?? [];
      const dels = commands.filter((name) => name === 'DEL').length;
      if (dels > 0 && isFirst) socket.destroy();
      else socket.write('+OK\r\n'.repeat(commands.length));
      if (!isFirst) deletions += dels;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const records = ['a', 'b', 'c'].map((name) => ({ key: key(name), expireAtMs: past }));
    const args = ['--state', place('settled.state'), '--json', dump('settled.fcrp', batch(...records))];
    const lost = await replay(`:${port}`, ...args);
    expect(lost.status).toBe(69);
    expect(JSON.parse(lost.stdout)).toMatchObject({ records: 3, unsettled: 3 });
    const rest = JSON.parse((await replay(`:${port}`, ...args)).stdout);
    expect(rest).toMatchObject({ records: 3, expired: 3, sent: 3, unsettled: 0 });
    expect(rest.commands).toMatchObject({ set: 3, del: 3 });
    const nothing = JSON.parse((await replay(`:${port}`, ...args)).stdout);
    expect([nothing.sent, deletions]).toEqual([0, 3]);
  } finally {
    server.close();
  }
});

it('leaves to the server what expired keys there are beyond those that it notes', async () => {
  const target = await startPrimary({ listen: ':0' });
  const entries = Array.from({ length: 100_002 }, (_, index) => ({
    key: key(`${index}`),
    value: key(''),
    expireAtMs: past,
  }));
  const file = dump('many.fcrp', snapshot(...entries));
  const { status, stdout } = await replay(target.listenAddress!, '--state', place('many.state'), file);
  expect(status).toBe(0);
  expect(stdout).toContain('100,000 deleted, for they have expired since\n  2 more were given a grace');
  const content = await contentOf(target.listenAddress!);
  expect([...content.keys()]).toEqual(['100000', '100001']);
  const leftMs = content.get('100001')![1] - Date.now();
  expect(leftMs).toBeGreaterThan(3_000_000);
  expect(leftMs).toBeLessThanOrEqual(3_600_000);
});
