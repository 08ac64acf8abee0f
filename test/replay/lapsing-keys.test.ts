import { expect, it } from 'vitest';
import type { DecodedRecord } from '../../src/frame/batch.js';
import type { DecodedSnapshotEntry } from '../../src/frame/snapshot.js';
import { LapsingKeys } from '../../src/replay/lapsing-keys.js';

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

const entry = (key: string, expireAtMs: number | null) =>
  ({
    key: Buffer.from(key),
    value: Buffer.alloc(0),
    expireAtMs: expireAtMs === null ? null : BigInt(expireAtMs),
  }) as DecodedSnapshotEntry;
const record = (key: string, expireAtMs: number | null, fields: Partial<DecodedRecord> = {}) =>
  ({ ...entry(key, expireAtMs), op: 'set', timestampMs: 0n, ...fields }) as DecodedRecord;
const noted = (lapsing: LapsingKeys) => [...lapsing.all()].map(({ key }) => key.toString('latin1'));

it('what has expired is sent to live once more as long as it had to, and at least an hour', () => {
  const lapsing = new LapsingKeys();
  const past = NOW_MS - 5_000;
  const sent = (item: DecodedRecord | DecodedSnapshotEntry) => lapsing.expiryOf(item, NOW_MS);
  expect(sent(entry('a', past))).toBe(BigInt(NOW_MS + HOUR_MS));
  expect(sent(record('b', past, { timestampMs: BigInt(past - 1_500) }))).toBe(BigInt(NOW_MS + HOUR_MS));
  expect(sent(record('c', past, { timestampMs: BigInt(past - 7_200_000) }))).toBe(BigInt(NOW_MS + 7_200_000));
  // A clock that went back, or a damaged time.
  expect(sent(record('d', past, { timestampMs: 2n ** 64n - 1n }))).toBe(BigInt(NOW_MS + HOUR_MS));
  expect(sent(record('e', 0, { op: 'expire' }))).toBe(BigInt(NOW_MS + HOUR_MS));
  // A key that expires on its way would be lost as well.
  expect(sent(entry('f', NOW_MS + 1_000))).toBe(BigInt(NOW_MS + HOUR_MS));
  expect(sent(entry('g', NOW_MS + HOUR_MS))).toBe(BigInt(NOW_MS + HOUR_MS));
  expect(sent(entry('h', null))).toBe(null);
  expect(noted(lapsing)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect([...lapsing.all()].map(({ expireAtMs }) => expireAtMs)).toEqual([
    past,
    past,
    past,
    past,
    0,
    NOW_MS + 1_000,
  ]);
});

it('a later record takes the note back, and may note it again', () => {
  const lapsing = new LapsingKeys();
  const past = NOW_MS - 1;
  for (const key of ['a', 'b', 'c', 'd', 'e']) lapsing.expiryOf(entry(key, past), NOW_MS);
  lapsing.expiryOf(record('a', null, { op: 'del' }), NOW_MS);
  lapsing.expiryOf(record('b', null, { op: 'expire' }), NOW_MS);
  lapsing.expiryOf(record('c', NOW_MS + HOUR_MS, { op: 'expire' }), NOW_MS);
  lapsing.expiryOf(record('d', past - 1, { op: 'expire' }), NOW_MS);
  expect([...lapsing.all()]).toEqual([
    { key: Buffer.from('e'), expireAtMs: past },
    { key: Buffer.from('d'), expireAtMs: past - 1 },
  ]);
});

it('is bounded by keys and by their bytes; what is past the bounds is counted, and takes no place', () => {
  const past = NOW_MS - 1;
  const byKeys = new LapsingKeys({ keys: 2, keyBytes: 100 });
  for (const key of ['a', 'b', 'c', 'a']) byKeys.expiryOf(entry(key, past), NOW_MS);
  expect([noted(byKeys), byKeys.unnoted]).toEqual([['b', 'a'], 1]);
  // It still has its own expiry, and needs no grace.
  expect(byKeys.expiryOf(entry('d', NOW_MS + 1_000), NOW_MS)).toBe(BigInt(NOW_MS + 1_000));
  expect(byKeys.unnoted).toBe(1);

  const byBytes = new LapsingKeys({ keys: 100, keyBytes: 10 });
  for (const key of ['12345', '123456', '54321']) byBytes.expiryOf(entry(key, past), NOW_MS);
  expect([noted(byBytes), byBytes.unnoted]).toEqual([['12345', '54321'], 1]);
  byBytes.expiryOf(entry('12345', null), NOW_MS);
  byBytes.expiryOf(entry('67890', past), NOW_MS);
  expect([noted(byBytes), byBytes.unnoted]).toEqual([['54321', '67890'], 1]);
  const restored = new LapsingKeys({ keys: 100, keyBytes: 10 });
  restored.restore(byBytes.save());
  restored.expiryOf(entry('z', past), NOW_MS);
  expect([noted(restored), restored.unnoted]).toEqual([['54321', '67890'], 2]);
});

it('keeps keys that are no text through saving', () => {
  const lapsing = new LapsingKeys();
  const key = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  lapsing.expiryOf({ ...entry('', NOW_MS - 1), key }, NOW_MS);
  const restored = new LapsingKeys();
  restored.restore(lapsing.save());
  expect([...restored.all()]).toEqual([{ key, expireAtMs: NOW_MS - 1 }]);
  restored.expiryOf({ ...entry('', null), key }, NOW_MS);
  expect(restored.size).toBe(0);
});
