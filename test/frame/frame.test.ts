import { describe, expect, it } from 'vitest';
import { PayloadRoom } from '../../src/frame/compression.js';
import { decodeFrame, encodeFrame, openPayload } from '../../src/frame/frame.js';
import { decodeHeader, encodeHeader } from '../../src/frame/header.js';
import { FrameKind, frameKindName } from '../../src/frame/kinds.js';

const payload = Buffer.from('some payload');

describe('the header', () => {
  it('is laid out as docs/protocol.md says', () => {
    const bytes = Buffer.alloc(16, 0xee);
    encodeHeader(bytes, {
      version: 3,
      kind: FrameKind.Error,
      compressed: true,
      payloadBytes: 0x0102_0304,
      uncompressedBytes: 0x0506_0708,
    });
    expect(bytes.toString('hex')).toBe('46435250030701000403020108070605');
  });

  it('comes back as it was', () => {
    const header = {
      version: 1,
      kind: FrameKind.MutationBatch,
      compressed: true,
      payloadBytes: 7,
      uncompressedBytes: 256 * 1024 * 1024,
    };
    const bytes = Buffer.alloc(16);
    encodeHeader(bytes, header);
    expect(decodeHeader(bytes)).toEqual(header);
  });

  it('accepts exactly the lengths up to the limit', () => {
    const frame = encodeFrame(FrameKind.Ack, payload);
    expect(decodeHeader(frame, { maxPayloadBytes: 12 }).payloadBytes).toBe(12);
    expect(() => decodeHeader(frame, { maxPayloadBytes: 11 })).toThrow(
      expect.objectContaining({ code: 'FCRP_LENGTH_OVER_LIMIT', offset: 8, expected: 11, found: 12 }),
    );
  });

  it('names the kinds', () => {
    expect(Object.values(FrameKind).map(frameKindName)).toEqual([
      'Hello',
      'SnapshotBegin',
      'SnapshotChunk',
      'SnapshotEnd',
      'MutationBatch',
      'Ack',
      'Error',
      'Status',
      'Messages',
      'Failover',
      'Digests',
      'Leave',
      'Compare',
      'Compared',
      'Seal',
    ]);
  });
});

describe('a frame', () => {
  it('is its header and its payload, in memory of its own', () => {
    const source = Buffer.from(payload);
    const frame = encodeFrame(FrameKind.MutationBatch, source);
    source.fill(0);
    expect(frame.toString('latin1')).toBe('FCRP\x01\x05\x00\x00\x0c\x00\x00\x00\x0c\x00\x00\x00some payload');
    expect(frame.buffer.byteLength).toBe(frame.length);
  });

  it('is opened without a copy when it is not compressed', () => {
    const frame = encodeFrame(FrameKind.MutationBatch, payload);
    expect(decodeFrame(frame).payload.buffer).toBe(frame.buffer);
  });

  it('may be empty', () => {
    for (const compression of ['none', 'zstd'] as const) {
      const frame = encodeFrame(FrameKind.Ack, Buffer.alloc(0), { compression });
      expect(decodeFrame(frame).payload).toHaveLength(0);
    }
  });

  it('has the version it is told, and is read by those who expect it', () => {
    const frame = encodeFrame(FrameKind.Ack, payload, { version: 3, compression: 'zstd' });
    expect(decodeFrame(frame, { version: 3 }).header.version).toBe(3);
    expect(() => decodeFrame(frame)).toThrow(expect.objectContaining({ code: 'FCRP_UNSUPPORTED_VERSION' }));
  });

  it('is the smaller the higher the level', () => {
    const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `key:${(i * 7919) % 1009}`).join());
    const sizes = [1, 19].map(
      (level) => encodeFrame(FrameKind.MutationBatch, text, { compression: 'zstd', level }).length,
    );
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });

  it('that no reader would accept is not written', () => {
    const tooLarge = Buffer.allocUnsafeSlow(256 * 1024 * 1024 + 1);
    for (const compression of ['none', 'zstd'] as const) {
      expect(() => encodeFrame(FrameKind.MutationBatch, tooLarge, { compression })).toThrow(
        expect.objectContaining({ code: 'FCRP_LENGTH_OVER_LIMIT' }),
      );
    }
  });
});

describe('a room for payloads', () => {
  it('takes one after the other, of any size, in the same memory where they are not large', () => {
    const room = new PayloadRoom();
    const sizes = [3_000, 10, 6_000, 0, 5_000_000, 40_000];
    const buffers = sizes.map((size) => {
      const content = Buffer.from(Array.from({ length: size }, (_, index) => (index * size) & 255));
      const frame = encodeFrame(FrameKind.MutationBatch, content, { compression: 'zstd' });
      const opened = openPayload(decodeHeader(frame), frame.subarray(16), room);
      expect(content.equals(opened)).toBe(true);
      return opened.buffer;
    });
    expect(buffers[0]).toBe(buffers[2]);
    expect(buffers[4]).not.toBe(buffers[5]);
  });
});
