/** The room behind a segment: it begins behind a seal, and zeros that are content stay content. */
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { bytesWithoutRoom, isSegment, ROOM_BYTES } from '../../src/frame/room.js';
import { encodeSeal } from '../../src/frame/seal.js';
import { withoutRoom } from '../support/room.js';

/** A seal whose last bytes are so many zeros. */
function sealWith(zeros: number): Buffer {
  const hash = zeros === 8 ? 0n : (1n << BigInt(64 - 8 * zeros)) - 1n;
  return encodeFrame(FrameKind.Seal, encodeSeal({ start: 30, frames: 2, hash }));
}

const batch = encodeFrame(FrameKind.MutationBatch, Buffer.from('no records'));
const zeros = (bytes: number) => Buffer.alloc(bytes);

describe('the bytes without room', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('end with a seal that ends in %i zeros', async (count) => {
    const segment = Buffer.concat([batch, sealWith(count)]);
    for (const room of [0, 1, 7, 35, 36, 65_536, ROOM_BYTES, 2 * ROOM_BYTES - 12]) {
      expect(await withoutRoom(Buffer.concat([segment, zeros(room)]))).toEqual(segment);
    }
  });

  it.each([
    ['a frame that is no seal', Buffer.concat([batch, zeros(100)])],
    ['torn bytes', Buffer.concat([batch, sealWith(0), Buffer.from('torn'), zeros(100)])],
    ['more zeros than room has', Buffer.concat([batch, sealWith(0), zeros(3 * ROOM_BYTES)])],
    ['nothing but zeros', zeros(1_000)],
    ['less than a seal', zeros(10)],
    ['nothing', zeros(0)],
  ])('are all of %s', async (_, bytes) => {
    expect(await withoutRoom(bytes)).toHaveLength(bytes.length);
  });

  it('are found without reading more than room can be', async () => {
    let readBytes = 0;
    const size = 10 * 1024 * ROOM_BYTES;
    const read = async (_: number, bytes: number) => {
      readBytes += bytes;
      return zeros(bytes);
    };
    expect(await bytesWithoutRoom(size, read)).toBe(size);
    expect(readBytes).toBeLessThan(3 * ROOM_BYTES);
  });
});

it('only segments have room', () => {
  expect(['segment-00000001.fcrp', '/data/segment-123456789.fcrp'].every(isSegment)).toBe(true);
  const others = [
    'base-00000001.fcrp',
    'segment-00000001.fcrp.idx',
    'my-segment-00000001.fcrp',
    'segment-1.fcrp',
  ];
  expect(others.some(isSegment)).toBe(false);
});
