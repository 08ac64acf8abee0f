/** Conversions of what callers pass to `Primary` and `Replica`. */

/** A key or a value: bytes, or text as UTF-8. */
export type Bytes = Uint8Array | string;

/** The bytes of a key or a value; a `Uint8Array` is returned as it is. */
export function keyBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}
