import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodeBatch, encodeBatch } from '../../src/frame/batch.js';
import { pickEntries, pickRecords } from '../../src/frame/pick.js';
import { decodeSnapshotChunk, encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';
import { setRecord } from '../support/decode-dumps.js';
import { bytesOf, u32, u64 } from '../support/raw-frames.js';

const records = Array.from({ length: 6 }, (_, index) =>
  setRecord({
    sequence: BigInt(index + 1),
    key: Buffer.from(`key:${index}`),
    value: Buffer.alloc(index, 'v'),
  }),
);

it('every choice of records is what encoding these alone gives', () => {
  const payload = encodeBatch(records);
  for (let choice = 0; choice < 64; choice++) {
    const isChosen = (sequence: bigint) => ((choice >> Number(sequence - 1n)) & 1) === 1;
    const picked = pickRecords(payload, ({ sequence }) => isChosen(sequence));
    const expected = records.filter(({ sequence }) => isChosen(sequence));
    expect(Buffer.compare(picked.payload, encodeBatch(expected))).toBe(0);
    expect(picked.count).toBe(expected.length);
  }
});

it('a payload of which all is chosen comes back itself', () => {
  const payload = readFileSync('fixtures/golden/batch-plain.fcrp').subarray(16);
  expect(pickRecords(payload, () => true)).toEqual({ payload, count: 7 });
  expect(pickRecords(payload, () => true).payload).toBe(payload);
});

it('entries keep the head of their chunk', () => {
  const entries = ['a', 'bb', 'ccc'].map((key) => ({
    key: Buffer.from(key),
    value: Buffer.from(key),
    expireAtMs: 5n,
  }));
  const chunk = (chosen: typeof entries) =>
    encodeSnapshotChunk({
      chunkIndex: 3n,
      last: true,
      watermarks: [7n, 8n],
      entryCount: chosen.length,
      entries: encodeSnapshotEntries(chosen),
    });
  const picked = pickEntries(chunk(entries), ({ key }) => key.length !== 2);
  expect(Buffer.compare(picked.payload, chunk([entries[0]!, entries[2]!]))).toBe(0);
  expect(Buffer.compare(pickEntries(chunk(entries), () => false).payload, chunk([]))).toBe(0);
});

it('governance bytes stay with what has them', () => {
  const governed = (key: string, governance: string) =>
    bytesOf(u32(key.length), u32(1), u32(governance.length), u64(9n), key, 'v', governance);
  const chunk = bytesOf(
    u64(0n),
    Buffer.from([1]),
    u32(0),
    u32(2),
    'GOV2',
    governed('a', 'x'),
    governed('b', 'yz'),
  );
  const { payload, count } = pickEntries(chunk, ({ key }) => key.toString() === 'b');
  expect(count).toBe(1);
  const [entry] = [...decodeSnapshotChunk(payload).entries];
  expect([entry!.key.toString(), entry!.governance!.toString()]).toEqual(['b', 'yz']);

  const batch = encodeBatch(records.slice(0, 2));
  const first = bytesOf(batch.subarray(4, 4 + 53 + 5), u32(3), 'gov');
  first[20] = 4;
  const mixed = bytesOf(u32(2), first, batch.subarray(4 + 53 + 5));
  const kept = pickRecords(mixed, ({ sequence }) => sequence === 1n);
  expect([...decodeBatch(kept.payload).records][0]!.governance!.toString()).toBe('gov');
});
