import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatch, firstTimestampMs } from '../../src/frame/batch.js';
import { decodeErrorText, encodeErrorText } from '../../src/frame/error-text.js';
import { decodeSnapshotChunk, encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';
import { decodeWatermarks, encodeWatermarks } from '../../src/frame/watermarks.js';
import { anyEntry, anyRecord, anyText, anyU64, anyWatermarks } from '../support/frame-arbitraries.js';
import { bytesOf, u8, u32, u64 } from '../support/raw-frames.js';

const none = 0xffff_ffff_ffff_ffffn;

describe('what is encoded comes back', () => {
  it('records', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 8 }), (records) => {
        const { recordCount, records: decoded } = decodeBatch(encodeBatch(records));
        expect(recordCount).toBe(records.length);
        expect(firstTimestampMs(encodeBatch(records))).toBe(Number(records[0]?.timestampMs ?? 0n));
        let offset = 4;
        expect([...decoded]).toEqual(
          records.map((record) => {
            const start = offset;
            offset += 53 + record.key.length + record.value.length;
            const key = Buffer.from(record.key);
            const value = Buffer.from(record.value);
            return {
              ...record,
              key,
              value,
              offset: start,
              keyTag: record.keyHash >> 56n,
              governance: undefined,
            };
          }),
        );
      }),
    );
  });

  it('chunks', () => {
    const anyChunk = fc.tuple(anyU64, fc.boolean(), anyWatermarks, fc.array(anyEntry, { maxLength: 8 }));
    fc.assert(
      fc.property(anyChunk, ([chunkIndex, last, watermarks, entries]) => {
        const encoded = encodeSnapshotEntries(entries);
        const payload = encodeSnapshotChunk({
          chunkIndex,
          last,
          watermarks,
          entryCount: entries.length,
          entries: encoded,
        });
        const chunk = decodeSnapshotChunk(payload);
        expect(chunk).toMatchObject({ chunkIndex, last, entryCount: entries.length });
        expect(Array.from(chunk.watermarks)).toEqual(watermarks);
        let offset = payload.length - encoded.length;
        expect(chunk).toMatchObject({ governed: false, entriesOffset: offset });
        expect([...chunk.entries]).toEqual(
          entries.map((entry) => {
            const start = offset;
            offset += 16 + entry.key.length + entry.value.length;
            const key = Buffer.from(entry.key);
            const value = Buffer.from(entry.value);
            return { ...entry, key, value, offset: start, governance: undefined };
          }),
        );
      }),
    );
  });

  it('watermarks and texts', () => {
    fc.assert(
      fc.property(anyWatermarks, anyText, (watermarks, text) => {
        expect(Array.from(decodeWatermarks(encodeWatermarks(watermarks)))).toEqual(watermarks);
        expect(decodeErrorText(encodeErrorText(text))).toBe(text);
      }),
    );
  });
});

