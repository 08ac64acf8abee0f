/** `get`, `set`, `del` and `scan`, of a primary and of a replica. */
import { describe, expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { follow, startPrimary } from '../support/library.js';
import { startOddServer } from '../support/odd-server.js';
import { freePort } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

const done = (stdout: string, status = 0) => ({ status, stdout, stderr: '' });

describe('small commands', () => {
  it('set, show, list and delete keys of a primary, and say whether they were there', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const run = (...args: string[]) => runCommand([...args, '--endpoint', primary.listenAddress!]);
    expect(await run('set', 'user:1', 'ada')).toEqual(done(''));
    expect(await run('set', 'user:2', '{"a":1}', '--ttl', '60', '--json')).toEqual(
      done('{"key":"user:2","set":true}\n'),
    );
    expect(await run('get', 'user:1')).toEqual(done('ada\n'));
    expect(await run('get', 'user:3')).toEqual({ ...done('', 1), stderr: 'there is no such key\n' });
    const { key, value, ttlMs } = JSON.parse((await run('get', 'user:2', '--json')).stdout);
    expect([key, value, ttlMs > 0 && ttlMs <= 60_000]).toEqual(['user:2', '{"a":1}', true]);
    expect(await run('get', 'user:3', '--json')).toEqual(
      done('{"key":"user:3","value":null,"ttlMs":null}\n', 1),
    );
    expect(await run('scan', 'user:*', '--limit', '5')).toEqual(
      done(expect.stringMatching(/^user:\d\nuser:\d\n$/)),
    );
    expect(await run('del', 'user:1', 'user:3')).toEqual(done('1 key deleted\n'));
    expect(await run('del', 'user:1', '--json')).toEqual(done('{"deleted":0}\n', 1));
    expect(primary.keyCount()).toBe(1);
  }, 30_000);

  it('read binary keys and values of a replica, which refuses to write', async () => {
    const primary = await startPrimary({});
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    primary.set(Buffer.from([0x6b, 0x1b, 0xff]), 'v');
    primary.set('binary', Buffer.from([0xff, 0x00]));
    await isCaughtUp({ primary, replica });
    const run = (...args: string[]) => runCommand([...args, '--endpoint', replica.listenAddress!]);
    expect((await run('scan')).stdout.split('\n').sort()).toEqual(['', 'binary', 'k\\x1b\\xff']);
    expect((await run('scan', 'k*', '--json')).stdout).toBe('{"keyBase64":"axv/"}\n');
    expect(JSON.parse((await run('get', 'binary', '--json')).stdout)).toMatchObject({ valueBase64: '/wA=' });
    const refused = await run('set', 'key', 'value');
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('READONLY') });
  }, 30_000);

  it('refuse answers that none of them can have', async () => {
    const replies = ['+OK', ':1', '*0', '*2\r\n$1\r\n0\r\n$1\r\nx', '*2\r\n$1\r\n0\r\n*1\r\n:1'];
    for (const [command, odd] of [
      ['get', [':1', '*0']],
      ['del', ['+OK', '*0']],
      ['scan', replies],
    ] as const) {
      for (const reply of odd) {
        const server = await startOddServer((asked) =>
          asked.includes('PING') ? '+PONG\r\n' : `${reply}\r\n`,
        );
        const run = await runCommand([command, 'key', '--json', '--endpoint', server]);
        expect(run).toMatchObject({ status: 1, stderr: '' });
        expect(JSON.parse(run.stdout).error.code).toBe('REPLY_MALFORMED');
      }
    }
  }, 60_000);

  it('say what is wrong with the server: nothing is there, or it wants a password', async () => {
    const nobody = await runCommand(['get', 'key', '--endpoint', `127.0.0.1:${await freePort()}`]);
    expect(nobody.status).toBe(69);
    const guarded = await startPrimary({ listen: ':0', password: 'sesame' });
    const endpoint = ['--endpoint', guarded.listenAddress!];
    expect((await runCommand(['get', 'key', ...endpoint])).status).toBe(77);
    const env = { FASTCACHE_PASSWORD: 'sesame' };
    expect((await runCommand(['set', 'key', 'value', ...endpoint], { env })).status).toBe(0);
    expect(guarded.get('key')?.toString()).toBe('value');
  }, 30_000);
});
