/** Replays into servers that are there: a redis-server as the oracle, and a primary of ours. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sealState } from '../../../src/files/sealed-state.js';
import { encodeBatch } from '../../../src/frame/batch.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { DumpBuilder } from '../../support/dump-builder.js';
import { follow, startPrimary } from '../../support/library.js';
import { describeWith } from '../../support/optional-peers.js';
import { eventually, FastcacheProcess, freePort } from '../../support/processes.js';
import { RedisServer, redisCli, redisServer } from '../../support/redis.js';
import { batch, contentOf, dump, key, place, replay, snapshot } from '../../support/replays.js';
import { RespClient } from '../../support/resp-client.js';
import { runCommand } from '../../support/run-command.js';
import { Workload } from '../../support/workload.js';

interface Recorded {
  /** The dump of the primary, and that of a replica that came late: a snapshot and the records behind it. */
  dumps: string[];
  content: Map<string, [string, number]>;
}

/** Returns the content of a primary of ours after a workload, and the dumps of it. */
async function record(name: string): Promise<Recorded> {
  const dumps = [place(`${name}-primary.fcrp`), place(`${name}-replica.fcrp`)];
  const primary = await startPrimary({ listen: ':0', record: dumps[0]!, compression: 'zstd' });
  const client = await RespClient.connect(primary.listenAddress!);
  const workload = new Workload({ keys: 500, valueBytes: 60, seed: 6 });
  await workload.write(client, 4_000);
  const replica = await follow(primary.bindAddress, { record: dumps[1]! });
  await eventually(
    () => replica.keyCount(),
    (count) => count > 0,
  );
  await workload.write(client, 2_000);
  await client.command('SET', 'kept', 'with a limit', 'PX', '7200000');
  await client.command('SET', 'persisted', 'v', 'PX', '7200000');
  await client.command('PERSIST', 'persisted');
  await client.command('SET', 'binary\u0000\r\n', Buffer.from([0, 13, 10, 255]));
  await client.command('DEL', 'key:1');
  // Keys that expire soon have expired, and their deletions are in the dumps.
  await eventually(
    async () => (await client.command('DBSIZE')) as number,
    (count) => count === workload.expected.size + 3 - Number(workload.expected.has('key:1')),
  );
  await eventually(
    () => replica.get('binary\u0000\r\n'),
    (value) => value !== undefined,
  );
  const content = await contentOf(primary.listenAddress!);
  client.close();
  await replica.close();
  await primary.close();
  return { dumps, content };
}