describe('a record', () => {
  it('is laid out as docs/protocol.md says', () => {
    const record = {
      shard: 3,
      sequence: 1n << 53n,
      timestampMs: 1_760_000_000_000n,
      op: 'expire',
      keyHash: 0xfe00_0000_0000_0001n,
      expireAtMs: null,
      key: Buffer.from('key'),
      value: Buffer.from('va'),
    } as const;
    expect(encodeBatch([record])).toEqual(
      bytesOf(
        u32(1),
        bytesOf(u32(3), u64(1n << 53n), u64(1_760_000_000_000n), u8(3)),
        bytesOf(u64(0xfe00_0000_0000_0001n), u64(0xfen), u64(none)),
        bytesOf(u32(3), u32(2), 'keyva'),
      ),
    );
  });

  const governed = (governance: string): Buffer =>
    bytesOf(
      bytesOf(u32(0), u64(1n), u64(2n), u8(4), u64(3n), u64(0n), u64(none), u32(1), u32(2), 'kvv'),
      bytesOf(u32(governance.length), governance),
    );

  it('of op 4 is a Set with governance bytes', () => {
    const plain = {
      shard: 0,
      sequence: 9n,
      timestampMs: 0n,
      op: 'del',
      keyHash: 0n,
      expireAtMs: null,
    } as const;
    const next = encodeBatch([{ ...plain, key: Buffer.from('n'), value: Buffer.alloc(0) }]).subarray(4);
    const payload = bytesOf(u32(3), governed('policy'), governed(''), next);
    const records = [...decodeBatch(payload).records];
    expect(records.map(({ op, governance }) => [op, governance?.toString()])).toEqual([
      ['set', 'policy'],
      ['set', ''],
      ['del', undefined],
    ]);
    expect(records[0]).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('vv'), offset: 4 });
    expect(records[2]).toMatchObject({ sequence: 9n, offset: payload.length - next.length });
  });

  it('of op 4 is written as a plain Set', () => {
    const [record] = decodeBatch(bytesOf(u32(1), governed('policy'))).records;
    const payload = encodeBatch([record!]);
    expect(payload[4 + 20]).toBe(1);
    expect(payload).toHaveLength(4 + 53 + 3);
  });

  it('is decoded before the fault behind it is met', () => {
    const payload = bytesOf(u32(2), governed('').subarray(0, -4).fill(1, 20, 21), Buffer.alloc(53, 0xff));
    const { records } = decodeBatch(payload);
    expect(records.next().value).toMatchObject({ op: 'set', sequence: 1n });
    expect(() => records.next()).toThrow(
      expect.objectContaining({ code: 'FCRP_UNKNOWN_OP', offset: 4 + 56 + 20, found: 255 }),
    );
  });
});

describe('a chunk', () => {
  it('is laid out as docs/protocol.md says', () => {
    const entries = encodeSnapshotEntries([
      { key: Buffer.from('k'), value: Buffer.from('vv'), expireAtMs: 5n },
      { key: Buffer.alloc(0), value: Buffer.alloc(0), expireAtMs: null },
    ]);
    expect(entries).toEqual(bytesOf(u32(1), u32(2), u64(5n), 'kvv', u32(0), u32(0), u64(none)));
    expect(
      encodeSnapshotChunk({ chunkIndex: 4n, last: true, watermarks: [6n], entryCount: 2, entries }),
    ).toEqual(bytesOf(u64(4n), u8(1), u32(1), u64(6n), u32(2), entries));
  });

  it('marked GOV2 has entries with and without governance bytes', () => {
    const head = bytesOf(u64(0n), u8(0), u32(0));
    const withBytes = bytesOf(u32(1), u32(1), u32(3), u64(none), 'kvgov');
    const without = bytesOf(u32(1), u32(1), u32(0xffff_ffff), u64(7n), 'lw');
    const empty = bytesOf(u32(1), u32(1), u32(0), u64(none), 'mx');
    const chunk = decodeSnapshotChunk(bytesOf(head, u32(3), 'GOV2', withBytes, without, empty));
    expect(chunk).toMatchObject({ entryCount: 3, last: false, governed: true, entriesOffset: 21 });
    expect(
      [...chunk.entries].map(({ key, value, expireAtMs, governance, offset }) => [
        `${key}${value}`,
        expireAtMs,
        governance?.toString(),
        offset,
      ]),
    ).toEqual([
      ['kv', null, 'gov', 21],
      ['lw', 7n, undefined, 46],
      ['mx', null, '', 68],
    ]);
  });

  it('marked GOV2 may be empty', () => {
    const chunk = decodeSnapshotChunk(bytesOf(u64(0n), u8(1), u32(0), u32(0), 'GOV2'));
    expect([...chunk.entries]).toEqual([]);
  });
});

it('a list of watermarks takes eight bytes each, wherever its bytes lie', () => {
  const payload = Buffer.concat([Buffer.from([0]), encodeWatermarks([1n, none])]).subarray(1);
  const watermarks = decodeWatermarks(payload);
  expect(watermarks).toEqual(BigUint64Array.of(1n, none));
  expect(watermarks.buffer.byteLength).toBe(16);
});
