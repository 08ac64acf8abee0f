/**
 * `data repair` on each kind of damage: the content that is kept, the losses that are reported, and that
 * nothing is changed.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { baseName, type Manifest, segmentName } from '../../../src/data/manifest.js';
import {
  batch,
  dataFiles,
  dataManifest,
  FIRST,
  hello,
  minutes,
  ofFirst,
  set,
  snapshot,
  writeData,
} from '../../support/data-fixture.js';
import { startPrimary } from '../../support/library.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-repair-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;

interface Repaired {
  status: number | null;
  document: {
    ok: boolean;
    isManifestRebuilt: boolean;
    segments: number;
    bases: number;
    lost: { records: string; isExact: boolean; bytes: number; bases: number };
    files: { file: string; index: string | null; tornBytes: number; losses: Record<string, unknown>[] }[];
  };
  /** The content of the new directory, and of a time in it. */
  content(...flags: string[]): Promise<Record<string, string>>;
  output: string;
}

/** Repairs a directory after `damage`, which is given its path. */
async function repaired(
  damage: (data: string) => void,
  files: Record<string, Buffer> = dataFiles,
  manifest: Manifest = dataManifest,
): Promise<Repaired> {
  count += 1;
  const data = join(directory, `data-${count}`);
  const output = join(directory, `repaired-${count}`);
  await writeData(data, files, manifest);
  damage(data);
  const before = bytesOf(data);
  const { status, stdout } = await runCommand(['data', 'repair', data, '-o', output, '--json']);
  expect(bytesOf(data)).toEqual(before);
  const verified = await runCommand(['data', 'verify', output]);
  expect(verified.status, verified.stdout).toBe(0);
  const content = async (...flags: string[]) => {
    const { stdout: lines } = await runCommand(['frames', 'state', output, ...flags]);
    const entries = lines.split('\n').filter(Boolean);
    return Object.fromEntries(
      entries
        .map((line) => JSON.parse(line) as { key: string; value: string })
        .map(({ key, value }) => [key, value]),
    );
  };
  return { status, document: JSON.parse(stdout), content, output };
}

function bytesOf(data: string): Map<string, string> {
  return new Map(readdirSync(data).map((name) => [name, readFileSync(join(data, name), 'latin1')]));
}

function change(name: string, edit: (bytes: Buffer) => Buffer) {
  return (data: string) => writeFileSync(join(data, name), edit(readFileSync(join(data, name))));
}

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  return bytes;
};

const lossesOf = ({ document }: Repaired, name: string) =>
  document.files.find(({ file }) => file === name)?.losses;

const whole = { a: '3', b: '1', c: '3' };

