import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { FastcacheProcess, LineProcess } from '../../support/processes.js';
import { RespClient, respCommand } from '../../support/resp-client.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-primary-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('primary start', () => {
  it('tells where it listens, in one line', async () => {
    const primary = new LineProcess(process.execPath, [
      'bin/run.js',
      'primary',
      'start',
      '--bind',
      ':0',
      '--listen',
      ':0',
    ]);
    expect(await primary.nextLine()).toMatch(
      /^primary ready: replicas on 127\.0\.0\.1:\d+, clients on 127\.0\.0\.1:\d+, 4 shards, history [0-9a-f]{32}$/,
    );
    expect(await primary.kill('SIGINT')).toEqual({ code: 0, signal: null });
  });

  it('tells it as an event with --json, and shows its watermarks past their base', async () => {
    const primary = new FastcacheProcess([
      'primary',
      'start',
      '--bind',
      ':0',
      '--no-listen',
      '--shards',
      '2',
    ]);
    const ready = JSON.parse(await primary.nextLine());
    expect(Object.keys(ready)).toEqual(['event', 'timeMs', 'role', 'bind', 'listen', 'history', 'shards']);
    expect(ready).toMatchObject({ event: 'ready', role: 'primary', listen: null, shards: 2 });
    const text = await runCommand(['watermarks', '--shards', ready.bind]);
    expect(text.stdout).toContain(`history ${ready.history}`);
    expect(text.stdout).toMatch(/^ +0 +\+0 +\d{16}$/m);
    const [endpoint] = JSON.parse((await runCommand(['watermarks', ready.bind, '--json'])).stdout).endpoints;
    expect(endpoint).toEqual({
      endpoint: ready.bind,
      role: 'primary',
      history: ready.history,
      base: endpoint.watermarks[0],
      watermarks: [endpoint.base, endpoint.base],
      replicas: [],
      backlog: {
        bytes: 0,
        records: 0,
        windowMs: null,
        bytesPerSecond: 0,
        earliest: endpoint.backlog.earliest,
      },
    });
    expect(endpoint.backlog.earliest).toEqual([0, 1].map(() => String(BigInt(endpoint.base) + 1n)));
    expect(await primary.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('serves metrics where it is told, and says where', async () => {
    const flags = ['--bind', ':0', '--no-listen', '--metrics', ':0'];
    const primary = new LineProcess(process.execPath, ['bin/run.js', 'primary', 'start', ...flags]);
    const line = await primary.nextLine();
    const [, url] = /, metrics on (http:\/\/127\.0\.0\.1:\d+\/metrics), 4 shards/.exec(line) ?? [];
    expect(await (await fetch(url!)).text()).toContain('fastcache_replication_info{role="primary"');
    expect(await primary.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    const quiet = ['primary', 'start', '--bind', ':0', '--no-listen'];
    const other = new FastcacheProcess(quiet, { FASTCACHE_METRICS: ':0' });
    const { metrics } = await other.event('ready');
    expect((await fetch(`http://${metrics}/readyz`)).status).toBe(200);
    await other.kill();
  });

  it('asks clients for the password that a file holds, shows it to nobody, and ends with SHUTDOWN', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 's3same\n', { mode: 0o600 });
    const args = ['primary', 'start', '--bind', ':0', '--listen', ':0', '--password-file', file];
    const primary = new FastcacheProcess(args);
    const { listen } = await primary.event('ready');
    const client = await RespClient.connect(String(listen));
    expect(await client.command('SHUTDOWN')).toBe('-NOAUTH Authentication required.');
    expect(await client.command('AUTH', 's3same')).toBe('+OK');
    client.write(respCommand('SHUTDOWN', 'NOSAVE'));
    expect((await client.untilClosed()).toString()).toBe('');
    expect(await primary.exited).toEqual({ code: 0, signal: null });
    expect(primary.stderr).not.toContain('s3same');
  });

  it('records what it publishes, whole when it was asked to stop', async () => {
    const file = join(directory, 'recorded.fcrp');
    const args = [
      '--bind',
      ':0',
      '--listen',
      ':0',
      '--shards',
      '1',
      '--sequence-base',
      'zero',
      '--compression',
      'zstd',
    ];
    const primary = new FastcacheProcess(['primary', 'start', ...args, '--record', file]);
    const { listen } = await primary.event('ready');
    const client = new Redis(`redis://${listen}`);
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => client.set(`key:${index}`, `value:${index}`)),
    );
    client.disconnect();
    await primary.kill('SIGTERM');
    const { status, stdout } = await runCommand(['frames', 'decode', file, '--format', 'ndjson']);
    expect(status).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const records = lines.filter(({ type }) => type === 'record');
    expect(records.map(({ sequence }) => Number(sequence))).toEqual(
      Array.from({ length: 500 }, (_, index) => index + 1),
    );
    expect(new Set(records.map(({ key, value }) => `${key}=${value}`)).has('key:499=value:499')).toBe(true);
    expect(lines.filter(({ type }) => type === 'frame').every(({ compressed }) => compressed)).toBe(true);
  });

  it('takes every flag from the environment, and the argument before it', async () => {
    const env = {
      FASTCACHE_SHARDS: '8',
      FASTCACHE_BIND: ':0',
      FASTCACHE_NO_LISTEN: '1',
      FASTCACHE_LISTEN: ':0',
    };
    const quiet = new FastcacheProcess(['primary', 'start'], env);
    expect(await quiet.event('ready')).toMatchObject({ shards: 8, listen: null });
    const heard = new FastcacheProcess(['primary', 'start', '--shards', '2', '--listen', ':0'], env);
    expect(await heard.event('ready')).toMatchObject({ shards: 2, listen: expect.stringMatching(/:\d+$/) });
    await Promise.all([quiet.kill(), heard.kill()]);
  });

  it('evicts as it is told when its memory is full', async () => {
    const flags = ['--bind', ':0', '--listen', ':0', '--max-memory', '256kb', '--eviction', 'volatile-ttl'];
    const primary = new FastcacheProcess(['primary', 'start', ...flags]);
    const client = new Redis(`redis://${(await primary.event('ready')).listen}`);
    const value = 'v'.repeat(1000);
    await client.set('first', value, 'EX', 10);
    await client.set('second', value, 'EX', 20);
    const sets = Array.from({ length: 300 }, (_, index) => client.set(`key:${index}`, value));
    const refused = (await Promise.allSettled(sets)).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({
      reason: { message: expect.stringMatching(/^OOM command not allowed/) },
    });
    expect(await client.exists('first', 'second')).toBe(0);
    expect(await client.exists('key:0', 'key:1')).toBe(2);
    client.disconnect();
    await primary.kill();
  });

  it('says which port is taken', async () => {
    const first = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--no-listen']);
    const { bind } = await first.event('ready');
    const { status, stderr } = await runCommand(['primary', 'start', '--no-listen', '--bind', String(bind)]);
    expect(status).toBe(1);
    expect(stderr).toContain(`${bind}`);
    expect(stderr).toContain('PORT_TAKEN');
    await first.kill();
  });

  it.each([
    [['--backlog', '5q'], '64kb, 1mb, 2gb'],
    [['--route', 'random'], 'full-key, session-prefix'],
    [['--eviction', 'allkeys-fifo'], 'noeviction, allkeys-lru, allkeys-lfu, allkeys-random, volatile-lru'],
    [['--max-memory', 'much'], '64kb, 1mb, 2gb'],
    [['--listen', ':0', '--no-listen'], 'exclude each other'],
    [['--bind', '0.0.0.0:0'], '--insecure'],
    [['--no-listen', '--bind', ':0', '--metrics', '0.0.0.0:0'], '--insecure'],
    [['--metrics', '9100'], 'host:port'],
  ])('refuses %j and says what it accepts', async (args, message) => {
    const { status, stdout, stderr } = await runCommand(['primary', 'start', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
