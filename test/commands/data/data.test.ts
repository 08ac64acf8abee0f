import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseName, segmentName } from '../../../src/data/manifest.js';
import { INDEX_ENTRY_BYTES, indexPath } from '../../../src/frame/index-entry.js';
import { Primary } from '../../../src/index.js';
import {
  contentOfDump as contentOf,
  FIRST,
  dataFiles as files,
  NOON,
  SECOND,
  writeData,
} from '../../support/data-fixture.js';
import { eventually } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-data-'));
const data = join(directory, 'data');
const place = (name: string) => join(data, name);

beforeAll(() => writeData(data));

afterAll(() => rmSync(directory, { recursive: true }));

describe('data ls', () => {
  it('lists bases and segments with their times, within 80 columns', async () => {
    const { status, stdout } = await runCommand(['data', 'ls', data]);
    expect(status).toBe(0);
    const bytes = Object.values(files).reduce((sum, file) => sum + file.length, 0);
    expect(stdout.replace(data, 'DIR')).toMatch(
      new RegExp(
        `^DIR: 3 segments, 1 base, ${bytes.toLocaleString('en')} bytes
a server has it, or ended without closing it
 +bytes +first record +last record +history
segment 1 +\\d+ +2026-01-01T12:01:00Z +2026-01-01T12:02:00Z +a1a1a1a1
base 1 +\\d+ +made 2026-01-01T12:10:05Z +2 keys +a1a1a1a1
segment 2 +\\d+ +2026-01-01T12:11:00Z +2026-01-01T12:11:00Z +a1a1a1a1
segment 3 +\\d+ +2026-01-01T12:21:00Z +2026-01-01T12:22:00Z +b2b2b2b2
it can be restored to
  any time from 2026-01-01T12:00:00Z to 2026-01-01T12:22:00Z \\(segments 1 to 3\\)
$`,
      ),
    );
    for (const line of stdout.replace(data, '').split('\n').slice(1))
      expect(line.length).toBeLessThanOrEqual(80);
  });

  it('has the same as a document', async () => {
    const { stdout } = await runCommand(['data', 'ls', '--json', data]);
    expect(JSON.parse(stdout)).toMatchObject({
      directory: data,
      isClean: false,
      segments: [
        { number: 1, file: segmentName(1), isSealed: true, frames: 3, follows: 'nothing' },
        { number: 2, isSealed: true },
        { number: 3, isSealed: false, bytes: files[segmentName(3)]!.length },
      ],
      bases: [{ number: 1, keys: 2, segment: 2 }],
      restorable: [{ fromMs: NOON, toMs: NOON + 22 * 60_000, segments: [1, 3], histories: [FIRST, SECOND] }],
    });
  });

  it('refuses what is no data directory', async () => {
    for (const [path, words] of [
      [directory, 'This is no data directory'],
      [join(directory, 'none'), 'There is no such directory'],
      [place('manifest'), 'This is no data directory'],
    ] as const) {
      const { status, stderr } = await runCommand(['data', 'ls', path]);
      expect([status, stderr]).toEqual([66, expect.stringContaining(words)]);
    }
  });
});

describe('data restore', () => {
  it.each([
    [1.5, { a: '1' }],
    [5, { a: '1', b: '1' }],
    [10.5, { a: '1', b: '1' }],
    [15, { a: '2', b: '1' }],
    [21.5, { a: '2', b: '1', c: '3' }],
    [undefined, { a: '3', b: '1', c: '3' }],
  ])('writes what was there %s minutes past noon', async (minutes, expected) => {
    const output = join(directory, `restored-${minutes}.fcrp`);
    const at = minutes === undefined ? [] : ['--at', `${NOON + minutes * 60_000}`];
    const { status, stderr } = await runCommand(['data', 'restore', data, ...at, '-o', output]);
    expect([status, stderr]).toEqual([0, '']);
    expect(await contentOf(output)).toEqual(expected);
  });

  it('refuses a time that it does not reach back to', async () => {
    const output = join(directory, 'early.fcrp');
    const { status, stderr } = await runCommand([
      'data',
      'restore',
      data,
      '--at',
      `${NOON - 1}`,
      '-o',
      output,
    ]);
    expect(status).toBe(2);
    expect(stderr).toContain('has nothing of that time');
  });
});

it('what servers wrote one after the other can be restored to a time between two writes', async () => {
  const written = join(directory, 'written');
  const times: number[] = [];
  for (const value of ['1', '2', '3']) {
    const primary = await Primary.start({ bind: ':0', listen: false, data: written });
    primary.set('key', value);
    primary.set(`of ${value}`, 'here');
    primary.flush();
    await primary.close();
    // The next write is of a later ms.
    times.push(Date.now());
    await eventually(
      () => Date.now(),
      (now) => now > times.at(-1)!,
    );
  }
  const { status, stdout } = await runCommand(['data', 'verify', written]);
  expect([status, stdout]).toEqual([0, expect.stringContaining('ok, its files lead to its content')]);
  for (const [at, ms] of times.entries()) {
    const output = join(directory, `written-${at}.fcrp`);
    expect((await runCommand(['data', 'restore', written, '--at', `${ms}`, '-o', output])).status).toBe(0);
    expect(await contentOf(output)).toMatchObject({ key: `${at + 1}` });
    expect(Object.keys(await contentOf(output))).toHaveLength(at + 2);
  }
});