describeWith(redisServer, 'frames replay into a redis-server', () => {
  it('gives the same keys, values and times to live, from what a primary and a replica recorded', async () => {
    const { dumps, content } = await record('redis');
    expect(content.size).toBeGreaterThan(200);
    for (const file of dumps) {
      const { port } = await RedisServer.start();
      const { status, stdout, stderr } = await replay(`127.0.0.1:${port}`, file);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain('DEL');
      expect(await contentOf(`127.0.0.1:${port}`)).toEqual(content);
    }
  });

  it('deletes what has expired since, sets and lifts expiries, does nothing twice', async () => {
    const { port } = await RedisServer.start();
    const far = BigInt(Date.now() + 7_200_000);
    const past = BigInt(Date.now() - 1_000);
    const records = [
      { key: key('gone'), value: key('v'), expireAtMs: past },
      { key: key('gone too'), value: key('v') },
      { key: key('gone too'), value: key(''), op: 'expire' as const, expireAtMs: past },
      { key: key('kept'), value: key('1'), expireAtMs: far },
      { key: key('kept'), value: key(''), op: 'expire' as const },
      { key: key('kept'), value: key('2'), expireAtMs: far },
    ];
    await redisCli(port, 'SET', 'gone', 'before');
    const twice = dump('twice.fcrp', batch(...records), batch(...records.slice(0, 4)));
    const { status, stdout } = await replay(`:${port}`, '--json', twice);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      to: `127.0.0.1:${port}`,
      records: 6,
      entries: 0,
      commands: { set: 4, del: 2, pexpireat: 1, persist: 1 },
      expired: 2,
      skipped: 4,
      refused: 0,
      replacements: 0,
      lastReplacement: null,
      sent: 8,
      answered: 8,
      resumed: false,
      unsettled: 0,
      unnoted: 0,
      refusals: [],
      interrupted: null,
      error: null,
    });
    expect(await contentOf(`127.0.0.1:${port}`)).toEqual(new Map([['kept', ['2', Number(far)]]]));
  });

  it('presents the password that it is given, and exits 77 when it is refused or wanted', async () => {
    const { port } = await RedisServer.start('--requirepass', 'secret');
    const file = dump('one.fcrp', batch({ key: key('k') }));
    const wanted = await replay(`:${port}`, file);
    expect([wanted.status, wanted.stderr]).toEqual([77, expect.stringContaining('wants a password: NOAUTH')]);
    const withPassword = (FASTCACHE_PASSWORD: string) =>
      runCommand(['frames', 'replay', '--to', `:${port}`, file], { env: { FASTCACHE_PASSWORD } });
    const wrong = await withPassword('guess');
    expect([wrong.status, wrong.stderr]).toEqual([77, expect.stringContaining('WRONGPASS')]);
    expect((await withPassword('secret')).status).toBe(0);
    writeFileSync(place('password'), 'secret\n', { mode: 0o600 });
    expect((await replay(`:${port}`, '--password-file', place('password'), file)).status).toBe(0);
  });

  it('counts and names what the server refuses, and gives up on one that takes no writes', async () => {
    const { port } = await RedisServer.start();
    await redisCli(port, 'ACL', 'SETUSER', 'default', '-del');
    const del = { key: key('k'), value: key(''), op: 'del' as const };
    const file = dump('refused.fcrp', batch({ key: key('k') }, del, { key: key('l') }, del));
    const { status, stdout } = await replay(`:${port}`, file);
    expect(status).toBe(1);
    const second = 16 + 4 + (53 + 2);
    expect(stdout).toContain(`2 refused: NOPERM`);
    expect(stdout).toContain(`(first: byte ${second} of ${file})`);
    expect(await redisCli(port, 'DBSIZE')).toBe('2');

    const replica = await RedisServer.start('--replicaof', '127.0.0.1', `${await freePort()}`);
    const readOnly = await replay(`:${replica.port}`, file);
    expect([readOnly.status, readOnly.stderr]).toEqual([1, expect.stringContaining('takes no writes')]);
  });

  it('goes on after a signal, and after being killed, where the server had answered', async () => {
    const { port } = await RedisServer.start();
    // Each key is written again and again: only the right order, to the end, gives the right values.
    const build = new DumpBuilder(1);
    const template = Array.from({ length: 97 }, () => build.record(0));
    let sequence = 0n;
    const frames = Array.from({ length: 120 }, () =>
      build.frame(
        FrameKind.MutationBatch,
        encodeBatch(
          Array.from({ length: 500 }, () => {
            sequence += 1n;
            return { ...template[Number(sequence % 97n)]!, sequence, value: key(`${sequence}`) };
          }),
        ),
      ),
    );
    const total = Number(sequence);
    const file = dump('long.fcrp', ...frames);
    const state = place('long.state');
    const args = ['frames', 'replay', '--to', `:${port}`, '--state', state, file];

    const interrupted = new FastcacheProcess([...args, '--rate', '10000']);
    await eventually(
      () => existsSync(state) && readFileSync(state).length > 0,
      (there) => there,
    );
    expect((await interrupted.kill('SIGINT')).code).toBe(130);
    const first = JSON.parse(await interrupted.nextLine().catch(() => '{}'));
    expect(first).toMatchObject({ resumed: false, interrupted: { file } });
    expect(first.sent).toBe(first.answered);

    const killed = new FastcacheProcess([...args, '--rate', '10000']);
    const before = readFileSync(state);
    await eventually(
      () => readFileSync(state),
      (bytes) => !bytes.equals(before),
    );
    await killed.kill('SIGKILL');
    // Values that are there and were not reported are written once more.
    await redisCli(port, 'SET', 'other', 'untouched');

    const rest = await runCommand([...args, '--json']);
    expect(rest.status).toBe(0);
    const last = JSON.parse(rest.stdout);
    expect(last).toMatchObject({ records: total, resumed: true, refused: 0, commands: { set: total } });
    expect(last.sent).toBeGreaterThan(0);
    expect(last.sent).toBeLessThan(total - first.sent);
    const content = await contentOf(`127.0.0.1:${port}`);
    const expected = new Map<string, [string, number]>([['other', ['untouched', -1]]]);
    for (let at = sequence - 96n; at <= sequence; at++) {
      expected.set(String(template[Number(at % 97n)]!.key), [`${at}`, -1]);
    }
    expect(content).toEqual(new Map([...expected].sort(([one], [other]) => (one < other ? -1 : 1))));

    const nothing = JSON.parse((await runCommand([...args, '--json'])).stdout);
    expect(nothing).toMatchObject({ records: total, sent: 0, resumed: true });
    const olderState = sealState({ format: 'fastcache-replay/1', to: `127.0.0.1:${port}`, fileIndex: 0 });
    const others = [
      ['--to', ':1', '--state', state, file],
      ['--to', `:${port}`, '--state', state, '--op', 'set', file],
      ['--to', `:${port}`, '--state', state, dump('another.fcrp', batch({ key: key('k') }))],
      ['--to', `:${port}`, '--state', file, file],
      ['--to', `:${port}`, '--state', dump('older.state', olderState), file],
    ];
    for (const other of others) {
      const { status, stderr } = await runCommand(['frames', 'replay', ...other]);
      expect([status, stderr]).toEqual([2, expect.stringContaining('This is the state of')]);
    }
  });

  it('exits 69 when the server is lost', async () => {
    const server = await RedisServer.start();
    const file = dump(
      'slow.fcrp',
      ...Array.from({ length: 3 }, (_, at) => batch({ sequence: BigInt(at + 1) })),
    );
    const state = place('slow.state');
    const running = new FastcacheProcess([
      ...['frames', 'replay', '--to', `:${server.port}`, '--rate', '1', '--state', state, file],
    ]);
    await eventually(
      async () => (existsSync(state) ? redisCli(server.port, 'DBSIZE') : ''),
      (size) => size === '1',
    );
    await server.kill();
    expect((await running.exited).code).toBe(69);
    expect(running.stderr).toContain('CONNECTION_LOST');
  });
});

