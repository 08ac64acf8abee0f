/** The frames toolkit as a program imports it, by the package's own name. */
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  countDump,
  cutDump,
  type DumpProgress,
  decodeDump,
  diffKeySpaces,
  FrameFilter,
  foldDump,
  mergeDumps,
  replayDump,
  salvageDump,
  verifyDump,
} from 'fastcache/frames';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { DumpBuilder } from '../support/dump-builder.js';
import { startPrimary } from '../support/library.js';
import { loadedModules, withSources } from '../support/loaded-modules.js';
import { bytesOf } from '../support/raw-frames.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-frames-'));
afterAll(() => rmSync(directory, { recursive: true }));
const output = join(directory, 'made.fcrp');
beforeEach(() => rmSync(output, { force: true }));

function dump(name: string, ...frames: Buffer[]): string {
  const file = join(directory, name);
  writeFileSync(file, bytesOf(...frames));
  return file;
}

const build = new DumpBuilder(2);
const sound = dump('sound.fcrp', ...build.snapshot(2), build.batch(0, 4), build.batch(1, 3));
const damage = Buffer.from('these bytes are no frame');
const before = build.batch(0, 2);
const damaged = dump('damaged.fcrp', before, damage, build.batch(1, 2));

describe('each function takes a path, a Readable, and an async iterable of bytes', () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const bytes = new Uint8Array(readFileSync(sound));
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
  }

  it.each([
    ['a path', () => sound, sound],
    ['a Readable', () => createReadStream(sound), 'the stream'],
    ['what yields bytes', pieces, 'the stream'],
  ])('%s', async (_what, source, file) => {
    expect(await verifyDump(source())).toMatchObject({
      file,
      isSound: true,
      records: 7,
      entries: 10,
      shards: 2,
    });
    expect(await countDump(source())).toMatchObject({
      file,
      fault: undefined,
      total: { records: 7, entries: 10 },
      ops: [{ op: 'set', records: 7 }],
    });
    const kinds: string[] = [];
    for await (const { kind, content } of decodeDump(source())) {
      kinds.push(kind);
      if (content.type === 'batch') expect(Array.from(content.items, ({ op }) => op)).toContain('set');
    }
    expect(kinds).toEqual([
      'SnapshotBegin',
      'SnapshotChunk',
      'SnapshotChunk',
      'SnapshotEnd',
      'MutationBatch',
      'MutationBatch',
    ]);
    expect((await foldDump(source())).keys).toBe(17);
    expect(await salvageDump(source(), { output, force: true })).toMatchObject({ output, frames: 6 });
    expect(readFileSync(output).equals(readFileSync(sound))).toBe(true);
    expect(await cutDump(source(), { output, force: true, limit: 4 })).toMatchObject({
      isSnapshotLeftOut: true,
    });
  });
});

describe('a damaged dump', () => {
  it('is reported by verifyDump, with the byte offset, up to so many faults', async () => {
    const place = { file: damaged, offset: before.length, code: 'FCRP_BAD_MAGIC' };
    const { isSound, faultCount, faults } = await verifyDump(damaged);
    expect([isSound, faultCount]).toEqual([false, 1]);
    expect(faults).toMatchObject([{ fault: place, isCutTail: false }]);
    expect(await verifyDump(damaged, { maxFaults: 0 })).toMatchObject({ faultCount: 1, faults: [] });
  });

  it('is counted and decoded up to the damage', async () => {
    const fault = { file: damaged, offset: before.length };
    expect(await countDump(damaged)).toMatchObject({ total: { records: 2 }, fault });
    await expect(async () => {
      for await (const _ of decodeDump(damaged));
    }).rejects.toMatchObject(fault);
  });

  it('is stepped over by what makes another, and that says what is lost', async () => {
    const { inputs, frames } = await salvageDump(damaged, { output });
    expect(frames).toBe(2);
    expect(inputs).toMatchObject([{ file: damaged, losses: { count: 1, bytes: damage.length, frames: 0 } }]);
    expect(inputs[0]!.losses.items).toMatchObject([
      { fault: { code: 'FCRP_BAD_MAGIC' }, start: before.length },
    ]);
  });

  it('leads to no key space', async () => {
    await expect(foldDump([sound, damaged])).rejects.toMatchObject({ code: 'FCRP_BAD_MAGIC', file: damaged });
  });
});

