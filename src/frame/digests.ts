/**
 * The payload of a Digests frame (docs/protocol.md, "Digests"), by which fastcache's peers prove to one
 * another that they hold the same: a byte for what it says, u32 count, and for each of so many shards
 *
 *     u32 shard | u64 sequence | u64 sum | u64 second sum
 */
import { FastcacheError } from '../errors.js';
import { PayloadReader } from './payload-reader.js';

/** The digest of a shard's content at a sequence: two sums modulo 2^64 (docs/architecture.md, "Digests"). */
export interface ShardDigest {
  readonly shard: number;
  readonly sequence: bigint;
  readonly sum: bigint;
  readonly second: bigint;
}

/** The sorts of Digests frames, by the byte that they begin with. */
const sorts = {
  /** From a primary: digests of shards, in the order of the stream. */
  state: 1,
  /** From a primary, before a SnapshotEnd or behind one: the digests of all shards there. */
  proof: 2,
  /** From a replica: its digests of these shards, which differ from its primary's. */
  differs: 3,
  /** From a replica: the same, and a request for a snapshot on this connection. */
  asks: 4,
} as const;

/** The sort of a Digests frame. */
export type DigestsSort = keyof typeof sorts;

/** A decoded payload. */
export interface DigestsMessage {
  readonly says: DigestsSort;
  readonly shards: readonly ShardDigest[];
}

type Sums = Pick<ShardDigest, 'sum' | 'second'>;

const HEADER_BYTES = 5;
const SHARD_BYTES = 28;
const names = new Map<number, DigestsSort>(
  Object.entries(sorts).map(([name, sort]) => [sort, name as DigestsSort]),
);

/** Encodes a payload. */
export function encodeDigests({ says, shards }: DigestsMessage): Buffer {
  const payload = Buffer.allocUnsafeSlow(HEADER_BYTES + shards.length * SHARD_BYTES);
  payload[0] = sorts[says];
  payload.writeUInt32LE(shards.length, 1);
  let at = HEADER_BYTES;
  for (const { shard, sequence, sum, second } of shards) {
    payload.writeUInt32LE(shard, at);
    payload.writeBigUInt64LE(sequence, at + 4);
    payload.writeBigUInt64LE(sum, at + 12);
    payload.writeBigUInt64LE(second, at + 20);
    at += SHARD_BYTES;
  }
  return payload;
}

/** Decodes a payload. Throws `FCRP_DIGESTS_SORT` and other `FCRP_*` with payload offsets. */
export function decodeDigests(payload: Uint8Array): DigestsMessage {
  const reader = new PayloadReader(payload);
  const sort = reader.u8('sort of the digests frame');
  const says = names.get(sort);
  if (says === undefined) {
    const message = `The sort of the Digests frame is ${sort}; 1 to ${names.size} is known.`;
    throw new FastcacheError('FCRP_DIGESTS_SORT', message, { offset: 0, found: sort });
  }
  const count = reader.u32('count of shards');
  reader.checkCount(count, SHARD_BYTES, 'count of shards', 1);
  const shards = Array.from({ length: count }, () => ({
    shard: reader.u32('shard'),
    sequence: reader.u64('sequence'),
    sum: reader.u64('sum'),
    second: reader.u64('second sum'),
  }));
  reader.finish();
  return { says, shards };
}

/** Returns whether two digests are equal. */
export function sameDigest(a: Sums, b: Sums): boolean {
  return a.sum === b.sum && a.second === b.second;
}

/** Returns a digest as 32 hex digits. */
export function digestText({ sum, second }: Sums): string {
  return [sum, second].map((half) => half.toString(16).padStart(16, '0')).join('');
}
