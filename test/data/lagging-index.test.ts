/** A killed server leaves a segment whose index is behind: starts and tools have all that is sealed. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { segmentName } from '../../src/data/manifest.js';
import { encodeMark, markName } from '../../src/data/sync-mark.js';
import { systemDataFiles } from '../../src/data/system-data-files.js';
import { INDEX_ENTRY_BYTES, indexPath } from '../../src/frame/index-entry.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { indexDump } from '../../src/frames/index.js';
import { DataNode } from '../support/data-node.js';
import { withoutRoom } from '../support/room.js';
import { runCommand } from '../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-lagging-'));
const NAME = segmentName(1);
const KEYS = 30;
const filesOf = (path: string) => systemDataFiles(path, 0o600);

/** The files of a server that runs, whose index has the Hello alone. */
let killed: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  const path = join(directory, 'written');
  const node = await DataNode.start({ files: filesOf(path), segmentBytes: 1_000_000 });
  for (let at = 0; at < KEYS; at += 1) await node.set(`key ${at}`, `value ${at}`);
  const names = readdirSync(path).filter((name) => !name.startsWith('lock'));
  killed = new Map(names.map((name) => [name, readFileSync(join(path, name))]));
  await node.stop();
});

afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
function copied(): string {
  const path = join(directory, `copy-${count++}`);
  mkdirSync(path);
  for (const [name, bytes] of killed) writeFileSync(join(path, name), bytes);
  truncateSync(join(path, indexPath(NAME)), 2 * INDEX_ENTRY_BYTES);
  return path;
}

/** Offsets behind each seal. */
function sealedEnds(bytes: Buffer): number[] {
  const ends: number[] = [];
  new FrameSplitter().push(bytes, (frame) => {
    if (frame.header.kind === FrameKind.Seal) ends.push(frame.offset + frame.bytes.length);
  });
  return ends;
}

const changeValue = (path: string, at: number) => {
  const bytes = readFileSync(join(path, NAME));
  const found = bytes.indexOf(`value ${at}`);
  bytes[found]! ^= 1;
  writeFileSync(join(path, NAME), bytes);
};

describe('a start', () => {
  it('has all that is sealed, and completes the index', async () => {
    const path = copied();
    const node = await DataNode.start({ files: filesOf(path) });
    expect(node.opened.notes).toEqual([]);
    for (let at = 0; at < KEYS; at += 1) expect(node.engine.get(`key ${at}`)?.toString()).toBe(`value ${at}`);
    const index = readFileSync(join(path, indexPath(NAME)));
    copyFileSync(join(path, NAME), join(directory, 'alone.fcrp'));
    await indexDump(join(directory, 'alone.fcrp'));
    expect(index).toEqual(readFileSync(join(directory, 'alone.fcrp.idx')));
    await node.stop();
    const { status, stdout } = await runCommand(['data', 'verify', path]);
    expect([status, stdout]).toEqual([0, expect.stringContaining('its files lead to its content')]);
  });

  it('keeps what is behind the last seal as a tear', async () => {
    const path = copied();
    const bytes = await withoutRoom(readFileSync(join(path, NAME)));
    const last = sealedEnds(bytes).at(-2)!;
    writeFileSync(join(path, NAME), bytes.subarray(0, bytes.length - 1));
    writeFileSync(join(path, markName(NAME)), encodeMark(0));
    const node = await DataNode.start({ files: filesOf(path) });
    expect(node.opened.notes).toEqual([expect.stringContaining(`ended in a tear at byte ${last}`)]);
    expect(readFileSync(join(path, `${NAME}.torn`))).toEqual(bytes.subarray(last, bytes.length - 1));
    await node.stop();
  });
});

describe('without changing anything', () => {
  /** Runs a command on a copy, which must stay as it is. */
  async function runOn(path: string, ...args: string[]) {
    const before = readdirSync(path).map((name) => [name, readFileSync(join(path, name)).toString('hex')]);
    const result = await runCommand(args);
    expect(readdirSync(path).map((name) => [name, readFileSync(join(path, name)).toString('hex')])).toEqual(
      before,
    );
    return result;
  }

  it('data verify finds it sound', async () => {
    const path = copied();
    const { status, stdout } = await runOn(path, 'data', 'verify', path);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`${path}: ok`)]);
  });

  it('data verify names damage that is in no index yet', async () => {
    const path = copied();
    changeValue(path, 10);
    const { status, stdout } = await runOn(path, 'data', 'verify', path);
    expect([status, stdout]).toEqual([65, expect.stringContaining('is not what the seal behind it says')]);
  });

  it('data ls has the time of the last record, and every frame', async () => {
    const path = copied();
    const { stdout } = await runOn(path, 'data', 'ls', '--json', path);
    let frames = 0;
    new FrameSplitter().push(await withoutRoom(killed.get(NAME)!), () => {
      frames += 1;
    });
    const [segment] = JSON.parse(stdout).segments;
    expect(segment).toMatchObject({ frames, isSealed: false });
    expect(segment.lastMs).toBeGreaterThan(0);
  });

  it('data restore and frames state have all of it', async () => {
    const path = copied();
    const target = join(directory, 'restored.fcrp');
    expect(await runOn(path, 'data', 'restore', path, '-o', target)).toMatchObject({ status: 0 });
    const { stdout } = await runOn(path, 'frames', 'state', '--json', path);
    expect(stdout.match(/"key":"key \d+"/g)).toHaveLength(KEYS);
    const kinds: number[] = [];
    new FrameSplitter().push(readFileSync(target), ({ header }) => kinds.push(header.kind));
    expect(kinds).not.toContain(FrameKind.Seal);
  });

  it('data repair takes all that is sealed, and leaves a torn end', async () => {
    const path = copied();
    const bytes = await withoutRoom(readFileSync(join(path, NAME)));
    writeFileSync(join(path, NAME), bytes.subarray(0, bytes.length - 1));
    writeFileSync(join(path, markName(NAME)), encodeMark(0));
    const target = join(directory, 'repaired');
    const { status, stdout } = await runOn(path, 'data', 'repair', path, '-o', target, '--json');
    expect([status, JSON.parse(stdout).lost.records]).toEqual([0, '0']);
    const last = sealedEnds(bytes).at(-2)!;
    expect(readFileSync(join(target, NAME))).toEqual(bytes.subarray(0, last));
  });

  it('frames decode shows the seals, and frames cut leaves them out', async () => {
    const path = copied();
    const shown = await runOn(path, 'frames', 'decode', '--kind', 'Seal', '--format=ndjson', path);
    expect(shown.stdout).toContain('"kind":"Seal"');
    const cut = join(directory, 'cut.fcrp');
    expect(await runOn(path, 'frames', 'cut', path, '-o', cut)).toMatchObject({ status: 0 });
    const kinds: number[] = [];
    new FrameSplitter().push(readFileSync(cut), ({ header }) => kinds.push(header.kind));
    expect(kinds).toContain(FrameKind.MutationBatch);
    expect(kinds).not.toContain(FrameKind.Seal);
  });
});