describe('cutDump', () => {
  it('copies what a filter chooses, of one dump after the other', async () => {
    const filter = new FrameFilter({ kinds: ['MutationBatch'], shards: [0] });
    expect(await cutDump([sound, damaged], { output, filter })).toMatchObject({
      records: 6,
      entries: 0,
      isSnapshotLeftOut: false,
      inputs: [{ file: sound }, { file: damaged }],
    });
  });

  it('refuses what makes no sense in the names of options', async () => {
    expect(() => new FrameFilter({ start: 2n, end: 1n })).toThrow('`start` is above `end`.');
    const torn = cutDump(sound, { output, filter: new FrameFilter({ kinds: ['SnapshotChunk'] }) });
    await expect(torn).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('`kinds`'),
    });
    writeFileSync(output, 'precious');
    const over = cutDump(sound, { output });
    await expect(over).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('`force`'),
    });
    expect(readFileSync(output, 'utf8')).toBe('precious');
  });
});

it('mergeDumps puts the frames of all dumps into one', async () => {
  const [one, two] = [dump('one.fcrp', build.batch(0, 1)), dump('two.fcrp', build.batch(1, 1))];
  const merged = await mergeDumps([two, one], { output });
  expect(merged).toMatchObject({ frames: 2, records: 2, inputs: [{ file: two }, { file: one }] });
  expect(merged.remaining.count).toBe(0);
  await expect(mergeDumps(['-'], { output, force: true })).rejects.toMatchObject({ code: 'BAD_OPTION' });
});

describe('key spaces', () => {
  it('show their entries and make a dump', async () => {
    const keySpace = await foldDump(sound);
    expect(keySpace).toMatchObject({ keys: 17, expiredKeys: 0, atMs: 1_760_000_000_000 });
    const keys = Array.from(keySpace.entries(), ({ key }) => `${key}`);
    expect(keys).toHaveLength(17);
    const again = await foldDump(Readable.from(keySpace.frames({ compression: 'zstd' })));
    expect(again.watermarks).toEqual(keySpace.watermarks);
    expect(Array.from(again.entries(), ({ key }) => `${key}`).sort()).toEqual(keys.sort());
  });

  it('are compared, whether they are dumps or folded already', async () => {
    const later = new DumpBuilder(2);
    const longer = dump('longer.fcrp', ...later.snapshot(2), later.batch(0, 4), later.batch(1, 5));
    const found: string[] = [];
    const diff = await diffKeySpaces(await foldDump(sound), longer, {
      onDifference: async ({ type, key }) => {
        found.push(`${type} ${key}`);
      },
    });
    expect(diff).toMatchObject({ isEqual: false, added: 2, removed: 0, changed: 0, equal: 17 });
    expect(found).toEqual([expect.stringMatching(/^added key:/), expect.stringMatching(/^added key:/)]);
    expect((await diffKeySpaces(sound, createReadStream(sound))).isEqual).toBe(true);
  });

  it('reach a server by replayDump, up to a limit or the damage', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const to = primary.listenAddress!;
    expect(await replayDump(sound, { to, limit: 12 })).toMatchObject({
      counts: { records: 2, entries: 10 },
      interrupted: undefined,
      fault: undefined,
    });
    const { counts, fault } = await replayDump([sound, damaged], { to });
    expect([counts.records, fault?.offset]).toEqual([9, before.length]);
    expect(primary.keyCount()).toBe(19);
  });
});

describe('a signal', () => {
  it('ends the work with its reason though the dump says nothing more, and leaves no file', async () => {
    const stopping = new AbortController();
    const progress: DumpProgress[] = [];
    const silent = new Readable({ read() {} });
    silent.push(before);
    const making = salvageDump(silent, {
      output,
      signal: stopping.signal,
      onProgress(reached) {
        progress.push(reached);
        stopping.abort(new Error('enough'));
        expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
      },
    });
    await expect(making).rejects.toThrow('enough');
    expect(progress).toEqual([{ stage: 'reading', source: silent, bytes: before.length }]);
    expect(existsSync(output)).toBe(false);
    silent.destroy();
  });

  it('that is aborted already lets nothing begin', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    for (const work of [
      verifyDump(sound, { signal }),
      countDump(sound, { signal }),
      foldDump(sound, { signal }),
      cutDump(sound, { output, signal }),
      mergeDumps([sound], { output, signal }),
    ]) {
      await expect(work).rejects.toThrow('too late');
    }
    expect(existsSync(output)).toBe(false);
  });
});

it('the library loads neither oclif nor chalk, and zstd only for compressed frames', async () => {
  const loaded = await loadedModules(['--input-type=module', '-e', "await import('fastcache/frames');"]);
  const ours = withSources(loaded);
  expect(ours).toContain('src/frames/index.ts');
  expect(ours.filter((module) => module.startsWith('src/cli/'))).toEqual([]);
  expect(
    loaded.filter((module) => /\/node_modules\/(@oclif|chalk|zstd-napi|msgpackr)\//.test(module)),
  ).toEqual([]);
});