describe('a data directory given to frames tools', () => {
  it('is one dump', async () => {
    const decoded = await runCommand(['frames', 'decode', '--format', 'ndjson', '--values', 'text', data]);
    expect(decoded.status).toBe(0);
    const sequences = Array.from(
      decoded.stdout.matchAll(/"type":"record".*?"sequence":"?(\d+)/g),
      ([, found]) => found,
    );
    expect(sequences).toEqual(['1', '2', '3', '101', '102']);
    expect((await runCommand(['frames', 'verify', data])).status).toBe(0);
    expect((await runCommand(['frames', 'diff', data, data])).status).toBe(0);
  });

  it('leads to a state through its histories', async () => {
    const keysAt = async (...args: string[]) => {
      const { stdout, status } = await runCommand(['frames', 'state', ...args, data]);
      expect(status).toBe(0);
      return Object.fromEntries(
        stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
          .map(({ key, value }) => [key, value]),
      );
    };
    expect(await keysAt()).toEqual({ a: '3', b: '1', c: '3' });
    expect(await keysAt('--until', `${NOON + 21.5 * 60_000}`)).toEqual({ a: '2', b: '1', c: '3' });
    expect(await keysAt('--until', `${NOON + 12 * 60_000}`)).toEqual({ a: '2', b: '1' });
    expect(await keysAt('--until', `${NOON + 1.5 * 60_000}`)).toEqual({ a: '1' });
  });
});

describe('data verify', () => {
  it('says that all is sound', async () => {
    const { status, stdout } = await runCommand(['data', 'verify', data]);
    expect(stdout).toContain(`${segmentName(1)}: ok, 3 frames checked against the index`);
    expect(stdout).toContain(`${data}: ok, its files lead to its content`);
    expect(status).toBe(0);
  });

  it('finds a flipped bit of a value, with file and offset, and takes a torn tail for none', async () => {
    appendFileSync(place(segmentName(3)), 'FCRP');
    const torn = await runCommand(['data', 'verify', data]);
    expect(torn.stdout).toContain('it ends inside a frame, as a crash or a server that writes leaves it');
    expect(torn.status).toBe(0);
    const bytes = readFileSync(place(segmentName(2)));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(place(segmentName(2)), bytes);
    const flipped = await runCommand(['data', 'verify', '--json', data]);
    expect(flipped.status).toBe(65);
    const document = JSON.parse(flipped.stdout) as {
      files: { file: string; faultCount: number; faults: object[] }[];
    };
    expect(document.files.find(({ faultCount }) => faultCount > 0)).toMatchObject({
      file: segmentName(2),
      faults: [{ code: 'FRAME_HASH_MISMATCH', file: place(segmentName(2)) }],
    });
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(place(segmentName(2)), bytes);
  });

  it('finds a sealed segment that is too short, and one that is missing', async () => {
    const name = place(segmentName(1));
    const bytes = readFileSync(name);
    rmSync(name);
    expect((await runCommand(['data', 'verify', data])).stdout).toContain('There is no such file');
    writeFileSync(name, bytes.subarray(0, statSync(place(baseName(1))).size));
    const { status, stdout } = await runCommand(['data', 'verify', data]);
    expect(status).toBe(65);
    expect(stdout).toContain(`and the manifest says ${bytes.length}`);
    writeFileSync(name, bytes);
  });

  it('names an index that does not reach to the end of its dump, and values as not checked there', async () => {
    const own = join(directory, 'unsound');
    await writeData(own);
    const index = join(own, indexPath(segmentName(1)));
    const whole = readFileSync(index);
    const offset = Number(whole.readBigUInt64LE(2 * INDEX_ENTRY_BYTES));
    for (const change of [
      Buffer.from(whole).fill(0xee, 2 * INDEX_ENTRY_BYTES, 3 * INDEX_ENTRY_BYTES),
      whole.subarray(0, 2 * INDEX_ENTRY_BYTES),
    ]) {
      writeFileSync(index, change);
      const { status, stdout } = await runCommand(['data', 'verify', own]);
      expect(status).toBe(65);
      expect(stdout).toContain(
        `${index}: It has no sound entry for byte ${offset} of its dump and what is behind`,
      );
      expect((await runCommand(['frames', 'index', join(own, segmentName(1))])).status).toBe(0);
      expect((await runCommand(['data', 'verify', own])).status).toBe(0);
      expect(readFileSync(index)).toEqual(whole);
    }
  });

  it.each([
    ['data', 'verify'],
    ['data', 'ls'],
    ['data', 'restore', '-o', 'never'],
    ['data', 'repair', '-o', 'never'],
    ['frames', 'stats'],
  ])('%s %s follows no link and waits for no pipe in a file’s place', async (...command) => {
    const own = join(directory, `planted ${command.join(' ')}`);
    await writeData(own);
    for (const name of [segmentName(1), indexPath(segmentName(2))]) {
      const bytes = readFileSync(join(own, name));
      rmSync(join(own, name));
      execFileSync('mkfifo', [join(own, name)]);
      const { status, stderr } = await runCommand([...command, own]);
      expect(status).not.toBe(0);
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain('It is no plain file');
      rmSync(join(own, name));
      writeFileSync(join(own, name), bytes);
    }
  });
});
