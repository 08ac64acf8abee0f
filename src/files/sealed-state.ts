/**
 * A state with which another run continues (docs/operations.md, "State files"), as a file's bytes: one
 * msgpack map, and behind it, as bin, the map's SHA-256, so that a damaged state is never taken for another
 * one.
 */
import { createHash } from 'node:crypto';
import { pack, unpack } from './msgpack.js';

/** The most bytes of a state, unless its own module sets another limit. */
export const MAX_STATE_BYTES = 65_536;

const DIGEST_BYTES = 32;
/** The first byte of a bin 8, and its length. */
const DIGEST_HEAD = Buffer.from([0xc4, DIGEST_BYTES]);

/** Packs and seals the fields of a state. */
export function sealState(fields: object): Buffer {
  const packed = pack(fields);
  return Buffer.concat([packed, DIGEST_HEAD, digestOf(packed)]);
}

/**
 * Opens a sealed state and returns its fields unchecked; undefined: the bytes are damaged, or no such state.
 */
export function openState(bytes: Buffer, maxBytes = MAX_STATE_BYTES): Record<string, unknown> | undefined {
  const end = bytes.length - DIGEST_BYTES - DIGEST_HEAD.length;
  if (end <= 0 || bytes.length > maxBytes) return undefined;
  const packed = bytes.subarray(0, end);
  if (!bytes.subarray(end).equals(Buffer.concat([DIGEST_HEAD, digestOf(packed)]))) return undefined;
  try {
    const fields: unknown = unpack(packed);
    return isFields(fields) ? fields : undefined;
  } catch {
    // These bytes have a sound seal and are no msgpack: they are not a state.
    return undefined;
  }
}

/** Returns whether a value is a map, whose fields can be read. */
export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
