/** Digests of a store's shards, as frames (docs/protocol.md, "Digests"). */
import type { SequencedStore } from '../../engine/types.js';
import { type DigestsSort, encodeDigests, type ShardDigest, sameDigest } from '../../frame/digests.js';
import { encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';

/** Makes a Digests frame. */
export function digestsFrame(says: DigestsSort, shards: readonly ShardDigest[]): Buffer {
  return encodeFrame(FrameKind.Digests, encodeDigests({ says, shards }));
}

/** Returns a shard's digest with its sequence; undefined: the store keeps none. */
export function shardDigest(store: SequencedStore, shard: number): ShardDigest | undefined {
  const digest = store.digestOf?.(shard);
  return digest && { shard, sequence: store.watermark(shard), sum: digest.sum, second: digest.second };
}

/**
 * Makes the frame that proves the content of all shards, at these watermarks; undefined: the store keeps no
 * digests, or is not there.
 */
export function proofFrame(store: SequencedStore, watermarks: readonly bigint[]): Buffer | undefined {
  const shards: ShardDigest[] = [];
  for (const [shard, watermark] of watermarks.entries()) {
    const digest = shardDigest(store, shard);
    if (digest?.sequence !== watermark) return undefined;
    shards.push(digest);
  }
  return digestsFrame('proof', shards);
}

/** A store's digest of a shard, beside the one that it should have there. */
export interface Comparison {
  readonly own: ShardDigest;
  readonly theirs: ShardDigest;
  readonly isEqual: boolean;
}

/** Compares the shards of a store that are at the very sequence that is spoken of. */
export function comparisons(store: SequencedStore, theirs: readonly ShardDigest[]): Comparison[] {
  return theirs.flatMap((digest) => {
    const { shard, sequence } = digest;
    if (shard >= store.shards || store.watermark(shard) !== sequence) return [];
    const own = shardDigest(store, shard);
    return own === undefined ? [] : [{ own, theirs: digest, isEqual: sameDigest(own, digest) }];
  });
}
