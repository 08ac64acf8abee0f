import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xxh3 } from '@node-rs/xxhash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseName, encodeManifest, type Manifest, segmentName } from '../../../src/data/manifest.js';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries } from '../../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { foldDump, indexDump } from '../../../src/frames/index.js';
import { Primary } from '../../../src/index.js';
import { eventually } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-data-'));
const data = join(directory, 'data');
const place = (name: string) => join(data, name);
const [first, second] = ['a1'.repeat(16), 'b2'.repeat(16)];
const NOON = Date.UTC(2026, 0, 1, 12);

/** A record that sets a key at so many minutes past noon. */
function set(sequence: number, key: string, value: string, minutes: number) {
  return {
    shard: 0,
    sequence: BigInt(sequence),
    timestampMs: BigInt(NOON + minutes * 60_000),
    op: 'set' as const,
    keyHash: xxh3.xxh64(Buffer.from(key)),
    expireAtMs: null,
    key: Buffer.from(key),
    value: Buffer.from(value),
  };
}

const batch = (...records: ReturnType<typeof set>[]) =>
  encodeFrame(FrameKind.MutationBatch, encodeBatch(records));

function hello(watermark: number, margin: Record<string, string>): Buffer {
  return encodeHelloFrame(
    { role: 'replica', watermarks: [BigInt(watermark)] },
    { margin: new Map(Object.entries(margin)) },
  );
}

function snapshot(watermark: number, content: Record<string, string>): Buffer[] {
  const watermarks = [BigInt(watermark)];
  const entries = Object.entries(content).map(([key, value]) => ({
    key: Buffer.from(key),
    value: Buffer.from(value),
    expireAtMs: null,
  }));
  const chunk = encodeSnapshotChunk({
    chunkIndex: 0n,
    last: true,
    watermarks,
    entryCount: entries.length,
    entries: encodeSnapshotEntries(entries),
  });
  return [
    encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(watermarks)),
    encodeFrame(FrameKind.SnapshotChunk, chunk),
    encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(watermarks)),
  ];
}

const ofFirst = { history: first, base: '0' };
const ofSecond = { history: second, base: '100', prev: `${first}@3`, prevbase: '0', continues: 'here' };

const files: Record<string, Buffer> = {
  [segmentName(1)]: Buffer.concat([
    hello(0, ofFirst),
    batch(set(1, 'a', '1', 1)),
    batch(set(2, 'b', '1', 2)),
  ]),
  [segmentName(2)]: Buffer.concat([hello(2, ofFirst), batch(set(3, 'a', '2', 11))]),
  // A crash: another history continues the first.
  [segmentName(3)]: Buffer.concat([
    hello(100, ofSecond),
    batch(set(101, 'c', '3', 21)),
    batch(set(102, 'a', '3', 22)),
  ]),
  [baseName(1)]: Buffer.concat([hello(2, ofFirst), ...snapshot(2, { a: '1', b: '1' })]),
};

const manifest: Manifest = {
  isClean: false,
  segments: [
    { number: 1, bytes: files[segmentName(1)]!.length, follows: 'nothing', history: first, begunAtMs: NOON },
    {
      number: 2,
      bytes: files[segmentName(2)]!.length,
      follows: 'segment',
      history: first,
      begunAtMs: NOON + 600_000,
    },
    { number: 3, bytes: null, follows: 'segment', history: second, begunAtMs: NOON + 1_200_000 },
  ],
  bases: [
    {
      number: 1,
      bytes: files[baseName(1)]!.length,
      segment: 2,
      history: first,
      keys: 2,
      madeAtMs: NOON + 605_000,
    },
  ],
};

beforeAll(async () => {
  mkdirSync(data);
  writeFileSync(place('manifest'), encodeManifest(manifest));
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(place(name), bytes);
    await indexDump(place(name));
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

/** The content of a dump, as an object. */
async function contentOf(dump: string): Promise<Record<string, string>> {
  const keySpace = await foldDump(dump);
  return Object.fromEntries(Array.from(keySpace.entries(), ({ key, value }) => [`${key}`, `${value}`]));
}

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
it can be restored to any time from 2026-01-01T12:00:00Z to 2026-01-01T12:22:00Z
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
    });
  });

  it('refuses what is no data directory', async () => {
    for (const path of [directory, join(directory, 'none'), place('manifest')]) {
      const { status, stderr } = await runCommand(['data', 'ls', path]);
      expect(status).toBe(66);
      expect(stderr).toContain('This is no data directory');
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
});
