import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter, type SplitFrame } from '../../src/frame/splitter.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { anyFrame, cutAt } from '../support/frame-arbitraries.js';
import { rawFrame, u32 } from '../support/raw-frames.js';

const MiB = 1024 * 1024;
const ack = encodeFrame(FrameKind.Ack, encodeWatermarks([1n, 2n]));

/** Copies of what a splitter hands out. */
function split(chunks: Iterable<Uint8Array>, splitter = new FrameSplitter()) {
  const frames: { offset: number; bytes: Buffer; payloadBytes: number }[] = [];
  for (const chunk of chunks) {
    splitter.push(chunk, ({ offset, bytes, wirePayload, header }) => {
      expect(wirePayload.equals(bytes.subarray(16))).toBe(true);
      frames.push({ offset, bytes: Buffer.from(bytes), payloadBytes: header.payloadBytes });
    });
  }
  splitter.end();
  return frames;
}

function codeOf(run: () => void): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof FastcacheError) return `${error.code} at ${error.offset}`;
    throw error;
  }
  return undefined;
}

describe('the same frames come out', () => {
  const expectedOf = (frames: readonly Buffer[]) => {
    let offset = 0;
    return frames.map((bytes) => {
      offset += bytes.length;
      return { offset: offset - bytes.length, bytes, payloadBytes: bytes.length - 16 };
    });
  };

  it('whole, byte by byte, and at random cuts', () => {
    const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 6 }), places, (frames, cuts) => {
        const stream = Buffer.concat(frames);
        const expected = expectedOf(frames);
        expect(split([stream])).toEqual(expected);
        expect(split(cutAt(stream, cuts))).toEqual(expected);
        expect(split(cutAt(stream, cuts), new FrameSplitter({ sharesAssembly: true }))).toEqual(expected);
        expect(split([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('from chunks that the caller uses again after each call', () => {
    const frames = [ack, encodeFrame(FrameKind.MutationBatch, Buffer.alloc(300_000, 7)), ack];
    const stream = Buffer.concat(frames);
    const chunk = Buffer.alloc(65_536);
    const splitter = new FrameSplitter();
    const bytes: Buffer[] = [];
    for (let start = 0; start < stream.length; start += chunk.length) {
      const length = stream.copy(chunk, 0, start);
      splitter.push(chunk.subarray(0, length), (frame) => bytes.push(Buffer.from(frame.bytes)));
      chunk.fill(0xee);
    }
    expect(Buffer.concat(bytes).equals(stream)).toBe(true);
  });

  it('counted from where the stream was joined', () => {
    expect(split([ack, ack], new FrameSplitter({ offset: 1000 })).map(({ offset }) => offset)).toEqual([
      1000,
      1000 + ack.length,
    ]);
  });
});

describe('memory', () => {
  it('a frame that lies whole in its chunk is handed out as a view of it', () => {
    const chunk = Buffer.concat([ack, ack]);
    const seen: SplitFrame[] = [];
    new FrameSplitter().push(chunk, (frame) => seen.push(frame));
    expect(seen.map(({ owned }) => owned)).toEqual([false, false]);
    for (const { bytes } of seen) expect(bytes.buffer).toBe(chunk.buffer);
  });

  it('frames in pieces share memory when nobody keeps them', () => {
    const frames = [100_000, 60_000, 100_000].map((bytes, index) =>
      encodeFrame(FrameKind.MutationBatch, Buffer.alloc(bytes, index + 1)),
    );
    const splitter = new FrameSplitter({ sharesAssembly: true });
    const memories = new Set<ArrayBufferLike>();
    let count = 0;
    for (const piece of cutAt(Buffer.concat(frames), [0.0001, 0.1, 0.3, 0.5, 0.7, 0.9])) {
      splitter.push(piece, ({ bytes, owned }) => {
        expect(owned).toBe(false);
        expect(bytes.equals(frames[count]!)).toBe(true);
        memories.add(bytes.buffer);
        count += 1;
      });
    }
    expect(count).toBe(3);
    expect(memories.size).toBe(1);
  });

  it('a frame in pieces owns exactly its bytes', () => {
    const frame = encodeFrame(FrameKind.MutationBatch, Buffer.alloc(100_000, 1));
    const seen: SplitFrame[] = [];
    const splitter = new FrameSplitter();
    for (const piece of cutAt(frame, [0.0001, 0.3, 0.9])) splitter.push(piece, (found) => seen.push(found));
    expect(seen).toHaveLength(1);
    expect(seen[0]!.owned).toBe(true);
    expect(seen[0]!.bytes.buffer.byteLength).toBe(frame.length);
    expect(seen[0]!.bytes.equals(frame)).toBe(true);
  });

  it('an announcement costs nothing until its bytes come', () => {
    const announcement = rawFrame({ kind: 5, payloadBytes: 256 * MiB, uncompressedBytes: 256 * MiB }, u32(0));
    const before = process.memoryUsage().arrayBuffers;
    const splitters = Array.from({ length: 1000 }, () => {
      const splitter = new FrameSplitter();
      splitter.push(announcement, () => expect.unreachable());
      return splitter;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MiB);
    expect(splitters.every(({ heldBytes }) => heldBytes === 20)).toBe(true);
  });

  it('what is held grows with what has come, to at most twice as much', () => {
    const announcement = rawFrame({ kind: 5, payloadBytes: 256 * MiB, uncompressedBytes: 256 * MiB });
    const splitter = new FrameSplitter();
    const before = process.memoryUsage().arrayBuffers;
    splitter.push(announcement, () => expect.unreachable());
    const chunk = Buffer.alloc(64 * 1024);
    for (let i = 0; i < 16; i += 1) splitter.push(chunk, () => expect.unreachable());
    expect(splitter.heldBytes).toBe(16 + MiB);
    // The buffers outgrown on the way may not have been collected yet: together at most as much again.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * MiB);
  });
});

describe('refusals', () => {
  it('come with the first wrong byte', () => {
    const stream = Buffer.concat([ack, Buffer.from('FCRP')]);
    const splitter = new FrameSplitter();
    splitter.push(stream, () => {});
    expect(splitter.frameStart).toBe(ack.length);
    expect(splitter.heldBytes).toBe(4);
    expect(codeOf(() => splitter.push(u32(9), () => {}))).toBe(
      `FCRP_UNSUPPORTED_VERSION at ${ack.length + 4}`,
    );
  });

  it('of a length come before its payload', () => {
    const header = rawFrame({ kind: 1, payloadBytes: 65_537, uncompressedBytes: 65_537 });
    const splitter = new FrameSplitter({ maxPayloadBytes: 65_536 });
    expect(codeOf(() => splitter.push(header.subarray(0, 12), () => {}))).toBe('FCRP_LENGTH_OVER_LIMIT at 8');
  });

  it('look at both lengths', () => {
    const header = rawFrame({ kind: 1, flags: 1, payloadBytes: 100, uncompressedBytes: 65_537 });
    const splitter = new FrameSplitter({ maxPayloadBytes: 65_536 });
    expect(codeOf(() => splitter.push(header, () => {}))).toBe('FCRP_LENGTH_OVER_LIMIT at 12');
  });

  it('follow a limit that is raised while a chunk is under way', () => {
    const large = encodeFrame(FrameKind.MutationBatch, Buffer.alloc(200));
    const splitter = new FrameSplitter({ maxPayloadBytes: 100 });
    const kinds: number[] = [];
    splitter.push(Buffer.concat([ack, large]), ({ header }) => {
      kinds.push(header.kind);
      splitter.maxPayloadBytes = 1000;
    });
    expect(kinds).toEqual([FrameKind.Ack, FrameKind.MutationBatch]);
  });

  it('follow a limit that is lowered', () => {
    const large = encodeFrame(FrameKind.MutationBatch, Buffer.alloc(200));
    const splitter = new FrameSplitter();
    splitter.push(large, () => {});
    splitter.maxPayloadBytes = 100;
    expect(codeOf(() => splitter.push(large, () => {}))).toBe(
      `FCRP_LENGTH_OVER_LIMIT at ${large.length + 8}`,
    );
  });

  it('follow the version of the connection', () => {
    const third = encodeFrame(FrameKind.Ack, encodeWatermarks([]), { version: 3 });
    expect(split([third], new FrameSplitter({ version: 3 }))).toHaveLength(1);
    expect(codeOf(() => split([ack], new FrameSplitter({ version: 3 })))).toBe(
      'FCRP_UNSUPPORTED_VERSION at 4',
    );
  });
});

describe('the end', () => {
  it('between frames is sound, also of an empty stream', () => {
    expect(split([])).toEqual([]);
    expect(split([ack])).toHaveLength(1);
  });

  it('inside a frame is told with where the frame begins', () => {
    for (let length = ack.length + 1; length < 2 * ack.length; length += 1) {
      const code = length < ack.length + 16 ? 'FCRP_SHORT_HEADER' : 'FCRP_TRUNCATED';
      const stream = Buffer.concat([ack, ack]).subarray(0, length);
      expect(
        codeOf(() => split([stream])),
        `${length} bytes`,
      ).toBe(`${code} at ${ack.length}`);
    }
  });
});

it('a throw of the callback ends the call, with the frame counted as handed out', () => {
  const splitter = new FrameSplitter();
  const stop = new Error('stop');
  expect(() =>
    splitter.push(Buffer.concat([ack, ack]), () => {
      throw stop;
    }),
  ).toThrow(stop);
  expect(splitter.frameStart).toBe(ack.length);
});
