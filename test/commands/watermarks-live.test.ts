/**
 * `watermarks` of a primary of ours and its replicas: the table, JSON, and the exit statuses of each way of
 * asking.
 */
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { Primary, Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { LaggingReplica } from '../support/lagging-replica.js';
import { eventually, freePort, LineProcess } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

const RECORDS = 40;

let primary: Primary;
let lagging: LaggingReplica | undefined;
let replicas: Replica[];

beforeEach(async () => {
  // Of those that the system gives away to nobody: it may be had again.
  primary = await Primary.start({ bind: `127.0.0.1:${await freePort()}`, listen: false, shards: 2 });
  replicas = [];
});
afterEach(async () => {
  lagging?.close();
  lagging = undefined;
  for (const replica of replicas) await replica.close();
  await primary.close();
});

/** A replica that has all and has said so. */
async function follow(): Promise<Replica> {
  const replica = await Replica.follow(primary.bindAddress);
  replicas.push(replica);
  await isCaughtUp({ primary, replica });
  await eventually(
    () =>
      primary.replicas().filter(({ acknowledged }) => String(acknowledged) === String(primary.watermarks())),
    (level) => level.length >= replicas.length,
  );
  return replica;
}

function write(records = RECORDS): void {
  for (let index = 0; index < records; index += 1) primary.set(`key:${index}`, 'value');
  primary.flush();
}

/** A replica that stays where the primary is now. */
async function stay(): Promise<LaggingReplica> {
  lagging = new LaggingReplica(primary.bindAddress, primary.history, primary.watermarks());
  await eventually(
    () => primary.replicas().filter(({ state, acknowledged }) => state === 'live' && acknowledged),
    (live) => live.some(({ address }) => address === lagging?.address),
  );
  return lagging;
}

const ask = (...args: string[]) => runCommand(['watermarks', primary.bindAddress, ...args]);

describe('watermarks of a primary and its replicas', () => {
  it('are a table: the window, each replica, and each shard', async () => {
    await follow();
    await stay();
    write();
    await eventually(
      () => String(replicas[0]?.watermarks()),
      (own) => own === String(primary.watermarks()),
    );
    await eventually(
      () => primary.replicas()[0]?.lag,
      (lag) => lag !== undefined && lag !== 'snapshot' && lag.records === 0,
    );
    const { status, stdout, stderr } = await ask('--shards');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.split('\n').map((line) => line.trim().split(/ +/).join(' '));
    expect(lines[0]).toBe(`${primary.bindAddress} primary history ${primary.history}`);
    expect(lines[1]).toBe('2 shards, 40 records of this history');
    expect(lines[2]).toMatch(
      /^written [\d.]+k?b\/s, may be away \d\S* backlog [\d.]+k?b of 64mb, 40 records$/,
    );
    expect(lines[4]).toMatch(/^127\.0\.0\.1:\d+ live 0 0 [\d.]+k?b \S+ \S+$/);
    expect(lines[5]).toMatch(new RegExp(`^${lagging?.address} (live|behind) \\d+ 40 `));
    expect(lines[6]).toBe('shard past base watermark most lag ms of');
    for (const [shard, watermark] of primary.watermarks().entries()) {
      const past = watermark - primary.base;
      expect(lines[7 + shard]).toMatch(
        new RegExp(`^${shard} \\+${past} ${watermark} ${past} \\d+ ${lagging?.address}$`),
      );
    }
  });

  it('are JSON of exactly the documented names', async () => {
    await follow();
    const behind = await stay();
    const start = primary.watermarks();
    write();
    await eventually(
      () => primary.replicas()[0]?.lag,
      (lag) => lag !== undefined && lag !== 'snapshot' && lag.records === 0,
    );
    const { stdout } = await ask('--json');
    const [endpoint] = JSON.parse(stdout).endpoints;
    const any = expect.any(Number);
    const more = { sentBytesPerSecond: any, canResume: true, leewayMs: any, sinceSeconds: any };
    expect(endpoint).toEqual({
      endpoint: primary.bindAddress,
      role: 'primary',
      history: primary.history,
      base: String(primary.base),
      watermarks: primary.watermarks().map(String),
      replicas: [
        {
          address: primary.replicas()[0]?.address,
          name: null,
          announced: null,
          state: 'live',
          watermarks: primary.watermarks().map(String),
          lagRecords: 0,
          lagMs: 0,
          queuedBytes: 0,
          ...more,
        },
        {
          address: behind.address,
          name: null,
          announced: null,
          state: 'live',
          watermarks: start.map(String),
          lagRecords: RECORDS,
          lagMs: expect.any(Number),
          queuedBytes: expect.any(Number),
          ...more,
        },
      ],
      backlog: {
        bytes: expect.any(Number),
        records: RECORDS,
        windowMs: any,
        bytesPerSecond: any,
        earliest: start.map((own) => String(own + 1n)),
      },
    });
  });

  it('of one that is lost say gone, and nothing of one that ends on purpose', async () => {
    await (await follow()).close();
    await eventually(
      () => primary.replicas(),
      (replicas) => replicas.length === 0,
    );
    (await stay()).close();
    await eventually(
      () => primary.replicas()[0]?.state,
      (state) => state === 'gone',
    );
    const { stdout } = await ask();
    expect(stdout).toMatch(/^127\.0\.0\.1:\d+ +gone .* \d+m?s$/m);
  });
});

describe('--check', () => {
  it('exits 0 with one line and performance data when all is well', async () => {
    await follow();
    expect(await ask('--check', '--max-lag-ms', '1000', '--max-lag-records', '10')).toEqual({
      status: 0,
      stdout:
        'fastcache OK: replicas live: 1, at most 0 records and 0 ms behind | lag_ms=0ms;500;1000;0 lag_records=0;5;10;0\n',
      stderr: '',
    });
  });

  it('exits 1 when no replica is there, or one that is gone could come back', async () => {
    const none = await ask('--check');
    expect(none.status).toBe(1);
    expect(none.stdout).toContain('fastcache WARNING: ');
    expect(none.stdout).toContain('no replica is connected | lag_ms=U;;;0 lag_records=U;;;0');
    (await stay()).close();
    await follow();
    await eventually(
      () => primary.replicas().at(-1)?.state,
      (state) => state === 'gone',
    );
    const gone = await ask('--check', '--json');
    expect(gone.status).toBe(1);
    expect(JSON.parse(gone.stdout).check).toMatchObject({
      state: 'WARNING',
      findings: [{ state: 'WARNING', text: expect.stringContaining('the backlog still has what it lacks') }],
    });
  });

  it('exits 2 when somebody is not there who is expected, and not for those that are gone, if so asked', async () => {
    (await stay()).close();
    await follow();
    await eventually(
      () => primary.replicas().at(-1)?.state,
      (state) => state === 'gone',
    );
    expect((await ask('--check', '--ignore-gone', '--expect', '1')).status).toBe(0);
    const two = await ask('--check', '--ignore-gone', '--expect', '2');
    expect(two.status).toBe(2);
    expect(two.stdout).toContain('replicas connected: 1, expected: 2');
  });

  it('exits 2 when a replica lags too far, and when a server does not answer', async () => {
    await stay();
    write();
    expect((await ask('--check')).status).toBe(0);
    expect((await ask('--check', '--max-lag-records', '79')).status).toBe(1);
    const lags = await ask('--check', '--max-lag-records', '39');
    expect(lags.status).toBe(2);
    expect(lags.stdout).toContain('lags 40 records, 39 are allowed');
    const port = await freePort();
    const both = await ask('--check', `127.0.0.1:${port}`);
    expect(both.status).toBe(2);
    expect(both.stdout).toContain(`fastcache CRITICAL: 127.0.0.1:${port}: `);
    expect(both.stdout).toContain('| lag_ms=U;;;0 lag_records=U;;;0');
  });

  it('exits 3 when the answer cannot be had', async () => {
    const guarded = await Primary.start({ bind: ':0', listen: false, token: 's3cret' });
    const refused = await runCommand(['watermarks', guarded.bindAddress, '--check']);
    expect(refused).toMatchObject({ status: 3, stderr: '' });
    expect(refused.stdout).toContain('fastcache UNKNOWN: ');
    await guarded.close();
    for (const wrong of [['--max-lag-ms', 'soon'], ['--no-such-flag'], ['--token-file', 'no-such-file']]) {
      expect((await ask('--check', ...wrong)).status).toBe(3);
    }
    const json = await ask('--check', '--max-lag-ms', 'soon', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'USAGE', exit: 3 } });
  });
});

