import { describe, expect, it } from 'vitest';
import { encodeInteger, encodeLength, findString } from '../../src/rdb/string-object.js';

describe('a length', () => {
  it.each([
    [0, '00'],
    [63, '3f'],
    [64, '4040'],
    [16_383, '7fff'],
    [16_384, '8000004000'],
    [2 ** 32 - 1, '80ffffffff'],
    [2 ** 32, '810000000100000000'],
  ])('%i is %s', (length, hex) => {
    expect(encodeLength(length).toString('hex')).toBe(hex);
  });

  it.each([0, 63, 64, 16_383, 16_384, 70_000])('of %i bytes is found again', (length) => {
    const head = encodeLength(length);
    const bytes = Buffer.concat([Buffer.of(0), head, Buffer.alloc(length)]);
    expect(findString(bytes, 1)).toEqual({ kind: 'raw', start: 1 + head.length, end: bytes.length });
    expect(findString(bytes.subarray(0, -1), 1)).toBeUndefined();
    expect(findString(Buffer.concat([bytes, Buffer.of(0)]), 1)).toBeUndefined();
  });
});

it.each(['', '-', '-0', '01', '+1', '1.0', ' 1', '2147483648', '-2147483649', '99999999999', '123456789012'])(
  '%j is no integer of 32 bits',
  (text) => {
    expect(encodeInteger(Buffer.from(text))).toBeUndefined();
  },
);
