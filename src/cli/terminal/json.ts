/**
 * How the command line writes JSON (docs/command-line.md, "JSON"): u64 values are strings, bytes are text
 * where they are UTF-8 and Base64 elsewhere, and a document is one line.
 */
import { isUtf8 } from 'node:buffer';

/** Characters that `JSON.stringify` leaves as they are, and that a terminal would obey. */
const RAW_CONTROLS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line of JSON without line end; bigints become strings, control and bidi characters `\uNNNN`. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, stringifyBigint).replace(
    RAW_CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Text may take six times its bytes as JSON. Above this size it is written as Base64, so that no frame (256
 * MiB at most) makes a line that is longer than a string can be.
 */
export const MAX_TEXT_BYTES = 16_777_216;

/** A field for bytes: `{key: 'text'}` if they are valid UTF-8, `{keyBase64: '…'}` if not or above 16 MiB. */
export function bytesField(name: string, bytes: Buffer): Record<string, string> {
  return bytes.length <= MAX_TEXT_BYTES && isUtf8(bytes)
    ? { [name]: bytes.toString('utf8') }
    : { [`${name}Base64`]: bytes.toString('base64') };
}

/** Bytes above which a check of each byte in JavaScript takes longer than the runtime's own functions. */
const MAX_PLAIN_BYTES = 512;

/** `bytesField` as a member of a line of JSON: `"key":"text"` or `"keyBase64":"…"`. */
export function bytesMember(name: string, bytes: Buffer): string {
  if (isPlain(bytes)) return `"${name}":"${bytes.toString('latin1')}"`;
  return toJson(bytesField(name, bytes)).slice(1, -1);
}

/**
 * Whether the bytes are printable ASCII that JSON does not escape, as most keys and values are: they are
 * copied as they are.
 */
function isPlain(bytes: Buffer): boolean {
  if (bytes.length > MAX_PLAIN_BYTES) return false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!;
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false;
  }
  return true;
}

function stringifyBigint(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
