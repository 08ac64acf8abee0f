/** Conversions of what callers pass to `Primary` and `Replica`. */
import type { Random } from '../clock.js';

/** A key or a value: bytes, or text as UTF-8. */
export type Bytes = Uint8Array | string;

/** The bytes of a key or a value; a `Uint8Array` is returned as it is. */
export function keyBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

/** Draws 64 random bits. */
export function randomSeed(random: Random): bigint {
  return (BigInt(random.u32()) << 32n) | BigInt(random.u32());
}
