/** Sound dumps for the tests of the frames toolkit: batches with true hashes and shards, and snapshots. */
import { xxh3 } from '@node-rs/xxhash';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';

export type Compression = 'none' | 'zstd';

/** The shard of a hash among a power of two of them (docs/protocol.md, "Routing"). */
export function shardOfHash(hash: bigint, shards: number): number {
  const bits = BigInt(Math.log2(shards));
  return shards === 1 ? 0 : Number(BigInt.asUintN(64, hash << 7n) >> (64n - bits));
}

/** Makes the frames of one primary, each shard's sequences one after the other. */
export class DumpBuilder {
  readonly shards: number;
  readonly #compression: Compression;
  readonly #sequences: bigint[];
  #keys = 0;

  constructor(shards = 4, compression: Compression = 'none', base = 0n) {
    this.shards = shards;
    this.#compression = compression;
    this.#sequences = Array.from({ length: shards }, () => base);
  }

  get watermarks(): bigint[] {
    return this.#sequences.slice();
  }

  /** A Set of a key that is new and belongs to `shard`. */
  record(shard: number, valueBytes = 20): MutationRecord {
    for (;;) {
      const key = Buffer.from(`key:${this.#keys++}`);
      const keyHash = xxh3.xxh64(key);
      if (shardOfHash(keyHash, this.shards) !== shard) continue;
      const sequence = this.#sequences[shard]! + 1n;
      this.#sequences[shard] = sequence;
      const value = Buffer.alloc(valueBytes, `${sequence}`);
      return {
        shard,
        sequence,
        timestampMs: 1_760_000_000_000n,
        op: 'set',
        keyHash,
        expireAtMs: null,
        key,
        value,
      };
    }
  }

  batch(shard: number, records = 5, valueBytes = 20): Buffer {
    return this.frame(
      FrameKind.MutationBatch,
      encodeBatch(Array.from({ length: records }, () => this.record(shard, valueBytes))),
    );
  }

  begin(): Buffer {
    return this.frame(FrameKind.SnapshotBegin, encodeWatermarks(this.watermarks));
  }

  chunk(index: number, last: boolean, entryCount = 5): Buffer {
    const entries = Array.from({ length: entryCount }, (_, entry) => ({
      key: Buffer.from(`snap:${index}:${entry}`),
      value: Buffer.alloc(30, `${entry}`),
      expireAtMs: null,
    }));
    const payload = encodeSnapshotChunk({
      chunkIndex: BigInt(index),
      last,
      watermarks: this.watermarks,
      entryCount,
      entries: encodeSnapshotEntries(entries),
    });
    return this.frame(FrameKind.SnapshotChunk, payload);
  }

  end(): Buffer {
    return this.frame(FrameKind.SnapshotEnd, encodeWatermarks(this.watermarks));
  }

  /** A whole snapshot of `chunks` chunks. */
  snapshot(chunks = 3): Buffer[] {
    const all = Array.from({ length: chunks }, (_, index) => this.chunk(index, index === chunks - 1));
    return [this.begin(), ...all, this.end()];
  }

  ack(): Buffer {
    return this.frame(FrameKind.Ack, encodeWatermarks(this.watermarks));
  }

  frame(kind: FrameKind, payload: Uint8Array): Buffer {
    return encodeFrame(kind, payload, { compression: this.#compression });
  }
}
