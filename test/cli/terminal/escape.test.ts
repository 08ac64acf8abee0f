import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeBytes, escapeText, quoteBytes } from '../../../src/cli/terminal/escape.js';
import { toJson } from '../../../src/cli/terminal/json.js';

const bytes = fc.uint8Array({ maxLength: 200 });
/** Strings rich in what must be escaped. */
const text = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)),
    fc.constantFrom(
      '\u202a',
      '\u202e',
      '\u2066',
      '\u2069',
      '\u200f',
      '\u2028',
      '\ufeff',
      '\ud800',
      '\\x',
      '✓',
      '🙂',
    ),
  ),
});

/** Only what a terminal prints and keeps in its place. */
const SAFE = /^[^\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$/u;

/**
 * Returns the bytes that the escaped text stands for, by its own rule: `\xNN` is a byte, all else is UTF-8.
 */
function unescaped(escaped: string): Buffer {
  const parts = escaped.split(/(\\x[0-9a-f]{2})/);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 1 ? Buffer.from(part.slice(2), 'hex') : Buffer.from(part))),
  );
}

describe('escaping', () => {
  it('lets no byte through that a terminal obeys', () => {
    fc.assert(
      fc.property(bytes, (value) => SAFE.test(escapeBytes(value))),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(text, (value) => SAFE.test(escapeText(value))),
      { numRuns: 2_000 },
    );
  });

  it('loses nothing: the bytes can be read back', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          text.map((value) => Buffer.from(value)),
        ),
        (value) => {
          expect(unescaped(escapeBytes(value)).equals(Buffer.from(value))).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['plain text, ключ✓ 🙂', 'plain text, ключ✓ 🙂'],
    ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
    ['a\r\nb\tc\u007f', 'a\\x0d\\x0ab\\x09c\\x7f'],
    ['\u009b2J', '\\xc2\\x9b2J'],
    ['abc\u202etxt.exe\u2066', 'abc\\xe2\\x80\\xaetxt.exe\\xe2\\x81\\xa6'],
    ['\\x41 \\n', '\\x5cx41 \\n'],
  ])('shows %j as %s', (value, expected) => {
    expect(escapeText(value)).toBe(expected);
    expect(escapeBytes(Buffer.from(value))).toBe(expected);
  });

  it('shows each byte of invalid UTF-8 and keeps the valid text around it', () => {
    expect(escapeBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82, 0x62]))).toBe('a\\xffé\\xe2\\x82b');
  });

  it('keeps C1, DEL and bidi out of JSON that still parses to the same', () => {
    fc.assert(
      fc.property(text, (value) => {
        const json = toJson({ value });
        expect(json).toMatch(SAFE);
        expect(JSON.parse(json)).toEqual({ value });
      }),
    );
  });
});

describe('quoting', () => {
  it('marks where the value ends, whatever it holds', () => {
    expect(quoteBytes(Buffer.from("it's "))).toBe('"it\'s "');
    expect(quoteBytes(Buffer.from('say "hi" '))).toBe(`'say "hi" '`);
    expect(quoteBytes(Buffer.from(`{"it's":"1"}`))).toBe(`'{"it\\x27s":"1"}'`);
    expect(quoteBytes(Buffer.from('{"a":"bcd"}'), 5)).toBe(`'{"a":…' (11 bytes)`);
    expect(quoteBytes(Buffer.alloc(0), 10)).toBe('""');
  });

  it('cuts a long value and tells its length', () => {
    expect(quoteBytes(Buffer.alloc(3000, 'x'), 5)).toBe('"xxxxx…" (3000 bytes)');
    expect(quoteBytes(Buffer.from('xxxxx'), 5)).toBe('"xxxxx"');
    expect(quoteBytes(Buffer.from([1, 2, 3]), 9)).toBe('"\\x01\\x02…" (3 bytes)');
    // Of the beginning of something longer the length of that follows.
    expect(quoteBytes(Buffer.from('xxxxx'), 9, 3000)).toBe('"xxxxx…" (3000 bytes)');
    expect(quoteBytes(Buffer.from([1, 2, 3]), 9, 3000)).toBe('"\\x01\\x02…" (3000 bytes)');
  });

  it('never shows more than the width, nor half a character or escape', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          text.map((value) => Buffer.from(value)),
        ),
        fc.integer({ min: 4, max: 60 }),
        (value, width) => {
          const [, , shown, cut] =
            /^(["'])(.*?)(…\1 \(\d+ bytes\)|\1)$/su.exec(quoteBytes(value, width)) ?? [];
          expect(shown!.length).toBeLessThanOrEqual(width);
          const raw = unescaped(shown!);
          expect(Buffer.from(value).subarray(0, raw.length).equals(raw)).toBe(true);
          if (cut!.length === 1) expect(raw.length).toBe(value.length);
          else expect(raw.length).toBeLessThan(value.length);
        },
      ),
    );
  });
});
