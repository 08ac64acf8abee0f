import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import { decodeStatus } from '../../src/frame/status.js';
import { STATUS_MAX_BYTES } from '../../src/limits.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });

const anyU64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.integer({ min: -40_000, max: 70_000 }),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    anyU64,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 40 }), tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
}));
const anyDocument = fc.dictionary(fc.stringMatching(/^[a-z]{1,40}$/), anyValue, {
  maxKeys: 20,
  noNullPrototype: true,
});

function codeOf(payload: Uint8Array): string | undefined {
  try {
    decodeStatus(payload);
    return undefined;
  } catch (error) {
    if (error instanceof FastcacheError) return error.code;
    throw error;
  }
}

describe('a Status payload', () => {
  it('is what msgpackr wrote, whatever the document', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        expect(comparable(decodeStatus(packr.pack(document)))).toEqual(comparable(document));
      }),
    );
  });

  it('that is empty asks', () => {
    expect(decodeStatus(new Uint8Array(0))).toBeUndefined();
  });

  it('keeps integers of 64 bits exact, and lists and texts of every length', () => {
    const document = { most: 2n ** 64n - 1n, list: new Array(70_000).fill(1), text: 'ä'.repeat(40_000) };
    expect(decodeStatus(packr.pack(document))).toEqual(document);
  });

  it('may have a key that means something to JavaScript', () => {
    const payload = Buffer.concat([Buffer.from([0x81, 0xa9]), Buffer.from('__proto__'), Buffer.from([0x01])]);
    expect(Object.entries(decodeStatus(payload)!)).toEqual([['__proto__', 1]]);
  });

  it.each([
    ['a list', [0x90], 'FCRP_STATUS_MALFORMED'],
    ['a number', [0x07], 'FCRP_STATUS_MALFORMED'],
    ['nothing', [0xc0], 'FCRP_STATUS_MALFORMED'],
    ['two documents', [0x80, 0x80], 'FCRP_TRAILING_BYTES'],
    ['a map that ends early', [0x81, 0xa1, 0x61], 'FCRP_FIELD_PAST_PAYLOAD'],
    ['a text that ends early', [0x81, 0xa2, 0x61], 'FCRP_FIELD_PAST_PAYLOAD'],
    ['a list of four billion', [0x81, 0xa1, 0x61, 0xdd, 255, 255, 255, 255], 'FCRP_COUNT_OVER_PAYLOAD'],
    ['a map of four billion', [0xdf, 255, 255, 255, 255], 'FCRP_COUNT_OVER_PAYLOAD'],
    ['a text of four billion', [0x81, 0xa1, 0x61, 0xdb, 255, 255, 255, 255], 'FCRP_FIELD_PAST_PAYLOAD'],
    ['a text that is no UTF-8', [0x81, 0xa1, 0x61, 0xa1, 0xff], 'FCRP_INVALID_UTF8'],
    ['a key that is no text', [0x81, 0x01, 0x01], 'FCRP_STATUS_MALFORMED'],
    ['a key twice', [0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x01], 'FCRP_STATUS_MALFORMED'],
    ['bytes', [0x81, 0xa1, 0x61, 0xc4, 0x00], 'FCRP_STATUS_MALFORMED'],
    ['an extension', [0x81, 0xa1, 0x61, 0xd4, 0x72, 0x00], 'FCRP_STATUS_MALFORMED'],
    ['the type that is never used', [0x81, 0xa1, 0x61, 0xc1], 'FCRP_STATUS_MALFORMED'],
  ])('is refused when it is %s', (_, bytes, code) => {
    expect(codeOf(Buffer.from(bytes))).toBe(code);
  });

  it('is refused with more maps and lists than a document has', () => {
    const head = [0x81, 0xa1, 0x61];
    for (const empty of [0x80, 0x90]) {
      const list = (count: number) => [...head, 0xdd, ...[24, 16, 8, 0].map((bit) => (count >> bit) & 0xff)];
      const many = (count: number) => Buffer.concat([Buffer.from(list(count)), Buffer.alloc(count, empty)]);
      expect(codeOf(many(32_766))).toBeUndefined();
      expect(codeOf(many(32_767))).toBe('FCRP_STATUS_MALFORMED');
    }
  });

  it('is refused when it nests too deep, or is larger than 1 MiB', () => {
    expect(codeOf(Buffer.concat([Buffer.from([0x81, 0xa1, 0x61]), Buffer.alloc(100_000, 0x91)]))).toBe(
      'FCRP_STATUS_MALFORMED',
    );
    expect(codeOf(Buffer.alloc(STATUS_MAX_BYTES + 1))).toBe('FCRP_LENGTH_OVER_LIMIT');
  });

  it('whose lists each announce all that is left takes no more memory than it has bytes', () => {
    // A list for which msgpackr would allocate 240 MB, at each of seven levels.
    const list = Buffer.from([0xdd, 0x01, 0xc9, 0xc3, 0x80]);
    const payload = Buffer.concat([Buffer.from([0x81, 0xa1, 0x61]), ...new Array(7).fill(list)]);
    expect(codeOf(payload)).toBe('FCRP_COUNT_OVER_PAYLOAD');
  });

  it('never fails but with a code, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void codeOf(bytes)));
    fc.assert(
      fc.property(anyDocument, fc.nat(), fc.nat(255), (document, at, byte) => {
        const payload = packr.pack(document);
        payload[at % payload.length] = byte;
        codeOf(payload);
      }),
    );
  });
});

/** Zeros have no sign, and what msgpackr writes in 64 bits comes back as a bigint. */
function comparable(value: unknown): unknown {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (typeof part === 'number') return Number.isInteger(part) ? BigInt(part).toString() : `${part}`;
    return part;
  });
}
