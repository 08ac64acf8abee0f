/**
 * A state from which another run goes on (cli.md, `--state`), as a file's bytes: one msgpack map, and behind it, as bin, the
 * map's SHA-256, so that a state that was damaged is never taken for another.
 */
import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';

/** More than a state has, unless its own module says more. */
export const MAX_STATE_BYTES = 65_536;

const DIGEST_BYTES = 32;
/** bin 8, and its length. */
const DIGEST_HEAD = Buffer.from([0xc4, DIGEST_BYTES]);

const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'bigint' });

export function sealState(fields: object): Buffer {
  const packed = packr.pack(fields);
  return Buffer.concat([packed, DIGEST_HEAD, digestOf(packed)]);
}

/** The map's fields, not looked at; undefined: the bytes are damaged, or no such state. */
export function openState(bytes: Buffer, maxBytes = MAX_STATE_BYTES): Record<string, unknown> | undefined {
  const end = bytes.length - DIGEST_BYTES - DIGEST_HEAD.length;
  if (end <= 0 || bytes.length > maxBytes) return undefined;
  const packed = bytes.subarray(0, end);
  if (!bytes.subarray(end).equals(Buffer.concat([DIGEST_HEAD, digestOf(packed)]))) return undefined;
  try {
    const fields: unknown = packr.unpack(packed);
    return isFields(fields) ? fields : undefined;
  } catch {
    // Whatever it is, it is not ours.
    return undefined;
  }
}

/** Whether it is a map, whose fields can be looked at. */
export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
