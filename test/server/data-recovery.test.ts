/** A primary that comes back with a directory that lacks what its replicas have. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { segmentName } from '../../src/data/manifest.js';
import { Primary } from '../../src/index.js';
import { contentOfDump } from '../support/data-fixture.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-recovery-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
const newPath = () => join(directory, String(count++));
const place = async () => `127.0.0.1:${await freePort()}`;

/** A primary that has crashed, with a copy of its directory from before the last writes, and its replicas. */
async function crashed() {
  const [bind, first, second, data, kept] = [
    await place(),
    await place(),
    await place(),
    newPath(),
    newPath(),
  ];
  const primary = await startPrimary({ bind, data, fsync: 'always' });
  for (let at = 0; at < 100; at += 1) primary.set(`key ${at}`, 'old');
  primary.flush();
  const far = await follow(bind, { bind: first });
  const near = await follow(bind, { bind: second });
  await isCaughtUp({ primary, replica: far });
  await isCaughtUp({ primary, replica: near });
  // Replicas may have what the disk does not have yet.
  const keysOnDisk = () => contentOfDump(join(data, segmentName(1))).then((keys) => Object.keys(keys).length);
  await eventually(
    () => keysOnDisk().catch(() => 0),
    (keys) => keys === 100,
  );
  cpSync(data, kept, { recursive: true, filter: (path) => !/lock-\d+$/.test(path) });
  await near.close();
  for (let at = 50; at < 150; at += 1) primary.set(`key ${at}`, 'new');
  await isCaughtUp({ primary, replica: far });
  const { history } = primary;
  await primary.close();
  return { bind, first, second, far, kept, history };
}

it('takes in as frames what the furthest has more, before it serves, and replicas carry on', async () => {
  const { bind, first, second, far, kept, history } = await crashed();
  const again = await startPrimary({ bind, data: kept, recover: [second, first] });
  expect(again.keyCount()).toBe(150);
  expect(again.get('key 75')?.toString()).toBe('new');
  expect(again.history).not.toBe(history);
  expect(again.metrics().catchUpSnapshotCount).toBe(0);
  await isCaughtUp({ primary: again, replica: far });
  expect(far.history).toBe(again.history);
  expect(far.metrics().catchUpSnapshotCount + again.metrics().catchUpSnapshotCount).toBe(0);
  await again.close();
  // The content that came is in the directory.
  const last = await startPrimary({ bind, data: kept });
  expect(last.get('key 149')?.toString()).toBe('new');
});

it('starts with what it has where none can be asked, and says so', async () => {
  const { bind, far, kept } = await crashed();
  await far.close();
  const notes: string[] = [];
  const again = await startPrimary({ bind, data: kept, recover: [await place()] });
  again.on('log', ({ message }) => notes.push(message));
  expect(again.keyCount()).toBe(100);
  await eventually(
    () => notes.join(),
    (all) => all.includes('nothing is taken back from replicas'),
  );
});

it('does not start where one of them was promoted meanwhile', async () => {
  const { bind, first, far, kept } = await crashed();
  far.promote();
  await expect(Primary.start({ bind, listen: false, data: kept, recover: [first] })).rejects.toMatchObject({
    code: 'PRIMARY_EXISTS',
  });
});
