/** The dump that is there when a server begins to record, and the index beside it. */
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeIndex } from '../../src/frame-index/index-file.js';
import { IndexReader } from '../../src/frame-index/index-reader.js';
import { foldDump, verifyDump } from '../../src/frames/index.js';
import { Primary, type PrimaryOptions } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { directory, follow, startPrimary } from '../support/library.js';

const place = (name: string) => join(directory, name);

/** Records a primary whose clients write these keys. */
async function record(dump: string, keys: readonly string[], options: PrimaryOptions = {}): Promise<void> {
  const primary = await startPrimary({ record: dump, ...options });
  for (const key of keys) {
    primary.set(key, `value of ${key}`);
    primary.flush();
  }
  await primary.close();
}

async function keysOf(dump: string): Promise<string[]> {
  const keySpace = await foldDump(dump);
  return Array.from(keySpace.entries(), ({ key }) => `${key}`).sort();
}

/** Asserts that the index beside a dump is the one that the dump itself leads to. */
async function expectWholeIndex(dump: string): Promise<void> {
  const written = readFileSync(`${dump}.idx`);
  writeFileSync(`${dump}.idx`, '');
  await makeIndex(dump);
  expect(readFileSync(`${dump}.idx`).equals(written)).toBe(true);
}

describe('the index beside a recording', () => {
  it.each(['none', 'zstd'] as const)(
    'covers all of a primary’s dump, with compression %s',
    async (compression) => {
      const dump = place(`primary-${compression}.fcrp`);
      await record(
        dump,
        Array.from({ length: 50 }, (_, at) => `key:${at}`),
        { compression, fileMode: '640' },
      );
      const reader = await IndexReader.open(dump);
      if (typeof reader === 'string') throw new Error(reader);
      const { dumpBytes, isTorn } = await reader.coverage();
      await reader.close();
      expect({ dumpBytes, isTorn }).toEqual({ dumpBytes: statSync(dump).size, isTorn: false });
      expect(statSync(`${dump}.idx`).mode & 0o777).toBe(0o640);
      await expectWholeIndex(dump);
    },
  );

  it('covers a replica’s snapshot and stream', async () => {
    const primary = await startPrimary();
    primary.set('before', 'x'.repeat(2_000_000));
    const replica = await follow(primary.bindAddress, { record: place('replica.fcrp') });
    primary.set('behind', 'it');
    await isCaughtUp({ primary, replica });
    await replica.close();
    await expectWholeIndex(place('replica.fcrp'));
  });
});

describe('a dump that is there', () => {
  it('is refused without append or force, and left as it is', async () => {
    const dump = place('refused.fcrp');
    await record(dump, ['a']);
    const before = [readFileSync(dump), readFileSync(`${dump}.idx`)];
    await expect(Primary.start({ bind: ':0', listen: false, record: dump })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      file: dump,
      message: expect.stringContaining('`append` goes on behind what it has, `force` replaces it'),
    });
    expect([readFileSync(dump), readFileSync(`${dump}.idx`)]).toEqual(before);
  });

  it.each(['append', 'force'] as const)('is not touched with %s until the first frame comes', async (how) => {
    const dump = place(`untouched-${how}.fcrp`);
    await record(dump, ['a']);
    const before = [readFileSync(dump), readFileSync(`${dump}.idx`)];
    await record(dump, [], { [how]: true });
    expect([readFileSync(dump), readFileSync(`${dump}.idx`)]).toEqual(before);
    await record(dump, ['b'], { [how]: true });
    expect(readFileSync(dump).equals(before[0]!)).toBe(false);
    expect((await verifyDump(dump)).isSound).toBe(true);
    await expectWholeIndex(dump);
  });

  it('has nothing of before with force', async () => {
    const dump = place('replaced.fcrp');
    await record(dump, ['a', 'b']);
    await record(dump, ['c'], { force: true });
    expect(await keysOf(dump)).toEqual(['c']);
  });

  it('is loaded and continued by one command line, start after start', async () => {
    const dump = place('same.fcrp');
    for (const [at, key] of ['a', 'b', 'c'].entries()) {
      const options = at === 0 ? {} : { load: dump, append: true };
      await record(dump, [key], options);
    }
    expect(await keysOf(dump)).toEqual(['a', 'b', 'c']);
    expect(await verifyDump(dump)).toMatchObject({ isSound: true, loadFault: undefined });
    await expectWholeIndex(dump);
  });

  it('is continued by a replica, with the snapshot that it takes', async () => {
    const dump = place('followed.fcrp');
    const primary = await startPrimary();
    primary.set('a', '1');
    for (const options of [{}, { append: true }]) {
      const replica = await follow(primary.bindAddress, { record: dump, ...options });
      primary.set('b', '2');
      await isCaughtUp({ primary, replica });
      await replica.close();
    }
    expect(await keysOf(dump)).toEqual(['a', 'b']);
    expect((await verifyDump(dump)).isSound).toBe(true);
    await expectWholeIndex(dump);
  });

  it('is continued also where its index is missing, torn, or of another dump', async () => {
    const dump = place('unindexed.fcrp');
    await record(dump, ['a', 'b', 'c']);
    const breaks = [
      () => truncateSync(`${dump}.idx`, statSync(`${dump}.idx`).size - 65),
      () => writeFileSync(`${dump}.idx`, ''),
      () => writeFileSync(`${dump}.idx`, readFileSync(`${place('other.fcrp')}.idx`)),
    ];
    await record(place('other.fcrp'), ['x']);
    for (const [at, damage] of breaks.entries()) {
      damage();
      await record(dump, [`more:${at}`], { append: true });
      await expectWholeIndex(dump);
    }
  });

  it('is not continued behind half a frame, or behind what is no frame', async () => {
    for (const [rest, code] of [
      ['FCRP', 'FCRP_TRUNCATED'],
      ['no frame, but many bytes', 'FCRP_BAD_MAGIC'],
    ] as const) {
      const dump = place(`${code}.fcrp`);
      await record(dump, ['a']);
      const { size } = statSync(dump);
      appendFileSync(dump, rest);
      const started = Primary.start({ bind: ':0', listen: false, record: dump, append: true });
      await expect(started).rejects.toMatchObject({ code, file: dump, offset: size });
      expect(statSync(dump).size).toBe(size + rest.length);
    }
  });

  it('keeps a file in the place of its index that is none', async () => {
    const dump = place('beside.fcrp');
    writeFileSync(`${dump}.idx`, 'precious');
    await expect(record(dump, ['a'])).rejects.toMatchObject({ code: 'WRITE_FAILED', file: `${dump}.idx` });
    expect(readFileSync(`${dump}.idx`, 'utf8')).toBe('precious');
  });
});

it('append and force need a recording, and exclude each other', async () => {
  for (const options of [
    { append: true },
    { force: true },
    { append: true, force: true, record: place('x') },
  ]) {
    await expect(Primary.start({ bind: ':0', listen: false, ...options })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
  }
  expect(existsSync(place('x'))).toBe(false);
});
