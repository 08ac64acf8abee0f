/** The recording of a server with a data directory: a dump that is whole, whatever the server began with. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foldDump, verifyDump } from '../../src/frames/index.js';
import type { PrimaryOptions } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { directory, follow, startPrimary } from '../support/library.js';

let count = 0;
const newPath = () => join(directory, `kept-${count++}`);

async function contentOf(dump: string): Promise<Record<string, string>> {
  const { faults } = await verifyDump(dump);
  expect(faults).toEqual([]);
  const keySpace = await foldDump(dump);
  return Object.fromEntries(Array.from(keySpace.entries(), ({ key, value }) => [`${key}`, `${value}`]));
}

/** Makes a directory with these keys, by a server that ends in order, or begins a new history behind it. */
async function dataWith(keys: readonly string[], deleted: readonly string[] = []): Promise<string> {
  const data = newPath();
  const primary = await startPrimary({ data, listen: false });
  for (const key of keys) primary.set(key, 'before');
  for (const key of deleted) primary.del(key);
  await primary.close();
  return data;
}

describe('a primary that begins with a directory', () => {
  it.each([
    ['that has keys', ['a', 'b'], [], {}],
    ['of which all keys were deleted', ['a'], ['a'], {}],
    ['of another number of shards', ['a', 'b'], [], { shards: 8 }],
  ] as [string, string[], string[], PrimaryOptions][])(
    '%s records that as well',
    async (_, keys, deleted, options) => {
      const data = await dataWith(keys, deleted);
      const record = newPath();
      const primary = await startPrimary({ ...options, data, record, listen: false });
      primary.set('c', 'after');
      await primary.close();
      const kept = keys.filter((key) => !deleted.includes(key)).map((key) => [key, 'before']);
      expect(await contentOf(record)).toEqual({ ...Object.fromEntries(kept), c: 'after' });
      const loaded = await startPrimary({ load: record, listen: false });
      expect(loaded.keyCount()).toBe(kept.length + 1);
      await loaded.close();
    },
  );

  it('records it also where nothing is written, and goes on behind it at the next start', async () => {
    const data = await dataWith(['a']);
    const record = newPath();
    for (const append of [false, true]) {
      const primary = await startPrimary({ data, record, append, listen: false });
      await primary.close();
    }
    const last = await startPrimary({ data, record, append: true, listen: false });
    last.set('b', 'after');
    await last.close();
    expect(await contentOf(record)).toEqual({ a: 'before', b: 'after' });
  });

  it('records what it takes back from a replica, too', async () => {
    const data = await dataWith(['a']);
    const older = newPath();
    cpSync(data, older, { recursive: true, filter: (path) => !path.includes('lock-') });
    const primary = await startPrimary({ data, listen: false, bind: ':0' });
    const replica = await follow(primary.bindAddress, { bind: ':0' });
    primary.set('b', 'meanwhile');
    await isCaughtUp({ primary, replica });
    await primary.close();
    const record = newPath();
    const back = await startPrimary({ data: older, record, recover: [replica.bindAddress!], listen: false });
    expect(back.get('b')?.toString()).toBe('meanwhile');
    back.set('c', 'after');
    await back.close();
    expect(await contentOf(record)).toEqual({ a: 'before', b: 'meanwhile', c: 'after' });
  });
});

describe('a replica that resumes from its directory', () => {
  it('records what it began with', async () => {
    const primary = await startPrimary({ bind: ':0', listen: false });
    primary.set('a', 'before');
    const data = newPath();
    const first = await follow(primary.bindAddress, { data });
    await isCaughtUp({ primary, replica: first });
    await first.close();
    const record = newPath();
    const second = await follow(primary.bindAddress, { data, record });
    primary.set('b', 'after');
    await isCaughtUp({ primary, replica: second });
    await second.close();
    expect(existsSync(record)).toBe(true);
    expect(await contentOf(record)).toEqual({ a: 'before', b: 'after' });
  });
});
