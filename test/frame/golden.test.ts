/**
 * The frames of the Rust crate (fixtures/golden, see fixtures/README.md): decoded exactly and written again
 * alike.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { xxh3 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatch } from '../../src/frame/batch.js';
import { decodeErrorText, encodeErrorText } from '../../src/frame/error-text.js';
import { type DecodedFrame, decodeFrame, encodeFrame } from '../../src/frame/frame.js';
import { decodeHello, decodeHelloFrame, encodeHello } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { decodeSnapshotChunk, encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { decodeWatermarks, encodeWatermarks } from '../../src/frame/watermarks.js';

const directory = fileURLToPath(new URL('../../fixtures/golden/', import.meta.url));
const fileNames = readdirSync(directory).filter((name) => name.endsWith('.fcrp') && name !== 'all.fcrp');

const read = (name: string): Buffer => readFileSync(`${directory}${name}.fcrp`);
const open = (name: string): DecodedFrame => decodeFrame(read(name));

/** `value_of` of the program that made the dumps. */
function goldenValue(index: number, length: number): Buffer {
  const value = Buffer.alloc(length);
  const start = value.write(`value:${index}:`);
  for (let i = start; i < length; i += 1) value[i] = (index * 31 + i * 7) % 251;
  return value;
}

function encodeAgain(kind: FrameKind, payload: Uint8Array): Buffer {
  switch (kind) {
    case FrameKind.Hello:
      return encodeHello(decodeHello(payload));
    case FrameKind.MutationBatch:
      return encodeBatch([...decodeBatch(payload).records]);
    case FrameKind.SnapshotChunk: {
      const chunk = decodeSnapshotChunk(payload);
      return encodeSnapshotChunk({ ...chunk, entries: encodeSnapshotEntries([...chunk.entries]) });
    }
    case FrameKind.Error:
      return encodeErrorText(decodeErrorText(payload));
    default:
      return encodeWatermarks(decodeWatermarks(payload));
  }
}

describe('written again', () => {
  it.each(fileNames)('%s has the same bytes', (name) => {
    const golden = readFileSync(`${directory}${name}`);
    const { header, payload } = decodeFrame(golden);
    const again = encodeAgain(header.kind, payload);
    expect(again.equals(payload)).toBe(true);
    if (header.compressed) {
      const frame = encodeFrame(header.kind, again, { compression: 'zstd' });
      expect(decodeFrame(frame).header).toMatchObject({ kind: header.kind, compressed: true });
      expect(Buffer.from(decodeFrame(frame).payload).equals(payload)).toBe(true);
    } else {
      expect(encodeFrame(header.kind, again).equals(golden)).toBe(true);
    }
  });
});

describe('Hello', () => {
  it('with everything', () => {
    const { header, payload } = open('hello-full');
    expect(header).toEqual({
      version: 1,
      kind: FrameKind.Hello,
      compressed: false,
      payloadBytes: 49,
      uncompressedBytes: 49,
    });
    expect(decodeHelloFrame(header, payload)).toEqual({
      hello: {
        version: 1,
        role: 'replica',
        token: 's3cret',
        watermarks: BigUint64Array.of(0n, 7n, 0xffff_ffff_ffff_ffffn, 1n << 53n),
      },
      margin: undefined,
    });
  });

  it('with nothing', () => {
    expect(decodeHello(open('hello-bare').payload)).toEqual({
      version: 1,
      role: 'replica',
      token: undefined,
      watermarks: undefined,
    });
  });
});

