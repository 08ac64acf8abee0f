/**
 * A link or a pipe that somebody has put into a data directory in a file's place is neither followed nor
 * waited for.
 */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { baseName, segmentName } from '../../src/data/manifest.js';
import { openData } from '../../src/data/open-data.js';
import { encodeMark, markName, readMark } from '../../src/data/sync-mark.js';
import { systemDataFiles } from '../../src/data/system-data-files.js';
import { DEFAULT_FILE_MODE } from '../../src/files/file-mode.js';
import { indexPath } from '../../src/frame/index-entry.js';
import { dataFiles, writeData } from '../support/data-fixture.js';
import { newEngine } from '../support/engines.js';
import { plantDevice, plantPipe } from '../support/plants.js';

const scratch = mkdtempSync(join(tmpdir(), 'fastcache-planted-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let count = 0;

/** Makes a directory with content, of which the last segment has a mark. */
async function dataDirectory(): Promise<string> {
  const directory = join(scratch, `${count++}`);
  await writeData(directory);
  const last = segmentName(3);
  writeFileSync(join(directory, markName(last)), encodeMark(dataFiles[last]!.length));
  return directory;
}

function opened(directory: string) {
  const createStore = (shards: number) => {
    const engine = newEngine({ shards });
    engine.setReplica(true);
    return engine;
  };
  return openData({ files: systemDataFiles(directory, DEFAULT_FILE_MODE), createStore, onRead() {} });
}

const plants: Record<string, (path: string, victim: string) => void> = {
  'a link to a sound copy': (path, victim) => {
    renameSync(path, victim);
    symlinkSync(victim, path);
  },
  'a link to nothing': (path, victim) => {
    rmSync(path);
    symlinkSync(victim, path);
  },
  'a device': plantDevice,
  'a pipe': plantPipe,
  'a directory': (path) => {
    rmSync(path);
    mkdirSync(path);
  },
};

describe.each(Object.keys(plants))('%s', (plant) => {
  it.each([
    'manifest',
    segmentName(2),
    indexPath(segmentName(2)),
    baseName(1),
    segmentName(3),
    indexPath(segmentName(3)),
    markName(segmentName(3)),
  ])('in the place of %s ends the start with its name, and is left as it is', async (name) => {
    const directory = await dataDirectory();
    const victim = `${directory} victim`;
    const path = join(directory, name);
    const bytes = readFileSync(path);
    plants[plant]!(path, victim);
    await expect(opened(directory)).rejects.toMatchObject({ code: 'READ_FAILED', file: path });
    if (plant === 'a link to a sound copy') expect(readFileSync(victim)).toEqual(bytes);
  });

  it('by the name of a segment that no manifest names ends the start, too', async () => {
    const directory = await dataDirectory();
    const path = join(directory, segmentName(9));
    writeFileSync(path, 'something');
    plants[plant]!(path, `${directory} victim`);
    await expect(opened(directory)).rejects.toMatchObject({ code: 'READ_FAILED', file: path });
  });
});

it('a link is not cut, and what it leads to keeps its bytes', async () => {
  const victim = join(scratch, 'victim');
  writeFileSync(victim, 'somebody’s own');
  const directory = join(scratch, `${count++}`);
  mkdirSync(directory);
  symlinkSync(victim, join(directory, segmentName(1)));
  const files = systemDataFiles(directory, DEFAULT_FILE_MODE);
  await expect(files.truncate(segmentName(1), 0)).rejects.toMatchObject({ code: 'READ_FAILED' });
  expect(readFileSync(victim, 'utf8')).toBe('somebody’s own');
});

describe('a mark', () => {
  async function newMark() {
    const directory = join(scratch, `${count++}`);
    mkdirSync(directory);
    const files = systemDataFiles(directory, DEFAULT_FILE_MODE);
    const mark = await files.create(markName(segmentName(1)));
    onTestFinished(() => mark.close());
    return { path: join(directory, markName(segmentName(1))), files, mark };
  }

  it('in whose place there is a link is written where it was made', async () => {
    const { path, mark } = await newMark();
    const victim = `${path} victim`;
    writeFileSync(victim, 'somebody’s own');
    renameSync(path, `${path} made`);
    symlinkSync(victim, path);
    await mark.rewrite(encodeMark(7));
    expect(readFileSync(victim, 'utf8')).toBe('somebody’s own');
    expect(readFileSync(`${path} made`)).toEqual(encodeMark(7));
  });

  it('of which a disk takes a part at a time is written whole, in its place', async () => {
    const { files, mark, path } = await newMark();
    const any = await open(path);
    const handles = Object.getPrototypeOf(any) as { write(...given: unknown[]): Promise<unknown> };
    await any.close();
    const { write } = handles;
    const spy = vi.spyOn(handles, 'write').mockImplementation(function (this: unknown, ...given) {
      const [bytes, at, length, position] = given as [Buffer, number, number, number];
      return write.call(this, bytes, at, Math.min(length, 5), position);
    });
    onTestFinished(() => spy.mockRestore());
    for (const bytes of [12, 345_678]) {
      await mark.rewrite(encodeMark(bytes));
      expect(await readMark(files, segmentName(1))).toBe(bytes);
    }
  });

  it('may be written in turn with what is appended', async () => {
    const { mark, path } = await newMark();
    await mark.append([Buffer.from('0123456789')]);
    await mark.rewrite(Buffer.from('abc'));
    await mark.append([Buffer.from('more')]);
    expect(readFileSync(path, 'utf8')).toBe('abc3456789more');
  });
});
