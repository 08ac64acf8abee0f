/**
 * The list of watermarks, one for each shard: the payload of SnapshotBegin, SnapshotEnd and Ack, and a field
 * of Hello and SnapshotChunk (docs/protocol.md, "Watermarks"): u32 count, count x u64.
 */
import { FastcacheError } from '../errors.js';
import { MAX_SHARDS, SHARD_COUNTS } from '../limits.js';
import { PayloadReader } from './payload-reader.js';

/**
 * Watermarks as they are read: index = shard, eight bytes each, so that the list takes no more memory than
 * the bytes it came in.
 */
export type WatermarkList = BigUint64Array;

/** Encodes a SnapshotBegin or SnapshotEnd payload, or an Ack's without what is synced. */
export function encodeWatermarks(watermarks: ArrayLike<bigint>): Buffer {
  const payload = Buffer.allocUnsafeSlow(watermarksBytes(watermarks));
  writeWatermarks(payload, 0, watermarks);
  return payload;
}

/** Decodes a SnapshotBegin, SnapshotEnd or Ack payload. Throws `FCRP_*` with payload offsets. */
export function decodeWatermarks(payload: Uint8Array): WatermarkList {
  const reader = new PayloadReader(payload);
  const watermarks = readWatermarks(reader);
  reader.finish();
  return watermarks;
}

/** The content of an Ack. */
export interface Acknowledged {
  /** The watermarks that are applied, or of a primary those that are published. */
  readonly applied: ArrayLike<bigint>;
  /** The watermarks that are surely on the replica's disk; undefined: none are known to be. */
  readonly synced: ArrayLike<bigint> | undefined;
}

/** Encodes an Ack payload. The synced watermarks follow only where the peer takes them. */
export function encodeAck({ applied, synced }: Acknowledged): Buffer {
  if (synced === undefined) return encodeWatermarks(applied);
  return Buffer.concat([encodeWatermarks(applied), encodeWatermarks(synced)]);
}

/** Decodes an Ack payload, which may have a second list. Throws `FCRP_*` with payload offsets. */
export function decodeAck(payload: Uint8Array): Acknowledged {
  const reader = new PayloadReader(payload);
  const applied = readWatermarks(reader);
  const synced = reader.position < payload.length ? readWatermarks(reader) : undefined;
  reader.finish();
  return { applied, synced };
}

/** Returns the encoded size of a list, its count included. */
export function watermarksBytes(watermarks: ArrayLike<bigint>): number {
  return 4 + watermarks.length * 8;
}

/** Writes a list, count first; returns the offset behind it. */
export function writeWatermarks(target: Buffer, offset: number, watermarks: ArrayLike<bigint>): number {
  let position = target.writeUInt32LE(watermarks.length, offset);
  for (let shard = 0; shard < watermarks.length; shard += 1) {
    position = target.writeBigUInt64LE(watermarks[shard]!, position);
  }
  return position;
}

/**
 * Reads a list from the place of `reader`, count first. Throws as `reader` does, and `SHARD_OUT_OF_RANGE` for
 * more watermarks than there can be shards.
 */
export function readWatermarks(reader: PayloadReader): WatermarkList {
  const offset = reader.position;
  const count = reader.u32('watermark count');
  reader.checkCount(count, 8, 'watermark count', offset);
  if (count > MAX_SHARDS) {
    throw new FastcacheError(
      'SHARD_OUT_OF_RANGE',
      `The list has ${count} watermarks; a store has ${MAX_SHARDS} shards at most.`,
      { offset, expected: SHARD_COUNTS, found: count },
    );
  }
  const watermarks = new BigUint64Array(count);
  for (let shard = 0; shard < count; shard += 1) watermarks[shard] = reader.u64('watermark');
  return watermarks;
}