it('frames replay into a primary of ours gives the same keys, values and times to live', async () => {
  const { dumps, content } = await record('ours');
  for (const file of dumps) {
    const target = await startPrimary({ listen: ':0' });
    const { status, stderr } = await replay(target.listenAddress!, file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await contentOf(target.listenAddress!)).toEqual(content);
    await target.close();
  }
});

it('chooses by ranges, filters and a limit as decode does, over all dumps, stdin among them', async () => {
  const target = await startPrimary({ listen: ':0' });
  const to = target.listenAddress!;
  const records = ['a1', 'b1', 'a2', 'b2', 'a3'].map((name) => ({ key: key(name) }));
  const [first, second] = [
    dump('first.fcrp', batch(...records)),
    batch(...records.map(({ key: name }) => ({ key: Buffer.concat([name, name]) }))),
  ];
  const args = ['--key', 'a*', '--start', '2', '--limit', '3', '--json', first, '-'];
  const { stdout } = await runCommand(['frames', 'replay', '--to', to, ...args], { stdin: second });
  expect(JSON.parse(stdout)).toMatchObject({ records: 3, sent: 3, skipped: 0 });
  expect([...(await contentOf(to)).keys()]).toEqual(['a2', 'a2a2', 'a3']);
});

it('replays a damaged dump up to its damage, nothing of the damaged frame, and exits 65', async () => {
  const target = await startPrimary({ listen: ':0' });
  const whole = batch({ key: key('one') });
  const broken = batch({ key: key('two'), sequence: 2n }, { key: key('three'), sequence: 3n });
  broken[broken.length - 2]! ^= 1;
  const damaged = dump('damaged.fcrp', whole, broken, batch({ key: key('four'), sequence: 4n }));
  const { status, stdout, stderr } = await replay(target.listenAddress!, damaged, damaged);
  expect(status).toBe(65);
  expect(stdout).toContain('1 record, as 1 SET');
  expect(stderr).toContain(`of ${damaged}: `);
  expect([...(await contentOf(target.listenAddress!)).keys()]).toEqual(['one']);
});

