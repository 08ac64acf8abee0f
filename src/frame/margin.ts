/**
 * The margin of a Hello (docs/protocol.md, "Margin"): the UTF-8 text `fastcache/1` and ` name=value` pairs, 4
 * KiB at most, in a zstd skippable frame behind the compressed payload. It says that the peer is fastcache's,
 * not the Rust crate's, and what only such a peer knows.
 */
import { FastcacheError } from '../errors.js';
import { MARGIN_MAX_BYTES } from '../limits.js';
import { decodeUtf8 } from './payload-reader.js';

/** The pairs of a margin: values by their names, each name once. */
export type Margin = ReadonlyMap<string, string>;

const SIGNATURE = 'fastcache/1';
const NAME = /^[^\s=]+$/u;
const VALUE = /^\S*$/u;

/**
 * Encodes a margin. Throws `FCRP_MARGIN_MALFORMED` for a name with white space or `=` or a value with white
 * space, and `FCRP_MARGIN_OVER_LIMIT`.
 */
export function encodeMargin(margin: Margin): Buffer {
  let text = SIGNATURE;
  for (const [name, value] of margin) {
    if (!NAME.test(name) || !VALUE.test(value)) throw malformed(`${name}=${value}`);
    text += ` ${name}=${value}`;
  }
  const bytes = Buffer.from(text);
  checkSize(bytes);
  return bytes;
}

/**
 * Returns the pairs of a margin; unknown names are kept for the reader to ignore. Undefined when the bytes
 * are not a fastcache margin: skippable frames may be any writer's. Throws `FCRP_MARGIN_OVER_LIMIT`,
 * `FCRP_MARGIN_MALFORMED` (no `=`, no name, a name twice) and `FCRP_INVALID_UTF8`; offsets count from the
 * start of `bytes`.
 */
export function decodeMargin(bytes: Uint8Array): Margin | undefined {
  if (!isSigned(bytes)) return undefined;
  checkSize(bytes);
  const margin = new Map<string, string>();
  for (const pair of decodeUtf8(bytes, 'margin of the Hello', 0).split(' ').slice(1)) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals));
    const value = pair.slice(equals + 1);
    if (!NAME.test(name) || !VALUE.test(value) || margin.has(name)) throw malformed(pair);
    margin.set(name, value);
  }
  return margin;
}

function isSigned(bytes: Uint8Array): boolean {
  const signature = Buffer.from(SIGNATURE);
  const after = bytes[signature.length];
  return signature.equals(bytes.subarray(0, signature.length)) && (after === undefined || after === 0x20);
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= MARGIN_MAX_BYTES) return;
  throw new FastcacheError(
    'FCRP_MARGIN_OVER_LIMIT',
    `The margin of the Hello takes ${bytes.length} bytes; at most ${MARGIN_MAX_BYTES} are allowed.`,
    { offset: 0, expected: MARGIN_MAX_BYTES, found: bytes.length },
  );
}

function malformed(pair: string): FastcacheError {
  return new FastcacheError(
    'FCRP_MARGIN_MALFORMED',
    'The margin of the Hello is not a list of name=value pairs with each name once.',
    { offset: 0, expected: 'name=value', found: pair },
  );
}
