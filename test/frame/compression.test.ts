import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compress, decompress, skippableContent, store } from '../../src/frame/compression.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { describeWith } from '../support/optional-peers.js';
import { bytesOf, zstdData, zstdSkippable } from '../support/raw-frames.js';

const zstdTool = {
  name: 'the zstd command',
  isThere: spawnSync('zstd', ['--version']).status === 0,
  remedy: 'install the package zstd',
};

function zstd(args: readonly string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync('zstd', [...args, '--stdout', '--quiet'], {
    input,
    maxBuffer: 1 << 26,
  });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return stdout;
}

/** Half of it compresses, half of it does not. */
function sample(length: number): Buffer {
  const bytes = Buffer.alloc(length, 'a sentence that comes again and again; ');
  let state = 88_172_645;
  for (let i = 0; i < length / 2; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const lengths = [0, 1, 100, 70_000, 1_000_000, 9_000_000];

describe('round trip', () => {
  it.each(lengths)('of %i bytes', (length) => {
    const payload = sample(length);
    for (const level of [1, 3, 9]) {
      const wire = compress(payload, level, 16).subarray(16);
      expect(decompress(wire, length).equals(payload)).toBe(true);
    }
  });

  it.each([0, 1, 255, 256, 131_072, 131_073, 1_000_000])('of %i bytes that are stored', (length) => {
    const payload = sample(length);
    const wire = store(payload, 16).subarray(16);
    expect(wire.length).toBeLessThan(length + 40);
    expect(decompress(wire, length).equals(payload)).toBe(true);
  });

  it('of any bytes at any level', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 1, max: 19 }), (payload, level) => {
        expect(decompress(compress(payload, level, 0), payload.length).equals(payload)).toBe(true);
      }),
    );
  });
});

describe('memory', () => {
  it('a compressed frame owns what it needs and no more', () => {
    for (const payload of [sample(100_000), Buffer.alloc(6_000_000)]) {
      const frame = encodeFrame(FrameKind.MutationBatch, payload, { compression: 'zstd' });
      expect(frame.buffer.byteLength).toBe(frame.length);
      expect(frame.length).toBeLessThan(payload.length);
    }
  });

  it('a result is not touched by the next compression', () => {
    const first = compress(sample(5000), 3, 0);
    const copy = Buffer.from(first);
    compress(Buffer.alloc(5000, 9), 3, 0);
    expect(first.equals(copy)).toBe(true);
  });

  it('data that state more than is announced are refused before anything is allocated', () => {
    const wire = compress(Buffer.alloc(200_000_000), 1, 0);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decompress(wire, 100)).toThrow(
      'announces 100 bytes uncompressed, and its zstd data hold 200000000',
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  it('data that state nothing and hold more are stopped at what is announced', () => {
    // 200 blocks of 128 KiB of one byte each (RFC 8878, RLE blocks), and no content size.
    const header = bytesOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]));
    const block = (last: number): Buffer => {
      const bytes = Buffer.alloc(4, 'x');
      bytes.writeUIntLE(last | (1 << 1) | (131_072 << 3), 0, 3);
      return bytes;
    };
    const wire = bytesOf(header, ...Array.from({ length: 199 }, () => block(0)), block(1));
    expect(() => decompress(wire, 200_000)).toThrow('hold more than 200000');
    expect(decompress(wire, 200 * 131_072).equals(Buffer.alloc(200 * 131_072, 'x'))).toBe(true);
  });
});

describe('skippable frames', () => {
  const data = zstdData(Buffer.from('payload'));
  const read = (wire: Uint8Array): string => decompress(wire, 7).toString();

  it('are stepped over before and behind the data, whichever of the sixteen', () => {
    for (let nibble = 0; nibble < 16; nibble += 1) {
      const skippable = zstdSkippable('whatever', 0x184d2a50 + nibble);
      expect(read(bytesOf(skippable, data))).toBe('payload');
      expect(read(bytesOf(data, skippable))).toBe('payload');
      expect(read(bytesOf(skippable, skippable, data, skippable, skippable))).toBe('payload');
    }
  });

  it('may be empty, and may hold what looks like a data frame', () => {
    expect(read(bytesOf(data, zstdSkippable('')))).toBe('payload');
    expect(read(bytesOf(zstdSkippable(data), data, zstdSkippable(data)))).toBe('payload');
  });

  it('are read only behind the data, with the first magic, and the first of them', () => {
    const ours = zstdSkippable('ours');
    const others = zstdSkippable('others', 0x184d2a51);
    expect(skippableContent(data)).toBeUndefined();
    expect(skippableContent(bytesOf(ours, data))).toBeUndefined();
    expect(skippableContent(bytesOf(data, others))).toBeUndefined();
    expect(skippableContent(bytesOf(ours, data, others, zstdSkippable('this'), ours))).toEqual(
      Buffer.from('this'),
    );
  });
});

describeWith(zstdTool, 'the zstd command', () => {
  it.each(lengths)('reads what is compressed here, %i bytes', (length) => {
    const payload = sample(length);
    expect(zstd(['-d'], compress(payload, 3, 0)).equals(payload)).toBe(true);
  });

  it.each(lengths)('reads what is stored here, %i bytes', (length) => {
    const payload = sample(length);
    expect(zstd(['-d'], store(payload, 0)).equals(payload)).toBe(true);
  });

  it('steps over the skippable frame', () => {
    const wire = store(Buffer.from('payload'), 0, Buffer.from('fastcache/1'));
    expect(zstd(['-d'], wire).toString()).toBe('payload');
  });

  it.each(lengths)('writes what is read here, %i bytes', (length) => {
    const payload = sample(length);
    // From a pipe it states no content size, and adds a checksum.
    expect(decompress(zstd(['-3'], payload), length).equals(payload)).toBe(true);
    expect(decompress(zstd(['-3', `--stream-size=${length}`], payload), length).equals(payload)).toBe(true);
  });

  it('has its checksum looked at', () => {
    const wire = zstd(['-3', '--check'], Buffer.from('payload'));
    wire[wire.length - 1]! ^= 1;
    expect(() => decompress(wire, 7)).toThrow(expect.objectContaining({ code: 'FCRP_ZSTD_CORRUPT' }));
  });
});