it('goes at the pace of the recording, times a factor', async () => {
  const target = await startPrimary({ listen: ':0' });
  const at = (ms: number) => ({ key: key(`k${ms}`), timestampMs: 1_760_000_000_000n + BigInt(ms) });
  const file = dump('paced.fcrp', batch(at(0), at(2_000), at(4_000)));
  const startedAtMs = performance.now();
  const running = new FastcacheProcess([
    'frames',
    'replay',
    '--to',
    target.listenAddress!,
    '--pace',
    '2',
    file,
  ]);
  const seenAtMs: number[] = [];
  for (let count = 1; count <= 3; count++) {
    await eventually(
      () => target.keyCount(),
      (keys) => keys >= count,
    );
    seenAtMs.push(performance.now());
  }
  expect((await running.exited).code).toBe(0);
  expect(seenAtMs[1]! - startedAtMs).toBeGreaterThan(1_000);
  expect(seenAtMs[2]! - startedAtMs).toBeGreaterThan(2_000);
});

it('goes on in the same dumps only, those that are done among them', async () => {
  const target = await startPrimary({ listen: ':0' });
  const [first, second, third] = ['f', 's', 't'].map((name) =>
    dump(`${name}.fcrp`, batch({ key: key(name) })),
  ) as [string, string, string];
  const run = (...files: string[]) => replay(target.listenAddress!, '--state', place('done.state'), ...files);
  expect((await run(first, second)).status).toBe(0);
  const { status, stderr } = await run(third, second);
  expect([status, stderr]).toEqual([2, expect.stringContaining(`This is the state of a replay of another`)]);
  expect(stderr).toContain(third);
  expect((await run(first, second)).stdout).toContain('0 commands of these in this run');
  expect((await run(first)).stderr).toContain('This is the state of a replay of more dumps');
  const [whole, altered] = [readFileSync(second), readFileSync(second)];
  altered[altered.length - 1]! ^= 1;
  writeFileSync(second, altered);
  expect((await run(first, second)).stderr).toContain(`a replay of another dump than ${second}`);
  writeFileSync(second, whole);
  // A dump that has grown is the same dump, and is continued.
  writeFileSync(second, batch({ key: key('later'), sequence: 2n }), { flag: 'a' });
  expect((await run(first, second)).stdout).toContain('1 command of these in this run');
  expect([...(await contentOf(target.listenAddress!)).keys()]).toEqual(['f', 'later', 's']);
});

it('says where a snapshot replaced what was sent before it', async () => {
  const target = await startPrimary({ listen: ':0' });
  const whole = snapshot({ key: key('b'), value: key('22'), expireAtMs: null });
  const before = batch({ key: key('a') }, { key: key('b') });
  const file = dump('replaced.fcrp', whole, before, whole, batch({ sequence: 9n, key: key('c') }));
  const offset = whole.length + before.length;
  const { stdout } = await replay(target.listenAddress!, file);
  expect(stdout).toContain(
    `  a snapshot at byte ${offset} of ${file} replaced what was before it: keys that`,
  );
  expect([...(await contentOf(target.listenAddress!)).keys()]).toEqual(['a', 'b', 'c']);
  const again = await replay(target.listenAddress!, '--json', file, file);
  expect(JSON.parse(again.stdout)).toMatchObject({ replacements: 3, lastReplacement: { file, offset } });
});

it('exits 69 where nobody listens, 66 without a dump, 2 for what makes no sense', async () => {
  const file = dump('k.fcrp', batch({ key: key('k') }));
  const to = `:${await freePort()}`;
  expect((await replay(to, file)).status).toBe(69);
  expect((await replay(to, place('none'))).status).toBe(66);
  expect((await replay(to, '--state', place('s'), '-')).status).toBe(2);
  expect((await replay(to, '--state', place('s'), place('none'))).status).toBe(66);
  execFileSync('mkfifo', [place('fifo')]);
  const fifo = await replay(to, '--state', place('s'), file, place('fifo'));
  expect([fifo.status, fifo.stderr]).toEqual([2, expect.stringContaining('is a pipe or a device')]);
  expect((await replay(to, '--rate', '5', '--pace', '1', file)).status).toBe(2);
  expect((await replay(to, '--pace', '0', file)).status).toBe(2);
  // Its port for replicas is none for commands.
  const primary = await startPrimary();
  const spoken = await replay(primary.bindAddress, file);
  expect([spoken.status, spoken.stderr]).toEqual([1, expect.stringContaining('This is a port for replicas')]);
});