describe('--wait', () => {
  it('ends at its timeout where a server says nothing', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const [answered, beganAtMs] = [
      runCommand(['watermarks', `:${port}`, '--wait', '--timeout', '1']),
      Date.now(),
    ];
    const { status, stderr } = await answered;
    expect(status).toBe(69);
    expect(stderr).toContain(`127.0.0.1:${port} has not answered within 1 s.`);
    expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(1_000);
    silent.close();
  });

  it('exits 0 as soon as all have what there was', async () => {
    await follow();
    write();
    expect(await ask('--wait', '--timeout', '20')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('waits for the last of them', async () => {
    const behind = await stay();
    write();
    const waiting = ask('--wait');
    const early = await Promise.race([
      waiting,
      new Promise((resolve) => setTimeout(resolve, 1_500, 'waits')),
    ]);
    expect(early).toBe('waits');
    behind.reach(primary.watermarks());
    expect((await waiting).status).toBe(0);
  });

  it('exits 1 after the timeout and says who lacks what', async () => {
    const behind = await stay();
    write();
    const { status, stdout } = await ask('--wait', '--timeout', '1');
    expect(status).toBe(1);
    expect(stdout).toBe(`${primary.bindAddress}: replica ${behind.address} (live) lacks 40 records\n`);
    const json = await ask('--wait', '--timeout', '1', '--json');
    expect(JSON.parse(json.stdout).lacking).toEqual([
      { endpoint: primary.bindAddress, replica: behind.address, state: 'live', records: 40 },
    ]);
  });

  it('waits for one to be there, and not for whoever was gone already', async () => {
    await stay();
    write();
    lagging?.close();
    await eventually(
      () => primary.replicas()[0]?.state,
      (state) => state === 'gone',
    );
    const alone = await ask('--wait', '--timeout', '1');
    expect(alone.status).toBe(1);
    expect(alone.stdout).toBe(`${primary.bindAddress}: no replica is connected\n`);
    expect(alone.stderr).toContain('is gone and is not waited for');
    const waiting = ask('--wait', '--timeout', '20');
    await follow();
    expect((await waiting).status).toBe(0);
  });

  it('ends when the primary cannot be asked any more', async () => {
    await stay();
    write();
    const waiting = ask('--wait');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await primary.close();
    const { status, stderr } = await waiting;
    expect(status).toBe(69);
    expect(stderr).toMatch(/CONNECTION_LOST|PRIMARY_UNREACHABLE/);
  });
});

describe('--watch without a terminal', () => {
  const start = (...args: string[]) =>
    new LineProcess(process.execPath, ['bin/run.js', 'watermarks', primary.bindAddress, ...args]);

  it('writes one table after the other over one connection, and exits 0 when it is interrupted', async () => {
    await follow();
    const watch = start('--watch', '0.2');
    const heading = (line: string) => line.startsWith('replica ');
    for (let table = 0; table < 3; table += 1) await watch.nextLine(heading);
    expect(await watch.kill('SIGINT')).toEqual({ code: 0, signal: null });
    expect(watch.stderr).toBe('');
  });

  it('writes NDJSON with --json, goes on when the primary is gone, and sees it again', async () => {
    const watch = start('--json', '--watch=0.2');
    const seen = async (is: (endpoint: Record<string, unknown>) => boolean) => {
      await watch.nextLine((line) => is(JSON.parse(line).endpoints[0]));
    };
    await seen(({ history }) => history === primary.history);
    const port = Number(primary.bindAddress.split(':').at(-1));
    const before = primary.history;
    await primary.close();
    await seen(({ error }) => error !== undefined);
    primary = await Primary.start({ bind: `127.0.0.1:${port}`, listen: false });
    await seen(({ history }) => history === primary.history && history !== before);
    expect(await watch.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe('a server that answers a question with something else', () => {
  const hello = encodeHelloFrame(
    { role: 'replica', watermarks: [1n] },
    { margin: new Map([['history', 'ab'.repeat(16)]]) },
  );

  async function askWhoAnswers(answer: Uint8Array, ...args: string[]) {
    const server = createServer((socket) => {
      let heard = 0;
      socket.on('error', () => {});
      // The Hello, then the question.
      socket.on('data', () => socket.write((heard += 1) === 1 ? hello : answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const result = await runCommand(['watermarks', `127.0.0.1:${port}`, ...args]);
    server.close();
    return result;
  }

  it.each([
    ['garbage', Buffer.alloc(100_000, 'garbage'), 'FCRP_BAD_MAGIC'],
    ['a document that is none', encodeFrame(FrameKind.Status, Buffer.of(0x80)), 'FCRP_STATUS_MALFORMED'],
    [
      'a list of four billion',
      encodeFrame(FrameKind.Status, Buffer.of(0x81, 0xa1, 0x61, 0xdd, 255, 255, 255, 255)),
      'FCRP_COUNT_OVER_PAYLOAD',
    ],
    [
      'a frame of 200 MiB',
      Buffer.concat([encodeFrame(FrameKind.Status, Buffer.of(0x80)).subarray(0, 8), Buffer.alloc(8, 0x0c)]),
      'FCRP_LENGTH_OVER_LIMIT',
    ],
  ])('(%s) is told as a fault, exit 65, and UNKNOWN for --check', async (_, answer, code) => {
    const { status, stdout, stderr } = await askWhoAnswers(answer);
    expect({ status, stdout }).toEqual({ status: 65, stdout: '' });
    expect(stderr).toContain(code);
    expect((await askWhoAnswers(answer, '--check')).status).toBe(3);
  });
});

describe('flags that do not go together', () => {
  it.each([
    [['--watch', '--check'], 3, '--watch and --check exclude each other'],
    [['--expect', '5'], 2, '--expect goes with --check'],
    [['--check', '--expect', 'a b'], 3, 'expected host:port'],
    [['--check', '--shards'], 3, '--shards is for the table'],
    [['--max-lag-ms', '5'], 2, '--max-lag-ms goes with --check'],
    [['--watch', '0'], 2, 'expected seconds from 0.1 to 3600'],
    [['--timeout', 'soon', '--wait'], 2, 'expected a whole number'],
    [['--check', './dump.fcrp'], 3, 'asks servers'],
  ])('%j exit %i: 3 is UNKNOWN to monitoring', async (args, exit, message) => {
    const { status, stderr } = await ask(...args);
    expect(status).toBe(exit);
    expect(stderr).toContain(message);
  });
});
