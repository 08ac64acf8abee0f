/** Keys and values as callers of the library pass them. */

/** A key or a value: bytes, or text as UTF-8. */
export type Bytes = Uint8Array | string;

/** Up to so many units a text is short: a look at each costs less than a call of Node's. */
export const SHORT_TEXT_UNITS = 64;
/** UTF-8 has at most so many bytes for each UTF-16 unit of a text. */
const UTF8_BYTES_A_UNIT_MAX = 3;

/** Returns how many bytes a key or a value has at most: all but short texts have exactly so many. */
export function bytesAtMost(content: Bytes): number {
  if (typeof content !== 'string') return content.length;
  const isShort = content.length <= SHORT_TEXT_UNITS;
  return isShort ? content.length * UTF8_BYTES_A_UNIT_MAX : Buffer.byteLength(content);
}
