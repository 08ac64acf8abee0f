/**
 * Escapes what is written to a terminal. Keys, values, error texts and file names come from others, and none
 * of their bytes may move a cursor, change a colour or turn text around: such bytes are shown as `\xNN`
 * (docs/command-line.md, "Conventions").
 */
import { isUtf8 } from 'node:buffer';

/**
 * Characters that are not printed as they are: C0, DEL, C1; the bidi marks, embeddings, overrides and
 * isolates; line and paragraph separators; the byte order mark; lone surrogates. A backslash is escaped
 * before an `x`, so that `\xNN` in the output always means one byte.
 */
const UNSAFE = /\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Cs}|\\(?=x)/gu;

/** `text` with every character of `UNSAFE` as the `\xNN` of its UTF-8 bytes. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    let escaped = '';
    for (const byte of Buffer.from(character)) escaped += escapeByte(byte);
    return escaped;
  });
}

/** Returns the bytes that a text stands for in which `\xNN` is a byte, as `escapeBytes` writes them. */
export function unescapeText(text: string): Buffer {
  const parts = text.split(/\\x([0-9a-f]{2})/i);
  return Buffer.concat(parts.map((part, at) => Buffer.from(part, at % 2 === 0 ? 'utf8' : 'hex')));
}

/** `bytes` as UTF-8 through `escapeText`; bytes that are not valid UTF-8 as `\xNN` each. */
export function escapeBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return escapeText(utf8(bytes));
  let escaped = '';
  let validFrom = 0;
  let position = 0;
  while (position < bytes.length) {
    const length = characterLength(bytes, position);
    if (length === 0) {
      escaped += escapeText(utf8(bytes.subarray(validFrom, position))) + escapeByte(bytes[position]!);
      validFrom = position + 1;
    }
    position += length || 1;
  }
  return escaped + escapeText(utf8(bytes.subarray(validFrom)));
}

/**
 * `bytes` escaped between double quotes, cut to at most `width` columns of text. Bytes with double quotes in
 * them, as JSON has them, stand between single quotes, and single quotes inside show as `\x27`. Where the
 * text is cut, `…` and the length of all follow: `"aaaa…" (3000 bytes)`. `bytes` may be only the beginning of
 * `allBytes`.
 */
export function quoteBytes(
  bytes: Uint8Array,
  width: number = Number.POSITIVE_INFINITY,
  allBytes: number = bytes.length,
): string {
  // A column holds at most three bytes (four-byte characters count two): bytes left out are past the cut.
  const head = bytes.length > width * 4 ? bytes.subarray(0, width * 4) : bytes;
  const escaped = escapeBytes(head);
  const quote = escaped.includes('"') ? "'" : '"';
  const text = quote === '"' ? escaped : escaped.replaceAll(quote, '\\x27');
  if (text.length <= width && head.length === allBytes) return `${quote}${text}${quote}`;
  let shown = '';
  for (const [unit] of text.matchAll(/\\x[0-9a-f]{2}|./gu)) {
    if (shown.length + unit.length > width) break;
    shown += unit;
  }
  return `${quote}${shown}…${quote} (${allBytes} bytes)`;
}

/** `quoteBytes` of a text. */
export function quoteText(text: string, width: number): string {
  return quoteBytes(Buffer.from(text), width);
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Bytes of the valid UTF-8 character at `position`; 0 when there is none. */
function characterLength(bytes: Uint8Array, position: number): number {
  for (let length = 1; length <= 4 && position + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(position, position + length))) return length;
  }
  return 0;
}
