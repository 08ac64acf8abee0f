import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directory, startPrimary } from '../support/library.js';
import { FastcacheProcess } from '../support/processes.js';
import { batch, dump, key, replay } from '../support/replays.js';
import { runCommand } from '../support/run-command.js';
import { tlsFile } from '../support/tls.js';

const TRUSTING = ['--tls', '--tls-ca', tlsFile('ca.crt')];

describe('commands over TLS', () => {
  it('are answered by a primary, which reads its certificates anew on SIGHUP', async () => {
    const [cert, key] = [join(directory, 'now.crt'), join(directory, 'now.key')];
    copyFileSync(tlsFile('server.crt'), cert);
    copyFileSync(tlsFile('server.key'), key);
    const identity = ['--tls-cert', cert, '--tls-key', key];
    const dump = join(directory, 'dump.fcrp');
    const ports = ['--bind', ':0', '--no-listen', '--record', dump];
    const primary = new FastcacheProcess(['primary', 'start', ...ports, '--tls', ...identity]);
    const { bind } = (await primary.event('ready')) as unknown as { bind: string };

    const watermarks = await runCommand(['watermarks', bind, ...TRUSTING]);
    expect(watermarks).toMatchObject({ status: 0, stdout: expect.stringContaining(bind) });
    const diff = await runCommand(['frames', 'diff', bind, bind, ...TRUSTING]);
    expect(diff).toMatchObject({ status: 0 });
    const once = ['replica', 'follow', bind, '--once', '--no-listen', ...TRUSTING];
    expect(await runCommand(once)).toMatchObject({ status: 0 });

    const plain = await runCommand(['watermarks', bind]);
    expect(plain.status).toBe(69);
    const strict = await runCommand(['watermarks', bind, '--tls']);
    expect(strict).toMatchObject({ status: 69, stderr: expect.stringContaining('--tls-ca names') });
    const half = await runCommand(['watermarks', bind, '--tls', '--tls-cert', cert]);
    expect(half).toMatchObject({ status: 2, stderr: expect.stringContaining('--tls-cert and --tls-key') });

    primary.child.kill('SIGHUP');
    const line = await primary.nextLine((text) => text.includes('certificates anew'));
    expect(JSON.parse(line)).toMatchObject({ event: 'log', level: 'info' });
    expect((await primary.kill('SIGTERM')).code).toBe(0);
  });
});

it('frames replay writes by TLS to a server that has no plain port, and to nobody who is not trusted', async () => {
  const primary = await startPrimary({
    listenTls: ':0',
    tlsCert: tlsFile('server.crt'),
    tlsKey: tlsFile('server.key'),
  });
  const to = primary.listenTlsAddress!;
  const file = dump('over-tls.fcrp', batch({ key: key('key'), value: key('value') }));
  expect((await replay(to, file)).status).toBe(69);
  expect((await replay(to, file, '--tls')).status).toBe(69);
  expect(primary.keyCount()).toBe(0);
  expect(await replay(to, file, ...TRUSTING)).toMatchObject({ status: 0 });
  expect(primary.get('key')?.toString()).toBe('value');
});
