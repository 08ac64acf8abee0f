/** `data restore`: each way to name a moment, and what it makes. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseName, type Manifest, segmentName } from '../../../src/data/manifest.js';
import {
  batch,
  contentOfDump,
  dataFiles,
  dataManifest,
  del,
  expire,
  FIRST,
  hello,
  minutes,
  NOON,
  ofFirst,
  SECOND,
  set,
  snapshot,
  writeData,
} from '../../support/data-fixture.js';
import { isCaughtUp } from '../../support/embedded-pair.js';
import { follow, startPrimary } from '../../support/library.js';
import { eventually, freePort } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-restore-'));
const data = join(directory, 'data');
let outputs = 0;

beforeAll(() => writeData(data));

afterAll(() => rmSync(directory, { recursive: true }));

async function restore(from: string, ...flags: string[]) {
  outputs += 1;
  const output = join(directory, `output-${outputs}`);
  return { output, ...(await runCommand(['data', 'restore', from, ...flags, '-o', output])) };
}

/** The content of a moment, which must be there. */
async function contentAt(from: string, ...flags: string[]) {
  const { output, status, stderr } = await restore(from, ...flags);
  expect(status, stderr).toBe(0);
  return { content: await contentOfDump(output), stderr };
}

describe('--watermarks', () => {
  it.each([
    ['1', { a: '1' }],
    ['2', { a: '1', b: '1' }],
    ['3', { a: '2', b: '1' }],
    ['100', { a: '2', b: '1' }],
    ['101', { a: '2', b: '1', c: '3' }],
    ['102', { a: '3', b: '1', c: '3' }],
  ])('%s have what was there then, in whichever history', async (watermarks, expected) => {
    expect((await contentAt(data, '--watermarks', watermarks)).content).toEqual(expected);
  });

  it.each([
    ['103', 'never at these watermarks: from what is before, it came to 102'],
    ['50', 'never at these watermarks'],
    ['1,2', 'expected 1, found 2'],
  ])('%s are refused, which it never was at', async (watermarks, words) => {
    const { status, stderr, output } = await restore(data, '--watermarks', watermarks);
    expect([status, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(existsSync(output)).toBe(false);
  });
});

describe('--before', () => {
  const lost = join(directory, 'lost');
  const files = {
    [segmentName(1)]: Buffer.concat([
      hello(0, ofFirst),
      batch(set(1, 'gone', 'old', 1), set(2, 'a=b', '1', 1), set(3, 'gone', 'new', 2)),
      batch(set(4, 'other', '1', 3), del(5, 'gone', 4), set(6, 'gone', 'remade', 5)),
      batch(set(7, 'told', '1', 6, 8), del(8, 'told', 9)),
      batch(set(9, 'hasty', '1', 10), expire(10, 'hasty', 11, 12), del(11, 'hasty', 13)),
      batch(set(12, 'a=b', '2', 14), set(13, 'same', '1', 15), set(14, 'same', '1', 16)),
    ]),
    // A snapshot of another primary, without what was there.
    [segmentName(2)]: Buffer.concat([hello(7, { history: SECOND, base: '5' }), batch(set(8, 'z', '2', 31))]),
    [baseName(1)]: Buffer.concat([
      hello(7, { history: SECOND, base: '5' }),
      ...snapshot(7, { z: '1', gone: 'remade' }),
    ]),
  };
  const manifest: Manifest = {
    isClean: true,
    segments: [
      {
        number: 1,
        bytes: files[segmentName(1)]!.length,
        follows: 'nothing',
        history: FIRST,
        begunAtMs: NOON,
      },
      {
        number: 2,
        bytes: files[segmentName(2)]!.length,
        follows: 'base',
        history: SECOND,
        begunAtMs: minutes(30),
      },
    ],
    bases: [
      {
        number: 1,
        bytes: files[baseName(1)]!.length,
        segment: 2,
        history: SECOND,
        keys: 2,
        madeAtMs: minutes(30),
      },
    ],
  };

  beforeAll(() => writeData(lost, files, manifest));

  it.each([
    ['a key that was deleted, and made again', 'gone', { gone: 'new', 'a=b': '1', other: '1' }, 'deleted'],
    ['a value of it', 'gone=old', { gone: 'old', 'a=b': '1' }, 'overwritten'],
    [
      'a value of a key with a = in its name',
      'a\\x3db=1',
      { 'a=b': '1', gone: 'remade', other: '1' },
      'overwritten',
    ],
    [
      'a key that was given an expiry',
      'hasty',
      { hasty: '1', gone: 'remade', 'a=b': '1', other: '1' },
      'given an expiry',
    ],
    [
      'a key that other content did not have',
      'same',
      { same: '1', gone: 'remade', 'a=b': '2', other: '1' },
      'other content took the place of all',
    ],
    ['a value in the content that came', 'z=1', { z: '1', gone: 'remade' }, 'overwritten'],
  ])('finds %s', async (_, key, expected, how) => {
    const { content, stderr } = await contentAt(lost, '--before', key);
    expect(content).toEqual(expected);
    expect(stderr).toContain(how);
  });

  it.each(['told', 'z=2', 'never'])('refuses %s, which was not lost by a change', async (key) => {
    const { status, stderr } = await restore(lost, '--before', key);
    expect([status, stderr]).toEqual([2, expect.stringContaining('was never deleted or overwritten')]);
  });
});

describe('a moment', () => {
  it.each([
    ['--at and --watermarks', ['--at', `${NOON}`, '--watermarks', '1']],
    ['--watermarks and --before', ['--watermarks', '1', '--before', 'a']],
  ])('is named by one flag: %s are refused', async (names, flags) => {
    const { status, stderr } = await restore(data, ...flags);
    expect([status, stderr]).toEqual([2, expect.stringContaining(`${names} each name a moment`)]);
  });

  it('before damage can be restored, one behind it cannot, and nothing is left of it', async () => {
    const damaged = join(directory, 'damaged');
    await writeData(damaged);
    const file = join(damaged, segmentName(1));
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(file, bytes);
    rmSync(join(damaged, baseName(1)));
    expect((await contentAt(damaged, '--at', `${minutes(1.5)}`)).content).toEqual({ a: '1' });
    expect((await contentAt(damaged, '--watermarks', '1')).content).toEqual({ a: '1' });
    for (const flags of [[], ['--watermarks', '2'], ['--at', `${minutes(2)}`], ['--before', 'a']]) {
      const { status, stderr, output } = await restore(damaged, ...flags, '--format', 'directory');
      expect(status).toBe(65);
      expect(stderr).toContain(segmentName(1));
      expect(stderr).toContain('fastcache data repair');
      expect(existsSync(output)).toBe(false);
    }
  });

  it('that damage follows is restored, and each damage is named', async () => {
    const damaged = join(directory, 'damaged-behind');
    await writeData(damaged);
    const file = join(damaged, segmentName(1));
    const bytes = readFileSync(file);
    const last = batch(set(3, 'c', '1', 3));
    const third = Buffer.concat([bytes, last]);
    const [first, ...others] = dataManifest.segments;
    const files = { ...dataFiles, [segmentName(1)]: third };
    rmSync(damaged, { recursive: true });
    await writeData(damaged, files, {
      ...dataManifest,
      segments: [{ ...first!, bytes: third.length }, ...others],
    });
    for (const at of [bytes.length - 1, third.length - 1]) third[at]! ^= 1;
    writeFileSync(file, third);
    rmSync(join(damaged, baseName(1)));
    const { status, stderr, output } = await restore(damaged, '--at', `${minutes(1.5)}`);
    expect(status).toBe(0);
    expect(await contentOfDump(output)).toEqual({ a: '1' });
    const places = [...stderr.matchAll(/^Not needed for this content: byte (\d+) of .*segment-00000001/gm)];
    expect(places.map(([, at]) => Number(at))).toEqual([
      bytes.length - batch(set(2, 'b', '1', 2)).length,
      bytes.length,
    ]);
    expect(stderr).not.toContain('data repair');
  });

  it('whose base is damaged is restored from an older one, which is said', async () => {
    const damaged = join(directory, 'damaged-base');
    await writeData(damaged);
    const file = join(damaged, baseName(1));
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(file, bytes);
    const { status, stderr, output } = await restore(damaged, '--at', `${minutes(11.5)}`);
    expect(status).toBe(0);
    expect(await contentOfDump(output)).toEqual({ a: '2', b: '1' });
    expect(stderr).toMatch(/^Not needed for this content: .*base-00000001\.fcrp: It is damaged/m);
  });

  it('behind the oldest base can be restored before any record behind it', async () => {
    const pruned = join(directory, 'pruned');
    const segments = dataManifest.segments.slice(1);
    await writeData(pruned, dataFiles, { ...dataManifest, segments });
    expect((await contentAt(pruned, '--at', `${minutes(10.5)}`)).content).toEqual({ a: '1', b: '1' });
    const early = await restore(pruned, '--at', `${minutes(9)}`);
    expect([early.status, early.stderr]).toEqual([2, expect.stringContaining('has nothing of that time')]);
  });

  it('that a torn end of the last segment follows can be restored', async () => {
    const torn = join(directory, 'torn');
    const last = dataFiles[segmentName(3)]!;
    await writeData(torn);
    writeFileSync(join(torn, segmentName(3)), last.subarray(0, last.length - 3));
    expect((await contentAt(torn)).content).toEqual({ a: '2', b: '1', c: '3' });
    const { stdout } = await runCommand(['frames', 'state', torn]);
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(3);
  });
});

describe('--format directory', () => {
  it('makes a directory whose server has that content and continues its history', async () => {
    const { output, status, stdout, stderr } = await restore(
      data,
      '--watermarks',
      '101',
      '--format',
      'directory',
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`${output}: 3 keys`);
    expect(statSync(output).mode & 0o777).toBe(0o700);
    expect((await runCommand(['data', 'verify', output])).status).toBe(0);
    const primary = await startPrimary({ bind: ':0', listen: false, data: output });
    expect(['a', 'b', 'c'].map((key) => primary.get(key)?.toString())).toEqual(['2', '1', '3']);
    expect(primary.history).not.toBe(SECOND);
    primary.set('more', '1');
    await primary.close();
    const decoded = await runCommand(['frames', 'decode', '--kind', 'Hello', '--format', 'ndjson', output]);
    expect(decoded.stdout).toContain(`${SECOND}@101`);
    expect((await contentAt(output)).content).toEqual({ a: '2', b: '1', c: '3', more: '1' });
  });

  it('rolls replicas back that have more, without their being told', async () => {
    const own = join(directory, 'own');
    const bind = `127.0.0.1:${await freePort()}`;
    const first = await startPrimary({ bind, listen: false, data: own });
    const replica = await follow(bind);
    first.set('key', 'meant');
    first.set('key', 'wrong');
    await isCaughtUp({ primary: first, replica });
    await first.close();
    const { output, status } = await restore(own, '--before', 'key', '--format', 'directory');
    expect(status).toBe(0);
    await startPrimary({ bind, listen: false, data: output });
    await eventually(
      () => replica.get('key')?.toString(),
      (value) => value === 'meant',
    );
  });

  it('writes over nothing, and says what to do', async () => {
    const there = join(directory, 'there');
    mkdirSync(there);
    for (const flags of [[], ['--json']]) {
      const run = ['data', 'restore', data, '--format', 'directory', '-o', there, ...flags];
      const { status, stderr, stdout } = await runCommand(run);
      expect(status).toBe(2);
      expect(stderr + stdout).toContain('Name one that is not there');
    }
    const forced = await restore(data, '--format', 'directory', '--force');
    expect([forced.status, forced.stderr]).toEqual([2, expect.stringContaining('--force is for a dump')]);
  });

  it('refuses a moment at which nothing had been written', async () => {
    const { status, stderr } = await restore(data, '--watermarks', '0', '--format', 'directory');
    expect([status, stderr]).toEqual([2, expect.stringContaining('Nothing had been written by then')]);
  });
});

it('what is restored says how much it is as JSON, too', async () => {
  const { output, stdout } = await restore(data, '--json', '--format', 'directory');
  expect(JSON.parse(stdout)).toMatchObject({ target: output, keys: 3, watermarks: ['102'], files: [data] });
});
