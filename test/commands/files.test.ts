/**
 * Files that are written to: pipes, modes, links that others have put there, and files that are cut back
 * meanwhile.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DumpBuilder } from '../support/dump-builder.js';
import { eventually, FastcacheProcess, repositoryRoot } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-files-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

async function set(listen: unknown, key: string): Promise<void> {
  const client = await RespClient.connect(String(listen));
  await client.pipeline([['SET', key, 'value']]);
  client.close();
}

describe('a recording', () => {
  it('into a pipe that nobody reads is refused at once', async () => {
    const fifo = place('unread');
    execFileSync('mkfifo', [fifo]);
    const args = ['primary', 'start', '--bind', ':0', '--no-listen', '--record', fifo];
    const { status, stderr } = await runCommand(args);
    expect(status).toBe(1);
    expect(stderr).toContain('nobody reads the pipe: start its reader first');
    expect(stderr).toContain('WRITE_FAILED');
  });

  it('into a pipe reaches its reader', async () => {
    const fifo = place('read');
    execFileSync('mkfifo', [fifo]);
    const reader = spawn('cat', [fifo]);
    const parts: Buffer[] = [];
    reader.stdout.on('data', (part: Buffer) => parts.push(part));
    const flags = ['--bind', ':0', '--listen', ':0', '--record', fifo];
    const primary = new FastcacheProcess(['primary', 'start', ...flags]);
    const { listen } = await primary.event('ready');
    await set(listen, 'through-the-pipe');
    await eventually(
      () => Buffer.concat(parts).includes('through-the-pipe'),
      (isThere) => isThere,
    );
    const ended = new Promise((resolve) => reader.once('close', resolve));
    expect((await primary.kill('SIGTERM')).code).toBe(0);
    await ended;
    writeFileSync(place('piped.fcrp'), Buffer.concat(parts));
    expect((await runCommand(['frames', 'verify', '--loadable', place('piped.fcrp')])).status).toBe(0);
  });

  it('on a stdout that is a socket is refused at once', async () => {
    // The pipes between a process of Node and its children are sockets, which cannot be opened by a name.
    const args = ['primary', 'start', '--bind', ':0', '--no-listen', '--record', '/dev/stdout'];
    const { status, stdout, stderr } = await runCommand(args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('is no file, and no pipe');
  });

  it('on a stdout that is a pipe leaves nothing else there: the ready line goes to stderr', async () => {
    const flags = '--bind :0 --no-listen --record /dev/stdout';
    // Only the server is stopped: `cat` reads to the end.
    const start = `sh -c 'echo $$ >&2; exec "$0" "$@"' "${process.execPath}" bin/run.js primary start ${flags}`;
    const command = `${start} | cat > "${place('out.fcrp')}"`;
    const shell = spawn('sh', ['-c', command], { cwd: repositoryRoot, stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    shell.stderr.on('data', (part: Buffer) => {
      told += part;
    });
    const closed = new Promise((resolve) => shell.once('close', resolve));
    await eventually(
      () => told,
      (text) => text.includes('primary ready: '),
    );
    process.kill(Number.parseInt(told, 10), 'SIGTERM');
    await closed;
    const { status, stdout } = await runCommand(['frames', 'decode', place('out.fcrp')]);
    expect(status).toBe(0);
    expect(stdout).toContain('Hello');
  });

  it('that is cut back by another program goes on without a hole', async () => {
    const dump = place('rotated.fcrp');
    const flags = ['--bind', ':0', '--listen', ':0', '--shards', '1', '--record', dump];
    const primary = new FastcacheProcess(['primary', 'start', ...flags]);
    const { listen } = await primary.event('ready');
    await set(listen, 'before');
    await eventually(
      () => readFileSync(dump).includes('before'),
      (isThere) => isThere,
    );
    truncateSync(dump);
    await set(listen, 'behind');
    await eventually(
      () => readFileSync(dump).includes('behind'),
      (isThere) => isThere,
    );
    await primary.kill('SIGTERM');
    expect(readFileSync(dump).subarray(0, 4).toString()).toBe('FCRP');
    const { stdout } = await runCommand(['frames', 'verify', dump]);
    expect(stdout).toContain(`${dump}: ok\n  not loadable: `);
  });

  it('and its state are for their owner alone, unless --mode says otherwise', async () => {
    const primary = new FastcacheProcess([
      'primary',
      'start',
      '--bind',
      ':0',
      '--no-listen',
      '--record',
      place('own.fcrp'),
    ]);
    const { bind } = await primary.event('ready');
    const tap = (name: string, ...more: string[]) => {
      const files = ['--record', place(`${name}.fcrp`), '--state', place(`${name}.state`)];
      return runCommand(['replica', 'follow', String(bind), '--once', ...files, ...more]);
    };
    // Links that lead to what is precious stand where the new state is written.
    writeFileSync(place('precious'), 'precious');
    symlinkSync(place('precious'), place('mine.state.new'));
    expect((await tap('mine')).status).toBe(0);
    expect((await tap('ours', '--mode', '640')).status).toBe(0);
    await primary.kill('SIGTERM');
    const files = ['own.fcrp', 'mine.fcrp', 'mine.state', 'ours.fcrp', 'ours.state'];
    expect(files.map((file) => modeOf(place(file)))).toEqual(['600', '600', '600', '640', '640']);
    expect(readFileSync(place('precious'), 'utf8')).toBe('precious');
    expect(lstatSync(place('mine.state')).isFile()).toBe(true);
    expect(existsSync(place('mine.state.new'))).toBe(false);
  });
});

describe('the output of a tool', () => {
  const dump = place('dump.fcrp');
  beforeAll(() => {
    const build = new DumpBuilder();
    writeFileSync(dump, Buffer.concat([...build.snapshot(), build.batch(0)]));
  });

  it.each([
    ['cut', (out: string) => ['cut', '-o', out, dump]],
    ['merge', (out: string) => ['merge', '-o', out, dump]],
    ['salvage', (out: string) => ['salvage', dump, out]],
    ['state', (out: string) => ['state', '-o', out, dump]],
  ])('%s is for its owner alone, unless --mode or what it replaces says otherwise', async (name, args) => {
    const out = place(`${name}.out`);
    const run = (...more: string[]) => runCommand(['frames', ...args(out), ...more]);
    expect((await run()).status).toBe(0);
    expect(modeOf(out)).toBe('600');
    chmodSync(out, 0o640);
    expect((await run('--force')).status).toBe(0);
    expect(modeOf(out)).toBe('640');
    expect((await run('--force', '--mode', '600')).status).toBe(0);
    expect(modeOf(out)).toBe('600');
  });
});
