/**
 * Eviction of an embedded primary: the records for replicas, and the error of a program that writes past the
 * limit.
 */
import { expect, it } from 'vitest';
import { embeddedPair } from '../support/embedded-pair.js';
import { closesLater, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { RespClient, respCommand } from '../support/resp-client.js';

const MIB = 1024 * 1024;
const value = Buffer.alloc(200, 'v');

it('reaches the replica as deletions, in the one order of all writes', async () => {
  const { primary, replica, primaryPort } = await embeddedPair({
    maxMemoryBytes: MIB,
    eviction: 'allkeys-lru',
  });
  const KEYS = 20_000;
  const client = await RespClient.connect(`127.0.0.1:${primaryPort}`);
  closesLater({ close: async () => client.close() });
  for (let from = 0; from < KEYS / 2; from += 500) {
    client.write(
      Buffer.concat(Array.from({ length: 500 }, (_, n) => respCommand('SET', `key:${from + n}`, value))),
    );
    expect(new Set(await client.replies(500))).toEqual(new Set(['+OK']));
  }
  for (let n = KEYS / 2; n < KEYS; n++) primary.set(`key:${n}`, value);
  expect(primary.keyCount()).toBeLessThan(KEYS / 4);
  // The bytes of the last write that were too much are evicted in passing, so that the primary's watermarks
  // still move.
  await eventually(
    () => {
      primary.flush();
      return [String(replica.watermarks()), String(primary.watermarks())];
    },
    ([reached, wanted]) => reached === wanted,
  );
  expect(replica.keyCount()).toBe(primary.keyCount());
  // Each key's Set, and a Del for each that is gone.
  const records = primary.watermarks().reduce((sum, watermark) => sum + (watermark - primary.base), 0n);
  expect(Number(records)).toBe(KEYS + KEYS - primary.keyCount());
  for (let n = 0; n < KEYS; n++) {
    if (replica.get(`key:${n}`)?.length !== primary.get(`key:${n}`)?.length) expect.fail(`key:${n} differs`);
  }
});

it('without eviction a full primary refuses to set, and deletes', async () => {
  const primary = await startPrimary({ maxMemoryBytes: MIB });
  const oom = expect.objectContaining({ code: 'OUT_OF_MEMORY' });
  let taken = 0;
  expect(() => {
    for (; ; taken++) primary.set(`key:${taken}`, value);
  }).toThrow(oom);
  expect(taken * 200).toBeGreaterThan(MIB / 2);
  expect(primary.keyCount()).toBe(taken);
  for (let n = 0; n < 100; n++) expect(primary.del(`key:${n}`)).toBe(true);
  primary.set('more', value);
});

it('no nonsense is taken for a limit', async () => {
  await expect(startPrimary({ maxMemoryBytes: -1 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
});