describe('MutationBatch', () => {
  const at = 1_760_000_000_000n;
  const expected = [
    { sequence: 1n, op: 'set', key: 'alpha', value: Buffer.from('one'), expireAtMs: null },
    {
      sequence: 2n,
      op: 'set',
      key: 'beta',
      value: Buffer.from([0, 1, 2, 254, 255]),
      expireAtMs: 1_900_000_000_000n,
    },
    { sequence: 3n, op: 'del', key: 'gamma', value: Buffer.alloc(0), expireAtMs: null },
    { sequence: 4n, op: 'set', key: '', value: Buffer.from('empty key'), expireAtMs: null },
    { sequence: 5n, op: 'set', key: 'ключ✓', value: Buffer.alloc(3000, 'x'), expireAtMs: null },
    { sequence: 6n, op: 'expire', key: 'alpha', value: Buffer.alloc(0), expireAtMs: 1_950_000_000_000n },
    {
      sequence: 0xffff_ffff_ffff_ffffn,
      op: 'expire',
      key: 'alpha',
      value: Buffer.alloc(0),
      expireAtMs: null,
    },
  ];

  it.each(['batch-plain', 'batch-zstd'])('%s: every field of every record', (name) => {
    const { recordCount, records } = decodeBatch(open(name).payload);
    expect(recordCount).toBe(7);
    const decoded = [...records];
    expect(
      decoded.map(({ sequence, op, key, value, expireAtMs }) => ({
        sequence,
        op,
        key: key.toString(),
        value,
        expireAtMs,
      })),
    ).toEqual(expected);
    let offset = 4;
    for (const record of decoded) {
      const keyHash = xxh3.xxh64(record.key);
      expect(record.keyHash).toBe(keyHash);
      expect(record.keyTag).toBe(keyHash >> 56n);
      expect(record.shard).toBe(Number(((keyHash << 7n) & 0xffff_ffff_ffff_ffffn) >> 62n));
      expect(record.timestampMs).toBe(BigInt.asUintN(64, at + record.sequence));
      expect(record.governance).toBeUndefined();
      expect(record.offset).toBe(offset);
      offset += 53 + record.key.length + record.value.length;
    }
  });

  it.each(['batch-512-plain', 'batch-512-zstd'])('%s: 512 records', (name) => {
    const records = [...decodeBatch(open(name).payload).records];
    expect(records).toHaveLength(512);
    records.forEach((record, index) => {
      expect(record.key.toString()).toBe(`key:${index}`);
      expect(record.value.equals(goldenValue(index, 64))).toBe(true);
      expect(record).toMatchObject({ shard: 0, op: 'set', sequence: BigInt(index + 1), expireAtMs: null });
      expect(record.keyHash).toBe(xxh3.xxh64(record.key));
    });
  });
});

describe('the snapshot', () => {
  const watermarks = BigUint64Array.of(10n, 20n, 30n, 40n);

  it('begins and ends with the watermarks', () => {
    for (const name of ['snapshot-begin', 'snapshot-end']) {
      expect(decodeWatermarks(open(name).payload)).toEqual(watermarks);
    }
    expect(open('snapshot-begin').header.kind).toBe(FrameKind.SnapshotBegin);
    expect(open('snapshot-end').header.kind).toBe(FrameKind.SnapshotEnd);
  });

  it('has its hundred entries', () => {
    const chunk = decodeSnapshotChunk(open('snapshot-chunk').payload);
    expect(chunk).toMatchObject({ chunkIndex: 0n, last: true, watermarks, entryCount: 100 });
    const entries = [...chunk.entries];
    entries.forEach((entry, index) => {
      expect(entry.key.toString()).toBe(`snap:${index}`);
      expect(entry.value.equals(goldenValue(index, 40))).toBe(true);
      expect(entry.expireAtMs).toBe(index % 10 === 0 ? 1_900_000_000_000n + BigInt(index) : null);
    });
    expect(entries).toHaveLength(100);
  });
});

it('Ack and Error', () => {
  expect(decodeWatermarks(open('ack').payload)).toEqual(BigUint64Array.of(1n, 2n, 3n, 4n));
  expect(decodeErrorText(open('error').payload)).toBe('invalid auth token');
});

it('the dump of all falls into the very frames', () => {
  const order = [
    'hello-full',
    'hello-bare',
    'batch-plain',
    'batch-zstd',
    'ack',
    'error',
    'batch-512-zstd',
    'batch-512-plain',
    'snapshot-begin',
    'snapshot-chunk',
    'snapshot-end',
  ];
  const splitter = new FrameSplitter();
  const frames: { offset: number; bytes: Buffer }[] = [];
  splitter.push(read('all'), ({ offset, bytes }) => frames.push({ offset, bytes }));
  splitter.end();
  let offset = 0;
  const expected = order.map((name) => {
    const bytes = read(name);
    offset += bytes.length;
    return { offset: offset - bytes.length, bytes };
  });
  expect(frames).toEqual(expected);
});
