/** Making a directory, and the removal of one that is half made. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EMPTY_MANIFEST } from '../../src/data/manifest.js';
import { makeDirectory } from '../../src/data/new-directory.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-new-'));
afterAll(() => rmSync(directory, { recursive: true }));

const { signal } = new AbortController();

describe('a directory that is made', () => {
  it('is as it was filled, and nothing else is left', async () => {
    const target = join(directory, 'whole');
    await makeDirectory(target, signal, async (files) => {
      await (await files.create('own')).close();
      return { manifest: EMPTY_MANIFEST };
    });
    expect(readdirSync(target).sort()).toEqual(['manifest', 'own']);
    expect(readdirSync(directory).filter((name) => name.startsWith('whole'))).toEqual(['whole']);
  });

  it('leaves what somebody else has put there when it fails', async () => {
    const target = join(directory, 'failed');
    const others = [`${target}.${process.pid}.partial`, `${target}.partial-other`];
    for (const other of others) {
      mkdirSync(other);
      writeFileSync(join(other, 'own'), 'not of this program');
    }
    const failing = makeDirectory(target, signal, async (files) => {
      await files.create('half');
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    for (const other of others) expect(readdirSync(other)).toEqual(['own']);
    expect(readdirSync(directory).filter((name) => name.startsWith('failed'))).toHaveLength(others.length);
  });

  it('that somebody has made meanwhile is left as it is', async () => {
    const target = join(directory, 'taken');
    const failing = makeDirectory(target, signal, async () => {
      mkdirSync(target);
      writeFileSync(join(target, 'own'), 'not of this program');
      return { manifest: EMPTY_MANIFEST };
    });
    await expect(failing).rejects.toMatchObject({ code: 'BAD_OPTION' });
    expect(readdirSync(target)).toEqual(['own']);
    expect(readdirSync(directory).filter((name) => name.startsWith('taken'))).toEqual(['taken']);
  });

  it('is removed at once where it is given up', async () => {
    const target = join(directory, 'given-up');
    const abort = new AbortController();
    const failing = makeDirectory(target, abort.signal, async (files) => {
      await files.create('half');
      abort.abort();
      expect(readdirSync(directory).filter((name) => name.startsWith('given-up'))).toEqual([]);
      return { manifest: EMPTY_MANIFEST };
    });
    await expect(failing).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });
});
