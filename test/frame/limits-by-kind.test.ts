/** How long a frame of each kind may be, and that this is known before anything is opened. */
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../src/frame/frame.js';
import { FrameKind, type FrameKindName } from '../../src/frame/kinds.js';
import { decodeSnapshotChunk } from '../../src/frame/snapshot.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { decodeWatermarks, encodeWatermarks } from '../../src/frame/watermarks.js';
import { rawFrame, u32, u64 } from '../support/raw-frames.js';

const limits: [FrameKindName, number][] = [
  ['Hello', 65_536],
  ['SnapshotBegin', 8_196],
  ['SnapshotChunk', 268_435_456],
  ['SnapshotEnd', 8_196],
  ['MutationBatch', 268_435_456],
  ['Ack', 16_392],
  ['Leave', 8_196],
  ['Digests', 28_677],
  ['Compare', 65_536],
  ['Compared', 67_108_864],
  ['Error', 65_536],
  ['Status', 1_048_576],
];

/** Gives a reader a header alone: a frame that it does not refuse it waits for. */
function give(kind: FrameKindName, flags: 0 | 1, payloadBytes: number, uncompressedBytes: number): void {
  const header = rawFrame({ kind: FrameKind[kind], flags, payloadBytes, uncompressedBytes });
  new FrameSplitter().push(header, () => {});
}

describe.each(limits)('%s', (kind, limit) => {
  it('may have so many bytes, and a few more on the wire when it is compressed', () => {
    give(kind, 0, limit, limit);
    give(kind, 1, Math.min(limit + 512, 268_435_456), limit);
  });

  it('is refused by its header when it announces one more, on the wire or uncompressed', () => {
    const refusal = expect.objectContaining({ code: 'FCRP_LENGTH_OVER_LIMIT' });
    expect(() => give(kind, 0, limit + 1, limit + 1)).toThrow(refusal);
    expect(() => give(kind, 1, 100, limit + 1)).toThrow(refusal);
    expect(() => give(kind, 1, limit + 513, limit)).toThrow(refusal);
  });
});

describe('a list of watermarks', () => {
  const random = BigUint64Array.from({ length: 1_024 }, (_, shard) =>
    BigInt.asUintN(64, BigInt(shard + 1) * 0x9e3779b97f4a7c15n),
  );

  it('of 1,024 shards that cannot be compressed is read all the same', () => {
    const frame = encodeFrame(FrameKind.Ack, encodeWatermarks(random), { compression: 'zstd' });
    expect(decodeWatermarks(decodeFrame(frame).payload)).toEqual(random);
  });

  it('of more shards is refused within a chunk too', () => {
    const count = 1_025;
    const chunk = Buffer.concat([u64(0n), Buffer.from([1]), u32(count), Buffer.alloc(8 * count), u32(0)]);
    expect(() => decodeSnapshotChunk(chunk)).toThrow(expect.objectContaining({ code: 'SHARD_OUT_OF_RANGE' }));
  });
});
