/** How the command line writes JSON (cli.md, JSON): u64 values as strings, bytes by their nature, one line each. */
import { isUtf8 } from 'node:buffer';

/** What `JSON.stringify` leaves raw and a terminal would obey. */
const RAW_CONTROLS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line of JSON without line end; bigints become strings, control and bidi characters `\uNNNN`. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, stringifyBigint).replace(
    RAW_CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Text may take six times its bytes as JSON; above this it goes as Base64, so that no frame (256 MiB at most) makes a
 * line longer than a string can be.
 */
const MAX_TEXT_BYTES = 16_777_216;

/** `{key: 'text'}` when the bytes are valid UTF-8, `{keyBase64: '…'}` otherwise and for more than 16 MiB. */
export function bytesField(name: string, bytes: Buffer): Record<string, string> {
  return bytes.length <= MAX_TEXT_BYTES && isUtf8(bytes)
    ? { [name]: bytes.toString('utf8') }
    : { [`${name}Base64`]: bytes.toString('base64') };
}

function stringifyBigint(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
