/** The walker with checks that only count: how much it looks at, whatever the stream holds. */
import { expect, it } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import { MAX_FRAME_PAYLOAD_BYTES } from '../../src/limits.js';
import { bytesOf, rawFrame, u32 } from '../support/raw-frames.js';
import { walkBytes } from '../support/verify-bytes.js';

const fault = new FastcacheError('FCRP_TRAILING_BYTES', 'A sentence.', { offset: 0 });

it('looks at a bounded number of bytes in a stream of frames within frames', () => {
  const small = rawFrame({ kind: 6 }, u32(0));
  const wide = rawFrame({ kind: 7, payloadBytes: 1_048_576, uncompressedBytes: 1_048_576 });
  const stream = bytesOf(...Array.from({ length: 100_000 }, () => bytesOf(small, wide)));
  let lookedAt = 0;
  let frames = 0;
  let nextByte = 0;
  const look = (bytes: number) => {
    lookedAt += bytes;
    return bytes > 4;
  };
  walkBytes(
    stream,
    {
      faultOf: ({ header }) => (look(header.payloadBytes) ? fault : undefined),
      isSound: ({ header }) => !look(header.payloadBytes),
    },
    (stretch) => {
      const [start, end] =
        stretch.type === 'frame'
          ? [stretch.frame.offset, stretch.frame.offset + stretch.frame.bytes.length]
          : [stretch.start, stretch.end];
      expect(start).toBe(nextByte);
      nextByte = end;
      if (stretch.type === 'frame') frames++;
    },
    65_536,
  );
  // Without a bound it would be 100 GB.
  expect(lookedAt).toBeLessThan(3 * MAX_FRAME_PAYLOAD_BYTES);
  expect(frames).toBe(100_000);
  expect(nextByte).toBe(stream.length);
});

it('goes on at a header that came in pieces, and gives out every byte once', () => {
  const frame = rawFrame({ kind: 6 }, u32(0));
  const stream = bytesOf('FCRFCRP', frame, 'FCR', frame, 'F');
  const seen: string[] = [];
  walkBytes(
    stream,
    { faultOf: () => undefined, isSound: () => true },
    (stretch) => {
      seen.push(
        stretch.type === 'frame'
          ? `frame ${stretch.frame.offset}`
          : `${stretch.fault.code} ${stretch.start} to ${stretch.end}`,
      );
    },
    1,
  );
  expect(seen).toEqual([
    'FCRP_BAD_MAGIC 0 to 7',
    'frame 7',
    'FCRP_BAD_MAGIC 27 to 30',
    'frame 30',
    'FCRP_SHORT_HEADER 50 to 51',
  ]);
});