describe('data repair', () => {
  it('of a sound directory loses nothing', async () => {
    const { status, document, content } = await repaired(() => {});
    expect([status, document.ok, document.segments, document.bases]).toEqual([0, true, 3, 1]);
    expect(await content()).toEqual(whole);
    expect(await content('--until', `${minutes(12)}`)).toEqual({ a: '2', b: '1' });
  });

  it('keeps what is before a flipped byte of a value, and says which sequences are lost', async () => {
    const found = await repaired(change(segmentName(3), flip(-1)));
    expect(found.status).toBe(65);
    expect(await found.content()).toEqual({ a: '2', b: '1', c: '3' });
    expect(lossesOf(found, segmentName(3))).toEqual([
      {
        code: 'FRAME_HASH_MISMATCH',
        message: expect.stringContaining('not those that were written'),
        offset: dataFiles[segmentName(3)]!.length - batch(set(102, 'a', '3', 22)).length,
        end: dataFiles[segmentName(3)]!.length,
        sequences: [{ shard: 0, from: '102', to: '102' }],
      },
    ]);
  });

  it('goes on behind damage from a base that was made there', async () => {
    const found = await repaired(change(segmentName(1), flip(-1)));
    expect(found.status).toBe(65);
    expect(await found.content()).toEqual(whole);
    expect(await found.content('--until', `${minutes(1.5)}`)).toEqual({ a: '1' });
    expect(lossesOf(found, segmentName(1))).toMatchObject([
      { sequences: [{ shard: 0, from: '2', to: '2' }] },
    ]);
  });

  it('goes on in the middle of a segment, behind a base that was made after the damage', async () => {
    const files = {
      [segmentName(1)]: Buffer.concat([
        hello(0, ofFirst),
        batch(set(1, 'a', '1', 1)),
        batch(set(2, 'b', '1', 2)),
        batch(set(3, 'c', '1', 3)),
        batch(set(4, 'd', '1', 4)),
      ]),
      [baseName(1)]: Buffer.concat([hello(3, ofFirst), ...snapshot(3, { a: '1', b: '1', c: '1' })]),
    };
    const manifest: Manifest = {
      isClean: true,
      segments: [
        {
          number: 1,
          bytes: files[segmentName(1)]!.length,
          follows: 'nothing',
          history: FIRST,
          begunAtMs: minutes(0),
        },
      ],
      bases: [
        {
          number: 1,
          bytes: files[baseName(1)]!.length,
          segment: 1,
          history: FIRST,
          keys: 3,
          madeAtMs: minutes(3.5),
        },
      ],
    };
    const at = hello(0, ofFirst).length + batch(set(1, 'a', '1', 1)).length;
    const found = await repaired(change(segmentName(1), flip(at + 30)), files, manifest);
    expect([found.status, found.document.segments]).toEqual([65, 2]);
    expect(await found.content()).toEqual({ a: '1', b: '1', c: '1', d: '1' });
    expect(await found.content('--until', `${minutes(1)}`)).toEqual({ a: '1' });
  });

  it('says what is whole behind damage, and that nothing leads to it', async () => {
    const found = await repaired((data) => {
      change(segmentName(2), (bytes) => Buffer.concat([bytes.subarray(0, -10), Buffer.alloc(10)]))(data);
    });
    expect(found.status).toBe(65);
    expect(await found.content()).toEqual({ a: '1', b: '1' });
    expect(lossesOf(found, segmentName(2))).toMatchObject([{ sequences: [{ from: '3', to: '3' }] }]);
    expect(lossesOf(found, segmentName(3))).toMatchObject([
      { message: expect.stringContaining('nothing leads to them'), sequences: [{ from: '101', to: '102' }] },
    ]);
  });

  it('does without a segment that is missing, and knows its sequences', async () => {
    const found = await repaired((data) => {
      rmSync(join(data, segmentName(2)));
      rmSync(join(data, `${segmentName(2)}.idx`));
    });
    expect(found.status).toBe(65);
    expect(await found.content()).toEqual({ a: '1', b: '1' });
    expect(lossesOf(found, segmentName(2))).toMatchObject([{ code: 'NO_INPUT' }]);
  });

  it.each([
    ['missing', (data: string) => rmSync(join(data, `${segmentName(2)}.idx`))],
    ['damaged', change(`${segmentName(2)}.idx`, flip(70))],
    ['of the last segment', (data: string) => rmSync(join(data, `${segmentName(3)}.idx`))],
  ])('makes an index anew that is %s', async (_, damage) => {
    const found = await repaired(damage);
    expect([found.status, found.document.ok]).toEqual([0, true]);
    expect(await found.content()).toEqual(whole);
  });

  it.each([
    ['missing', (data: string) => rmSync(join(data, 'manifest'))],
    ['damaged', change('manifest', flip(100))],
  ])('makes a manifest anew that is %s', async (_, damage) => {
    const found = await repaired(damage);
    expect([found.status, found.document.isManifestRebuilt]).toEqual([0, true]);
    expect([found.document.segments, found.document.bases]).toEqual([3, 1]);
    expect(await found.content()).toEqual(whole);
  });

  it('does without a base that is damaged', async () => {
    const found = await repaired(change(baseName(1), flip(-60)));
    expect([found.status, found.document.bases]).toEqual([65, 0]);
    expect(await found.content()).toEqual(whole);
  });

  it('does without the Hello of a segment, which says nothing new', async () => {
    const found = await repaired(change(segmentName(2), flip(20)));
    expect(await found.content()).toEqual(whole);
    const first = await repaired(change(segmentName(1), flip(20)));
    expect(await first.content('--until', `${minutes(1.5)}`)).toEqual({ a: '1' });
  });

  it('cuts a torn end, which is no loss', async () => {
    const { status, document, content } = await repaired(
      change(segmentName(3), (bytes) => bytes.subarray(0, -3)),
    );
    expect(status).toBe(0);
    expect(document.files.find(({ file }) => file === segmentName(3))?.tornBytes).toBeGreaterThan(0);
    expect(await content()).toEqual({ a: '2', b: '1', c: '3' });
  });

  it('makes a directory that a server starts with', async () => {
    const { output } = await repaired(change(segmentName(3), flip(-1)));
    const primary = await startPrimary({ listen: false, data: output });
    expect(['a', 'b', 'c'].map((key) => primary.get(key)?.toString())).toEqual(['2', '1', '3']);
    primary.set('more', '1');
    await primary.close();
    expect((await runCommand(['data', 'verify', output])).status).toBe(0);
  });

  it('says for a person what is lost', async () => {
    const data = join(directory, 'for-a-person');
    await writeData(data);
    change(segmentName(3), flip(-1))(data);
    const { stdout, status } = await runCommand(['data', 'repair', data, '-o', join(directory, 'made')]);
    expect(status).toBe(65);
    expect(stdout).toContain('3 segments, 1 base');
    expect(stdout).toMatch(/^ {2}left out: 1 record, \d+ bytes of segments$/m);
    expect(stdout).toMatch(
      /segment-00000003\.fcrp, bytes \d+ to \d+ \(\d+\): .*; lost: sequence 102 of shard 0/,
    );
  });

  it('names each damage, and counts what is left out', async () => {
    const last = batch(set(103, 'd', '3', 23));
    const files = { ...dataFiles, [segmentName(3)]: Buffer.concat([dataFiles[segmentName(3)]!, last]) };

    const { document } = await repaired(
      (data) => {
        change(segmentName(3), flip(-last.length - 1))(data);
        change(segmentName(3), flip(-1))(data);
        change(baseName(1), flip(-1))(data);
      },
      files,
      {
        ...dataManifest,
        segments: dataManifest.segments.map((each) => ({
          ...each,
          bytes: files[segmentName(each.number)]!.length,
        })),
      },
    );
    const [, , third] = document.files.filter(({ file }) => file.startsWith('segment'));
    expect(third!.losses).toHaveLength(2);
    const bytes = third!.losses.reduce((sum, { offset, end }) => sum + Number(end) - Number(offset), 0);
    expect(document.lost).toEqual({ records: '2', isExact: true, bytes, bases: 1 });
  });

  it('leaves a directory of another release alone, and names file and version', async () => {
    const data = join(directory, 'newer');
    await writeData(data);
    change('manifest', (bytes) => Buffer.from(bytes.toString().replace('"version": 1', '"version": 2')))(
      data,
    );
    const before = bytesOf(data);
    for (const command of ['repair', 'restore']) {
      const made = join(directory, `newer ${command}`);
      const { status, stderr } = await runCommand(['data', command, data, '-o', made]);
      expect(status).toBe(1);
      expect(stderr).toContain(join(data, 'manifest'));
      expect(stderr).toContain('version 2');
      expect(stderr).not.toContain('data repair');
      expect(readdirSync(directory)).not.toContain(`newer ${command}`);
    }
    await expect(startPrimary({ listen: false, data })).rejects.toThrow('version 2');
    expect(bytesOf(data)).toEqual(before);
  });

  it('refuses a directory that a server has, one that is none, and an output that is there', async () => {
    const data = join(directory, 'in-use');
    const primary = await startPrimary({ listen: false, data });
    const used = await runCommand(['data', 'repair', data, '-o', join(directory, 'out')]);
    expect([used.status, used.stderr]).toEqual([1, expect.stringContaining('Stop it first')]);
    await primary.close();
    const none = join(directory, 'none');
    mkdirSync(none);
    const refused = await runCommand(['data', 'repair', none, '-o', join(directory, 'out')]);
    expect([refused.status, refused.stderr]).toEqual([66, expect.stringContaining('no data directory')]);
    const there = await runCommand(['data', 'repair', data, '-o', none]);
    expect([there.status, there.stderr]).toEqual([2, expect.stringContaining('Name one that is not there')]);
    expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
  });
});
