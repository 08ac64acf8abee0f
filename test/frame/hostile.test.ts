import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { xxh3 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCodes, FastcacheError } from '../../src/errors.js';
import { decodeBatch } from '../../src/frame/batch.js';
import { decodeFrame } from '../../src/frame/frame.js';
import { decodeStream } from '../support/decode-stream.js';
import { hostileDirectory, hostileFrames, hostileReadme } from '../support/hostile-frames.js';
import { rawFrame, u32 } from '../support/raw-frames.js';

const soundFrame = rawFrame({ kind: 6 }, u32(0));
const streamFrames = hostileFrames.filter(({ refusedBy }) => refusedBy === 'stream');

function faultOf(read: () => void): FastcacheError {
  try {
    read();
  } catch (error) {
    if (error instanceof FastcacheError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

function* singleBytes(bytes: Buffer): Generator<Buffer> {
  for (let i = 0; i < bytes.length; i += 1) yield bytes.subarray(i, i + 1);
}

describe('the hostile fixtures', () => {
  const fcrpCodes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => code.startsWith('FCRP_'));

  it.each(fcrpCodes)('have one for %s', (code) => {
    expect(hostileFrames.map((frame) => frame.code)).toContain(code);
    expect(errorCodes[code]).toEqual({ exitCode: 65, retryable: false });
  });

  it('are what the generator makes, and the README tells of them', () => {
    const files = readdirSync(hostileDirectory).filter((name) => name.endsWith('.fcrp'));
    expect(files.sort()).toEqual(hostileFrames.map(({ name }) => `${name}.fcrp`).sort());
    for (const { name, bytes } of hostileFrames) {
      expect(readFileSync(join(hostileDirectory, `${name}.fcrp`)).equals(bytes), name).toBe(true);
    }
    expect(readFileSync(join(hostileDirectory, 'README.md'), 'utf8')).toBe(hostileReadme());
  });
});

describe.each(streamFrames)('$name', ({ code, offset, bytes }) => {
  it('is refused with its code and place', () => {
    const fault = faultOf(() => decodeStream([bytes], () => expect.unreachable()));
    expect(fault.code).toBe(code);
    expect(fault.offset).toBe(offset);
    expect(fault.exitCode).toBe(65);
    expect(fault.message).toMatch(/^[A-Z].*\.$/s);
  });

  it('is refused at the same place byte by byte, behind a sound frame that is delivered', () => {
    let delivered = 0;
    const stream = Buffer.concat([soundFrame, bytes]);
    const fault = faultOf(() => {
      decodeStream(singleBytes(stream), () => {
        delivered += 1;
      });
    });
    expect(delivered).toBe(1);
    expect(fault.code).toBe(code);
    expect(fault.offset).toBe(soundFrame.length + offset);
  });
});

describe('a reader of one frame', () => {
  const { bytes } = hostileFrames.find(({ name }) => name === 'byte-behind')!;

  it('refuses a byte behind it', () => {
    const fault = faultOf(() => decodeFrame(bytes));
    expect(fault).toMatchObject({ code: 'FCRP_LENGTH_MISMATCH', offset: 8, expected: 12, found: 13 });
  });

  it('refuses a frame that is cut', () => {
    const fault = faultOf(() => decodeFrame(bytes.subarray(0, 20)));
    expect(fault).toMatchObject({ code: 'FCRP_LENGTH_MISMATCH', offset: 8, expected: 12, found: 4 });
  });

  it('refuses fewer than 16 bytes', () => {
    const fault = faultOf(() => decodeFrame(bytes.subarray(0, 15)));
    expect(fault).toMatchObject({ code: 'FCRP_SHORT_HEADER', expected: 16, found: 15 });
  });
});

describe('what a fault tells', () => {
  it.each([
    ['version-2', { expected: 1, found: 2 }],
    ['magic-http', { expected: '46435250', found: '47455420' }],
    ['length-over-limit', { expected: 268_435_456, found: 268_435_457 }],
    ['lengths-differ', { expected: 12, found: 13 }],
    ['payload-cut', { expected: 28, found: 27 }],
    ['header-short', { expected: 16, found: 10 }],
    ['zstd-states-more', { expected: 11, found: 12 }],
    ['zstd-unstated-less', { expected: 13, found: 12 }],
    ['zstd-unstated-more', { expected: 11, found: 'more than 11' }],
    ['batch-count', { expected: 0, found: 4_294_967_295 }],
    ['batch-value-past-end', { expected: 4_294_967_295, found: 3 }],
    ['ack-trailing', { expected: 0, found: 1 }],
    ['op-5', { expected: '1 to 4', found: 5 }],
  ])('%s: what was expected and what was found', (name, told) => {
    const { bytes } = hostileFrames.find((frame) => frame.name === name)!;
    expect(faultOf(() => decodeStream([bytes], () => {}))).toMatchObject(told);
  });
});

it('the frame with a wrong key hash passes the codec, and its hash is wrong', () => {
  const { bytes } = hostileFrames.find(({ name }) => name === 'key-hash')!;
  const [record] = decodeBatch(decodeFrame(bytes).payload).records;
  expect(record!.keyHash).not.toBe(xxh3.xxh64(record!.key));
  expect(record!.keyHash ^ 1n).toBe(xxh3.xxh64(record!.key));
});
