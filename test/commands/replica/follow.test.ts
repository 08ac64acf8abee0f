import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, FastcacheProcess, freePort } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-replica-'));
const tokenFile = join(directory, 'token');
writeFileSync(tokenFile, 'a-token-of-22-letters-\n', { mode: 0o600 });
afterAll(() => rmSync(directory, { recursive: true }));

describe('replica follow', () => {
  let primary: FastcacheProcess;
  let bind: string;
  let client: Redis;
  beforeAll(async () => {
    primary = new FastcacheProcess([
      'primary',
      'start',
      '--bind',
      ':0',
      '--listen',
      ':0',
      '--token-file',
      tokenFile,
    ]);
    const ready = await primary.event('ready');
    bind = String(ready.bind);
    client = new Redis(`redis://${ready.listen}`);
    await client.set('greeting', 'hello');
  });
  afterAll(async () => {
    client.disconnect();
    await primary.kill();
  });

  it('serves metrics where it is told, and is ready when it follows', async () => {
    const flags = ['--no-listen', '--token-file', tokenFile, '--metrics', ':0'];
    const replica = new FastcacheProcess(['replica', 'follow', bind, ...flags]);
    const { metrics } = await replica.event('ready');
    await replica.event('live');
    await eventually(
      () => fetch(`http://${metrics}/readyz?max_lag_ms=1000`).then(({ status }) => status),
      (status) => status === 200,
    );
    expect(await (await fetch(`http://${metrics}/metrics`)).text()).toContain('fastcache_link_up 1');
    expect(await replica.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('tells how it comes to follow, and serves what it holds', async () => {
    const replica = new FastcacheProcess([
      'replica',
      'follow',
      bind,
      '--listen',
      ':0',
      '--token-file',
      tokenFile,
    ]);
    const ready = JSON.parse(await replica.nextLine());
    expect(ready).toMatchObject({ event: 'ready', role: 'replica', primary: bind });
    const names: string[] = [];
    for (let name = ''; name !== 'caught-up'; names.push(name))
      name = JSON.parse(await replica.nextLine()).event;
    expect([...new Set(names)]).toEqual(['connecting', 'snapshot', 'live', 'caught-up']);
    const reader = new Redis(`redis://${ready.listen}`);
    expect(await reader.get('greeting')).toBe('hello');
    await client.set('greeting', 'hello again');
    await eventually(
      () => reader.get('greeting'),
      (value) => value === 'hello again',
    );
    reader.disconnect();
    expect(await replica.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('with --bind serves replicas of its own, and SIGUSR2 promotes it', async () => {
    const flags = ['--token-file', tokenFile, '--listen', ':0', '--bind', ':0', '--max-replicas', '1'];
    const relay = new FastcacheProcess(['replica', 'follow', bind, ...flags, '--backlog', '64kb']);
    const ready = await relay.event('ready');
    const leafFlags = ['--no-listen', '--token-file', tokenFile];
    const leaf = new FastcacheProcess(['replica', 'follow', String(ready.bind), ...leafFlags]);
    expect(await leaf.event('ready')).toMatchObject({ bind: null });
    await leaf.event('caught-up');
    const refused = await runCommand(
      ['replica', 'follow', String(ready.bind), '--once', '--no-listen', '--json'],
      { env: { FASTCACHE_TOKEN: 'a-token-of-22-letters-' } },
    );
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stdout + refused.stderr).toContain('TOO_MANY_REPLICAS');
    relay.child.kill('SIGUSR2');
    const { history } = await relay.event('promoted');
    expect(history).toMatch(/^[0-9a-f]{32}$/);
    const log = await leaf.nextLine((line) => line.includes('goes on in history'));
    expect(log).toContain(String(history));
    await leaf.event('live');
    const writer = new Redis(`redis://${ready.listen}`);
    expect(await writer.set('after', 'promotion')).toBe('OK');
    expect(await writer.wait(1, 5_000)).toBe(1);
    writer.disconnect();
    expect(await leaf.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await relay.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('--once records what the primary has and leaves', async () => {
    const file = join(directory, 'once.fcrp');
    const args = ['replica', 'follow', bind, '--once', '--no-listen', '--record', file];
    const { status, stdout, stderr } = await runCommand(args, {
      env: { FASTCACHE_TOKEN: 'a-token-of-22-letters-' },
    });
    expect(status).toBe(0);
    expect(stdout).toBe(`replica ready: follows ${bind}, no port for clients or replicas, no content yet\n`);
    expect(stderr).toContain('caught-up');
    expect((await runCommand(['frames', 'decode', file])).stdout).toContain('"greeting" = ');
    const marks = async (endpoint: string, env = {}) =>
      JSON.parse((await runCommand(['watermarks', endpoint, '--json'], { env })).stdout).endpoints[0]
        .watermarks;
    expect(await marks(file)).toEqual(await marks(bind, { FASTCACHE_TOKEN: 'a-token-of-22-letters-' }));
  });

  it('--once exits 1 when its dump could not be written whole', async () => {
    const args = ['replica', 'follow', bind, '--once', '--no-listen', '--record', '/dev/full'];
    const { status, stderr } = await runCommand(args, { env: { FASTCACHE_TOKEN: 'a-token-of-22-letters-' } });
    expect(status).toBe(1);
    expect(stderr).toContain('Error: The recording failed: ENOSPC');
  });

  it('exits 77 when the token is refused, and never shows one', async () => {
    const env = { FASTCACHE_TOKEN: 'wr0ng-one' };
    for (const args of [
      ['replica', 'follow', bind, '--no-listen'],
      ['replica', 'follow', bind, '--no-listen', '--json'],
      ['watermarks', bind],
      ['watermarks', bind, '--json'],
    ]) {
      const { status, stdout, stderr } = await runCommand(args, { env });
      expect(status).toBe(77);
      expect(stdout + stderr).toContain('TOKEN_REFUSED');
      expect(stdout + stderr).not.toMatch(/wr0ng-one|a-token-of-22-letters-/);
    }
  });

  it('exits 69 with --once when the primary is not there, and else goes on trying', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const once = await runCommand(['replica', 'follow', address, '--once', '--no-listen']);
    expect(once.status).toBe(69);
    expect(once.stderr).toContain(address);
    const patient = new FastcacheProcess([
      'replica',
      'follow',
      address,
      '--no-listen',
      '--reconnect-backoff-ms',
      '1',
    ]);
    expect(await patient.event('lost')).toMatchObject({ error: { code: 'PRIMARY_UNREACHABLE' } });
    expect(await patient.event('lost')).toMatchObject({ error: { code: 'PRIMARY_UNREACHABLE' } });
    expect(await patient.kill('SIGINT')).toEqual({ code: 0, signal: null });
  });

  it('refuses what is no address', async () => {
    const { status, stderr } = await runCommand(['replica', 'follow', 'somewhere']);
    expect(status).toBe(2);
    expect(stderr).toContain('expected host:port');
    expect((await runCommand(['replica', 'follow'])).status).toBe(2);
  });

  it('goes on when its stdout is read no more', async () => {
    const replica = new FastcacheProcess([
      'replica',
      'follow',
      bind,
      '--listen',
      ':0',
      '--token-file',
      tokenFile,
    ]);
    const { listen } = await replica.event('ready');
    replica.child.stdout.destroy();
    const reader = new Redis(`redis://${listen}`);
    await eventually(
      () => reader.get('greeting'),
      (value) => value !== null,
    );
    reader.disconnect();
    expect(await replica.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
