/** The image's needs: its health check, and that a user without a name may run commands. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startPrimary } from '../support/library.js';
import { freePort, repositoryRoot } from '../support/processes.js';

/** Its exit status. */
function ping(address: string | number): Promise<number> {
  const port = String(address).split(':').at(-1);
  return new Promise((resolve) => {
    const env = { ...process.env, PING_PORT: port };
    const child = execFile(process.execPath, ['bin/ping.js'], { cwd: repositoryRoot, env });
    child.once('exit', (code) => resolve(code ?? 255));
  });
}

describe('bin/ping.js', () => {
  it('finds a server healthy that answers, and be it that it wants a password', async () => {
    const { listenAddress } = await startPrimary({ listen: ':0' });
    const closed = await startPrimary({ listen: ':0', password: 'a password of some length' });
    expect(await Promise.all([ping(listenAddress!), ping(closed.listenAddress!)])).toEqual([0, 0]);
  });

  it('finds nothing healthy that is not there, or answers something else', async () => {
    const other = createServer((socket) => socket.end('-ERR out of order\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    expect(await Promise.all([ping(await freePort()), ping(port)])).toEqual([1, 1]);
    other.close();
  });
});

/** Whether any user may read below `path`: a checkout below a home directory of mode 700 can't be tried. */
function isOpenToAll(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o005) === 0o005;
  return isOpen && (path === dirname(path) || isOpenToAll(dirname(path)));
}

describe('a user that the system does not know', () => {
  it.runIf(process.getuid?.() === 0 && isOpenToAll(repositoryRoot))('runs commands', async () => {
    // Node changes its user itself, because that user need not be allowed to run the file of Node.
    const become = 'data:text/javascript,process.setgroups([]);process.setgid(65532);process.setuid(65532)';
    const command = ['--import', become, 'bin/run.js', 'watermarks', 'fixtures/golden/all.fcrp'];
    const env = { PATH: process.env.PATH, HOME: '/' };
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: repositoryRoot, env });
    expect(stdout).toContain('all.fcrp');
  });
});
