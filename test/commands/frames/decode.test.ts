import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-decode-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ALL = 'fixtures/golden/all.fcrp';

describe('frames decode', () => {
  it('prints a dump for reading, without colours into a pipe', async () => {
    const { status, stdout, stderr } = await runCommand(['frames', 'decode', ALL]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('2025-10-09T08:53:20.001Z  set     "alpha" = "one"');
    expect(stdout).toContain('expires 2030-03-17T17:46:40.000Z');
    expect(stdout).toContain('(3000 bytes)');
    expect(stdout).not.toContain('\u001b');
  });

  it('colours when it is told to, but not against --no-color or NO_COLOR', async () => {
    const colors = async (args: string[], env: Record<string, string>) =>
      (await runCommand(['frames', 'decode', ALL, ...args], { env })).stdout.includes('\u001b[');
    expect(await colors([], { FORCE_COLOR: '1' })).toBe(true);
    expect(await colors(['--no-color'], { FORCE_COLOR: '1' })).toBe(false);
    expect(await colors([], { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
    expect(await colors([], { FORCE_COLOR: '1', FASTCACHE_NO_COLOR: 'true' })).toBe(false);
  });

  it('reads binary stdin whole', async () => {
    const stdin = readFileSync(ALL);
    const fromStdin = await runCommand(['frames', 'decode', '-', '--format', 'ndjson'], { stdin });
    const fromFile = await runCommand(['frames', 'decode', ALL, '--format=ndjson']);
    expect(fromStdin).toEqual(fromFile);
    expect(fromFile.stdout.trim().split('\n').length).toBeGreaterThan(1_000);
  });

  it('takes the format from the flag before the environment', async () => {
    const env = { FASTCACHE_FORMAT: 'ndjson' };
    expect((await runCommand(['frames', 'decode', ALL], { env })).stdout).toMatch(/^\{"type":"frame"/);
    expect((await runCommand(['frames', 'decode', ALL, '--format', 'text'], { env })).stdout).toMatch(
      /^ +offset/,
    );
  });

  it('takes every filter from flags, given several times or with commas, and from the environment', async () => {
    const flags = {
      start: '1',
      end: '9',
      since: '2025-10-09T08:53:20.001Z',
      until: '1760000000006',
      shard: '0,1',
      kind: 'mutationbatch',
      op: 'set,expire',
      key: 'a*',
      limit: '2',
      values: 'hex',
      format: 'ndjson',
    };
    const named = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const env = Object.fromEntries(
      Object.entries(flags).map(([name, value]) => [`FASTCACHE_${name.toUpperCase()}`, value]),
    );
    const byFlags = await runCommand(['frames', 'decode', ...named, '--op', 'del', ALL]);
    const byEnvironment = await runCommand(['frames', 'decode', ALL], { env });
    expect(byFlags).toMatchObject({ status: 0, stderr: '' });
    const records = byFlags.stdout.split('\n').filter((line) => line.includes('"record"'));
    expect(records.map((line) => JSON.parse(line))).toMatchObject([
      { key: 'alpha', op: 'set', valueHex: '6f6e65' },
      { key: 'alpha', op: 'expire', valueHex: '' },
    ]);
    expect(byEnvironment).toEqual(byFlags);
  });

  it('shows frames alone, or nothing but faults', async () => {
    const frames = await runCommand(['frames', 'decode', ALL, '--frames']);
    expect(frames.stdout.trimEnd().split('\n')).toHaveLength(2 + 11);
    expect(await runCommand(['frames', 'decode', ALL, '--quiet'])).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    const faulty = await runCommand(['frames', 'decode', '--quiet', ALL, 'fixtures/hostile/kind-0.fcrp']);
    expect(faulty).toMatchObject({ status: 65, stdout: '' });
    expect(faulty.stderr).toContain('byte 5 of fixtures/hostile/kind-0.fcrp');
  });

  it('names file, byte and code of a fault and exits 65', async () => {
    const cut = join(directory, 'cut\u001b[31m.fcrp');
    writeFileSync(cut, readFileSync(ALL).subarray(0, 500));
    const { status, stdout, stderr } = await runCommand(['frames', 'decode', cut]);
    expect(status).toBe(65);
    expect(stdout).toContain('Hello');
    expect(stderr).toContain('byte 88 of ');
    expect(stderr).toContain('cut\\x1b[31m.fcrp: The stream ends inside its last frame');
    expect(stderr).toContain('FCRP_TRUNCATED');
    expect(stderr).not.toContain('\u001b');
  });

  it('keeps the exit status with --json, in one document', async () => {
    const { status, stdout } = await runCommand([
      'frames',
      'decode',
      '--json',
      'fixtures/hostile/magic-http.fcrp',
    ]);
    expect(status).toBe(65);
    expect(JSON.parse(stdout).files[0].fault).toMatchObject({ code: 'FCRP_BAD_MAGIC', offset: 0 });
  });

  it('exits 66 for what is no file', async () => {
    for (const file of ['no/such.fcrp', 'fixtures']) {
      const { status, stderr } = await runCommand(['frames', 'decode', file]);
      expect(status).toBe(66);
      expect(stderr).toContain(`${file}: `);
      expect(stderr).toContain('NO_INPUT');
    }
  });

  it.each([
    [['frames', 'decode'], 'Missing 1 required arg'],
    [['frames', 'decode', ALL, '--format', 'xml'], 'text, ndjson, msgpack'],
    [['frames', 'decode', ALL, '--no-such-flag'], '--no-such-flag'],
    [['frames', 'decode', '-', '-'], 'only once'],
    [['frames', 'decode', ALL, '--start', '-1'], '--start: expected a sequence'],
    [['frames', 'decode', ALL, '--start', '2', '--end', '1'], '--start is above --end'],
    [['frames', 'decode', ALL, '--since', 'today'], '--since: expected Unix milliseconds or a time like'],
    [['frames', 'decode', ALL, '--shard', '1,x'], '--shard: expected a whole number'],
    [['frames', 'decode', ALL, '--kind', 'Ack,Nack'], 'expected one of Hello, SnapshotBegin'],
    [['frames', 'decode', ALL, '--op', 'get'], 'expected one of set, del, expire'],
    [['frames', 'decode', ALL, '--limit', '0'], 'expected a whole number from 1'],
    [['frames', 'decode', ALL, '--values', 'raw'], 'none, text, hex, base64'],
    [['frames', 'decode', ALL, '--max-frame', '1gb'], '1 to 256mb'],
    [['frames', 'decode', ALL, '--quiet', '--key', 'a*'], '--key has no meaning beside it'],
    [['frames', 'decode', '-', '--follow'], '--follow is for a file'],
    [['frames', 'decode', ALL, ALL, '--follow'], '--follow is for one file'],
    [['frames', 'decode', ALL, '--stats', '--frames'], '--stats shows counts alone'],
    [['frames', 'decode', ALL, '--frames', '--values', 'hex'], '--frames shows no values'],
  ])('exits 2 for %j', async (args, message) => {
    const [text, json] = await Promise.all([runCommand(args), runCommand([...args, '--json'])]);
    expect(text.status).toBe(2);
    expect(text.stdout).toBe('');
    expect(text.stderr).toContain(message);
    expect(json.status).toBe(2);
    expect(json.stderr).toBe('');
    expect(JSON.parse(json.stdout)).toEqual({
      error: { name: expect.any(String), code: 'USAGE', message: expect.stringContaining(message), exit: 2 },
    });
  });

  it('ends quietly and well when its reader leaves', async () => {
    const file = join(directory, 'many.fcrp');
    const once = readFileSync('fixtures/golden/batch-512-plain.fcrp');
    writeFileSync(file, Buffer.concat(Array.from({ length: 200 }, () => once)));
    const child = spawn(process.execPath, ['bin/run.js', 'frames', 'decode', file], { cwd: repositoryRoot });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('waits for a slow reader instead of gathering, and loses nothing', async () => {
    const file = join(directory, 'slow.fcrp');
    const once = readFileSync('fixtures/golden/batch-512-plain.fcrp');
    writeFileSync(file, Buffer.concat(Array.from({ length: 50 }, () => once)));
    const child = spawn(
      '/bin/sh',
      [
        '-c',
        '"$0" bin/run.js frames decode "$1" --format ndjson | (sleep 0.3; wc -l)',
        process.execPath,
        file,
      ],
      {
        cwd: repositoryRoot,
      },
    );
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(Number(stdout)).toBe(50 * 513);
  });

  it('follows a file as it grows, writes at once, and ends well on SIGINT', async () => {
    const file = join(directory, 'growing.fcrp');
    const ack = readFileSync('fixtures/golden/ack.fcrp');
    writeFileSync(file, ack);
    const child = spawn(
      process.execPath,
      ['bin/run.js', 'frames', 'decode', file, '--follow', '--format', 'ndjson'],
      { cwd: repositoryRoot },
    );
    let stdout = '';
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const acks = (count: number) =>
      new Promise<void>((resolve, reject) => {
        child.once('close', () => reject(new Error(`it ended: ${stderr}`)));
        const look = () => stdout.split('"Ack"').length > count && resolve();
        child.stdout.on('data', look);
        look();
      });
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    await acks(1);
    appendFileSync(file, Buffer.concat([ack, ack.subarray(0, 20)]));
    await acks(2);
    child.kill('SIGINT');
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  it('does not follow into the one document of --json', async () => {
    const { status, stdout } = await runCommand(['frames', 'decode', ALL, '--follow', '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error.message).toContain('take --format ndjson');
  });

  it('explains itself, with examples that work', async () => {
    const { status, stdout } = await runCommand(['frames', 'decode', '--help']);
    expect(status).toBe(0);
    for (const word of [
      'USAGE',
      'FILE...',
      '--format',
      '--json',
      'FASTCACHE_FORMAT',
      '65',
      '66',
      'EXAMPLES',
    ]) {
      expect(stdout).toContain(word);
    }
    const examples = [...stdout.matchAll(/^ +\$ fastcache (frames decode[^$]*?dump\.fcrp)$/gm)].map(
      ([, example]) => example!.replace(/(\s|\\\n)+/g, ' '),
    );
    expect(examples.length).toBe(7);
    // The last one has no end.
    for (const example of examples.slice(0, -1)) {
      const [command, input] = example.split(' < ');
      const args = command!
        .split(' ')
        .map((word) => (word === 'dump.fcrp' ? ALL : word.replace(/^'(.*)'$/, '$1')));
      const result = await runCommand(args, input === undefined ? {} : { stdin: readFileSync(ALL) });
      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(result.stdout === '').toBe(args.includes('--quiet'));
    }
    expect(examples.at(-1)).toBe('frames decode --follow dump.fcrp');
  });
});

describe('topics', () => {
  it('are listed with what they are for', async () => {
    const { stdout } = await runCommand(['--help']);
    expect(stdout).toMatch(/frames +Inspect dumps/);
    expect(stdout).toMatch(/watermarks +Show how far/);
    expect((await runCommand(['frames'])).stdout).toContain('frames decode');
  });
});
