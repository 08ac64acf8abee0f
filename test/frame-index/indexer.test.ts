import { xxh3 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { INDEX_ENTRY_BYTES, IndexEntries } from '../../src/frame/index-entry.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { decodeSeal } from '../../src/frame/seal.js';
import { indexKernel } from '../../src/frame-index/index-kernel.js';
import { Indexer } from '../../src/frame-index/indexer.js';
import { FRAME_HEADER_BYTES } from '../../src/limits.js';
import { DumpBuilder } from '../support/dump-builder.js';
import { piecesOf } from '../support/pieces.js';
import { RandomSource } from '../support/random.js';

/** The index of a dump that comes in pieces. */
function indexOf(dump: Buffer, pieceBytes: () => number = () => dump.length): Buffer {
  const indexer = new Indexer();
  const made: Buffer[] = [];
  for (const part of piecesOf(dump, pieceBytes)) {
    const piece = Buffer.from(part);
    made.push(indexer.push(piece));
    // The indexer keeps nothing of what it was given.
    piece.fill(0xee);
  }
  indexer.close();
  return Buffer.concat(made);
}

function entriesOf(dump: Buffer): IndexEntries {
  return new IndexEntries(indexOf(dump).subarray(INDEX_ENTRY_BYTES));
}

function record(shard: number, sequence: bigint, timestampMs: bigint, valueBytes = 10): MutationRecord {
  const key = Buffer.from(`key:${sequence}`);
  const value = Buffer.alloc(valueBytes, 'v');
  return { shard, sequence, timestampMs, op: 'set', keyHash: xxh3.xxh64(key), expireAtMs: null, key, value };
}

function batch(records: MutationRecord[], compression: 'none' | 'zstd' = 'none'): Buffer {
  return encodeFrame(FrameKind.MutationBatch, encodeBatch(records), { compression });
}

describe.each(['none', 'zstd'] as const)('an index of frames with compression %s', (compression) => {
  const builder = new DumpBuilder(4, compression);
  const hello = encodeHelloFrame({ role: 'replica', watermarks: builder.watermarks });
  const frames = [
    hello,
    builder.begin(),
    builder.chunk(0, true),
    builder.end(),
    builder.batch(0),
    builder.batch(3, 1, 400_000),
    builder.batch(1, 300, 7),
    builder.batch(0, 2, 1_024),
  ];
  const dump = Buffer.concat(frames);

  it('has an entry for each frame, with its place and the hash of its bytes', () => {
    const entries = entriesOf(dump);
    expect(entries.length).toBe(frames.length);
    let offset = 0;
    for (const [index, frame] of frames.entries()) {
      expect(entries.at(index)).toMatchObject({
        offset,
        bytes: frame.length,
        kind: frame[5],
        hash: xxh3.xxh64(frame),
      });
      offset += frame.length;
    }
  });

  it('has shard, sequences and times of batches, and of nothing else', () => {
    const entries = entriesOf(dump);
    const known = Array.from({ length: entries.length }, (_, index) => entries.at(index).records);
    const ms = { earliestMs: 1_760_000_000_000n, latestMs: 1_760_000_000_000n };
    expect(known).toEqual([
      ...[undefined, undefined, undefined, undefined],
      { shard: 0, count: 5, firstSequence: 1n, lastSequence: 5n, ...ms },
      { shard: 3, count: 1, firstSequence: 1n, lastSequence: 1n, ...ms },
      { shard: 1, count: 300, firstSequence: 1n, lastSequence: 300n, ...ms },
      { shard: 0, count: 2, firstSequence: 6n, lastSequence: 7n, ...ms },
    ]);
  });

  it('is the same in whatever pieces the dump comes', () => {
    const random = new RandomSource(9);
    const whole = indexOf(dump);
    for (const most of [1, 15, 70, 5_000, 300_000]) {
      expect(indexOf(dump, () => random.between(1, most)).equals(whole), `${most}`).toBe(true);
    }
  });
});

it('an entry has the earliest and the latest time, also where a clock was set back', () => {
  const entries = entriesOf(batch([record(2, 5n, 1_000n), record(2, 6n, 700n), record(2, 7n, 900n)]));
  expect(entries.at(0).records).toMatchObject({ earliestMs: 700n, latestMs: 1_000n });
});

it('times that are too far apart for an entry count as without end', () => {
  const entries = entriesOf(batch([record(2, 5n, 0n), record(2, 6n, 2n ** 40n)]));
  expect(entries.at(0).records).toMatchObject({ earliestMs: 0n, latestMs: 2n ** 64n - 1n });
});

it('a batch of several shards has no shard, and the sequences of all', () => {
  const entries = entriesOf(batch([record(2, 5n, 1n), record(3, 1n, 1n), record(2, 6n, 1n)]));
  expect(entries.at(0).records).toMatchObject({
    shard: undefined,
    count: 3,
    firstSequence: 1n,
    lastSequence: 6n,
  });
});

it('a batch without records is known to have none', () => {
  expect(entriesOf(batch([])).at(0).records).toMatchObject({ count: 0, shard: undefined });
});

it('a batch that is not sound has an entry that says nothing of its records', () => {
  const payload = encodeBatch([record(0, 1n, 1n), record(0, 2n, 1n)]);
  const [cut, long, many, op] = [
    payload.subarray(0, -1),
    Buffer.concat([payload, Buffer.alloc(1)]),
    ...[0, 1].map(() => Buffer.from(payload)),
  ];
  many!.writeUInt32LE(3);
  op![4 + 20] = 9;
  for (const unsound of [cut!, long!, many!, op!, Buffer.alloc(2)]) {
    const frame = encodeFrame(FrameKind.MutationBatch, unsound);
    expect(entriesOf(frame).at(0)).toMatchObject({ records: undefined, hash: xxh3.xxh64(frame) });
  }
  const corrupt = batch([record(0, 1n, 1n)], 'zstd');
  corrupt[20]! ^= 0xff;
  expect(entriesOf(corrupt).at(0)).toMatchObject({ records: undefined, hash: xxh3.xxh64(corrupt) });
});

it('a batch with any bytes changed has the same entry whole and in pieces', () => {
  const random = new RandomSource(10);
  const payload = encodeBatch([record(1, 1n, 5n), record(1, 2n, 6n), record(2, 9n, 1n)]);
  for (let round = 0; round < 2_000; round += 1) {
    const changed = Buffer.from(payload.subarray(0, random.between(0, payload.length)));
    for (let at = 0; at < 3 && changed.length > 0; at += 1) {
      changed[random.between(0, changed.length - 1)]! = random.pick([0, 1, 3, 4, 255]);
    }
    const frame = encodeFrame(FrameKind.MutationBatch, changed);
    expect(indexOf(frame, () => random.between(1, 40)).equals(indexOf(frame))).toBe(true);
  }
});

it('governance bytes are passed over', () => {
  const payload = encodeBatch([record(1, 1n, 5n), record(1, 2n, 6n)]);
  const at = 4 + (payload.length - 4) / 2;
  const governed = Buffer.concat([
    payload.subarray(0, at),
    Buffer.from([3, 0, 0, 0, 7, 7, 7]),
    payload.subarray(at),
  ]);
  governed[4 + 20] = 4;
  const frame = encodeFrame(FrameKind.MutationBatch, governed);
  expect(entriesOf(frame).at(0).records).toMatchObject({ count: 2, lastSequence: 2n, latestMs: 6n });
});

it('nothing is indexed from what is no frame on', () => {
  const builder = new DumpBuilder();
  const first = builder.batch(0);
  const indexer = new Indexer();
  const made = indexer.push(Buffer.concat([first, Buffer.alloc(40), builder.batch(1)]));
  expect(made.length).toBe(2 * INDEX_ENTRY_BYTES);
  expect(indexer.isBroken).toBe(true);
  expect(indexer.frameStart).toBe(first.length);
  indexer.close();
});

it('takes nothing more once it is closed, when its memory may be that of another', () => {
  const builder = new DumpBuilder(4);
  const [first, second] = [new Indexer(), new Indexer()];
  first.close();
  first.close();
  const other = new Indexer();
  expect(() => first.push(builder.batch(0))).toThrow('closed');
  // Memory that was freed once is given out once.
  const frames = [builder.batch(1, 300, 7), builder.batch(2, 2, 1_024)];
  const expected = frames.map((frame) => indexOf(frame));
  const halves = frames.map((frame) => frame.subarray(0, frame.length / 2));
  const made = [second.push(halves[0]!), other.push(halves[1]!)];
  for (const [index, indexer] of [second, other].entries()) {
    const rest = frames[index]!.subarray(halves[index]!.length);
    expect(Buffer.concat([made[index]!, indexer.push(rest)])).toEqual(expected[index]);
    indexer.close();
  }
});

it('makes the entries of a large group and its seal in one call, unless it cannot', () => {
  const groupOf = (...valueBytes: number[]) =>
    Buffer.concat(valueBytes.map((bytes, at) => batch([record(3, BigInt(at + 1), 1n, bytes)])));
  const sealed = (group: Buffer, pieceBytes: number) => {
    const indexer = new Indexer();
    const proof = indexKernel().open();
    const hello = encodeHelloFrame({ role: 'replica', watermarks: [0n] });
    indexer.push(hello);
    proof.begin({ offset: 0, bytes: 0, kind: 0, isPlainBatch: false });
    const pieces = piecesOf(group, () => pieceBytes);
    const made = indexer.seal(pieces, { proof, start: 0, frames: 1 });
    indexer.close();
    proof.close();
    if (made === undefined) return undefined;
    const whole = indexOf(Buffer.concat([hello, group, made.seal]));
    expect(made.entries.equals(whole.subarray(2 * INDEX_ENTRY_BYTES))).toBe(true);
    return decodeSeal(made.seal.subarray(FRAME_HEADER_BYTES)).frames;
  };
  const large = groupOf(100_000, 0, 250_000, 262_000, 10, 200_000, 30_000);
  for (const pieceBytes of [1_000, 65_536, 262_144, large.length]) expect(sealed(large, pieceBytes)).toBe(8);
  expect(sealed(groupOf(100_000, 262_144), 65_536)).toBeUndefined();
  expect(sealed(groupOf(262_144, 100_000), 65_536)).toBeUndefined();
  const empty = batch([]);
  const emptyOnes = (count: number) => Buffer.alloc(count * empty.length, empty);
  expect(sealed(emptyOnes(4_095), 65_536)).toBe(4_096);
  for (const count of [4_096, 13_200]) expect(sealed(emptyOnes(count), 65_536)).toBeUndefined();
});
