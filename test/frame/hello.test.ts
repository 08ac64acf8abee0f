import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../src/frame/frame.js';
import { decodeHeader } from '../../src/frame/header.js';
import {
  decodeHello,
  decodeHelloFrame,
  encodeHello,
  encodeHelloFrame,
  type Hello,
} from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { decodeMargin, encodeMargin } from '../../src/frame/margin.js';
import { anyHello, anyMargin } from '../support/frame-arbitraries.js';
import { bytesOf, u8, u32, u64, zstdData, zstdFrame, zstdSkippable } from '../support/raw-frames.js';

const bare: Hello = { role: 'replica' };
const read = (frame: Buffer) => decodeHelloFrame(decodeHeader(frame), frame.subarray(16));
const plain = ({ watermarks, ...rest }: Hello) => ({
  ...rest,
  watermarks: watermarks === undefined ? undefined : BigUint64Array.from(Array.from(watermarks)),
});

describe('the payload', () => {
  it('is laid out as docs/protocol.md says', () => {
    const payload = encodeHello({ role: 'service-subscriber', token: 'ключ', watermarks: [7n, 1n << 63n] });
    expect(payload).toEqual(bytesOf(u8(1), u8(2), u32(8), 'ключ', u8(1), u32(2), u64(7n), u64(1n << 63n)));
    expect(encodeHello(bare)).toEqual(bytesOf(u8(1), u8(1), u32(0), u8(0)));
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyHello, (hello) => {
        expect(decodeHello(encodeHello(hello))).toEqual(plain(hello));
      }),
    );
  });

  it('tells an empty list of watermarks from none', () => {
    expect(decodeHello(encodeHello({ ...bare, watermarks: [] })).watermarks).toEqual(new BigUint64Array(0));
    expect(decodeHello(encodeHello(bare)).watermarks).toBeUndefined();
  });

  it('keeps a byte order mark in a token', () => {
    expect(decodeHello(encodeHello({ ...bare, token: '\ufeffx' })).token).toBe('\ufeffx');
  });

  it('is of the version of the connection', () => {
    const payload = encodeHello({ ...bare, version: 3 });
    expect(decodeHello(payload, 3).version).toBe(3);
    expect(() => decodeHello(payload)).toThrow(
      expect.objectContaining({ code: 'FCRP_HELLO_VERSION', expected: 1, found: 3 }),
    );
  });
});

describe('the frame', () => {
  it('is compressed, and carries its margin back', () => {
    fc.assert(
      fc.property(anyHello, anyMargin, (hello, margin) => {
        const frame = encodeHelloFrame(hello, { margin });
        expect(decodeHeader(frame)).toMatchObject({ kind: FrameKind.Hello, compressed: true });
        expect(read(frame)).toEqual({ hello: plain(hello), margin });
      }),
    );
  });

  it('is to others a Hello like any: its payload is the same with and without margin', () => {
    const frame = encodeHelloFrame({ ...bare, watermarks: [1n] }, { margin: new Map([['history', 'ab']]) });
    expect(decodeFrame(frame).payload).toEqual(encodeHello({ ...bare, watermarks: [1n] }));
    expect(frame.includes('fastcache/1 history=ab')).toBe(true);
  });

  it('has the version of the Hello', () => {
    const frame = encodeHelloFrame({ ...bare, version: 3 });
    const header = decodeHeader(frame, { version: 3 });
    expect(decodeHelloFrame(header, frame.subarray(16)).hello.version).toBe(3);
  });

  it('without margin is that of a Rust peer, compressed or not', () => {
    expect(read(encodeHelloFrame(bare)).margin).toBeUndefined();
    expect(read(encodeFrame(FrameKind.Hello, encodeHello(bare)))).toEqual({
      hello: { version: 1, role: 'replica', token: undefined, watermarks: undefined },
      margin: undefined,
    });
  });
});

describe('the margin', () => {
  it('is found behind another skippable frame, and not before the data', () => {
    const payload = encodeHello(bare);
    const frame = (...parts: Buffer[]) => zstdFrame(1, payload.length, bytesOf(...parts));
    const margin = zstdSkippable('fastcache/1 a=b');
    const foreign = zstdSkippable('else', 0x184d2a53);
    expect(read(frame(zstdData(payload), foreign, margin)).margin).toEqual(new Map([['a', 'b']]));
    expect(read(frame(margin, zstdData(payload))).margin).toBeUndefined();
  });

  it('is text with its signature first', () => {
    const margin = new Map([
      ['history', '0123'],
      ['prev', 'ab@1,2'],
      ['empty', ''],
      ['more', 'a=b'],
    ]);
    expect(encodeMargin(new Map()).toString()).toBe('fastcache/1');
    expect(encodeMargin(margin).toString()).toBe('fastcache/1 history=0123 prev=ab@1,2 empty= more=a=b');
    expect(decodeMargin(encodeMargin(margin))).toEqual(margin);
  });

  it.each(['', 'fastcache', 'fastcache/10', 'fastcache/2 a=b', 'fastcache/1\ta=b', 'FASTCACHE/1'])(
    'is not %j, which is somebody else\u2019s',
    (text) => {
      expect(decodeMargin(Buffer.from(text))).toBeUndefined();
    },
  );

  it('may take 4 KiB, signature included', () => {
    const longest = new Map([['a', 'x'.repeat(4096 - 'fastcache/1 a='.length)]]);
    expect(decodeMargin(encodeMargin(longest))).toEqual(longest);
    expect(() => encodeMargin(new Map([['b', `${longest.get('a')}x`]]))).toThrow(
      expect.objectContaining({ code: 'FCRP_MARGIN_OVER_LIMIT', found: 4097 }),
    );
  });

  it.each([
    ['a b', 'c'],
    ['', 'c'],
    ['a=b', 'c'],
    ['a', 'b c'],
    ['a', 'b\n'],
  ])('cannot be written with %j=%j', (name, value) => {
    expect(() => encodeMargin(new Map([[name, value]]))).toThrow(
      expect.objectContaining({ code: 'FCRP_MARGIN_MALFORMED' }),
    );
  });

  it('holds names like those of every object', () => {
    const margin = new Map([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(decodeMargin(encodeMargin(margin))).toEqual(margin);
  });
});
