/**
 * The payload of a Seal (docs/protocol.md, "Seal"), which proves the frames before it in a segment of a data
 * directory:
 *
 *     u64 offset of the first of these frames | u32 frames | u64 XXH3-64 of their index entries
 */
import { FRAME_HEADER_BYTES, SEAL_BYTES } from '../limits.js';
import { PayloadReader } from './payload-reader.js';

/** Bytes of a Seal with its header. */
export const SEAL_FRAME_BYTES = FRAME_HEADER_BYTES + SEAL_BYTES;

/** The fields of a Seal. */
export interface SealMessage {
  /** The offset in the segment of the first frame that it seals: the Seal before it, or the Hello. */
  readonly start: number;
  /** How many frames it seals, from there up to itself. */
  readonly frames: number;
  /** The XXH3-64 of their entries in the index, one behind the other. */
  readonly hash: bigint;
}

/** Encodes a payload. */
export function encodeSeal({ start, frames, hash }: SealMessage): Buffer {
  const payload = Buffer.allocUnsafeSlow(SEAL_BYTES);
  payload.writeBigUInt64LE(BigInt(start), 0);
  payload.writeUInt32LE(frames, 8);
  payload.writeBigUInt64LE(hash, 12);
  return payload;
}

/** Decodes a payload. Throws `FCRP_*` with payload offsets. */
export function decodeSeal(payload: Uint8Array): SealMessage {
  const reader = new PayloadReader(payload);
  const start = Number(reader.u64('offset of the first frame'));
  const frames = reader.u32('count of frames');
  const hash = reader.u64('hash of the entries');
  reader.finish();
  return { start, frames, hash };
}
