/** Folds dumps that are in memory, and makes dumps of what a store emits. */
import type { DumpLimits } from '../../src/dump/choose/batch-limit.js';
import { type KeySpace, KeySpaceFold } from '../../src/dump/fold/key-space-fold.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import type { EncodeOptions } from '../../src/frame/frame.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeSnapshotChunk, type SnapshotChunk } from '../../src/frame/snapshot.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { newReplica } from './engines.js';

export function foldBytes(dump: Uint8Array, limits: DumpLimits = {}): KeySpace {
  const clock = { nowMs: () => 0, monotonicUs: () => 0 };
  const fold = new KeySpaceFold({
    ...limits,
    createStore: (shards) => newReplica({ shards, clock }),
  });
  const splitter = new FrameSplitter();
  splitter.push(dump, (frame) => fold.take(frame, 'dump'));
  splitter.end();
  return fold.finish();
}

/** Gathers a primary's batches as frames. */
export class Tape {
  readonly frames: Buffer[] = [];
  readonly #engine: ShardEngine;
  readonly #encoding: EncodeOptions;

  constructor(engine: ShardEngine, encoding: EncodeOptions = {}) {
    this.#engine = engine;
    this.#encoding = encoding;
    engine.onBatch = ({ payload }) =>
      this.frames.push(encodeFrame(FrameKind.MutationBatch, payload, encoding));
  }

  begin(): void {
    this.#engine.flush();
    this.#watermarks(FrameKind.SnapshotBegin, this.#engine.watermarks());
  }

  end(watermarks = this.#engine.watermarks()): void {
    this.#engine.flush();
    this.#watermarks(FrameKind.SnapshotEnd, watermarks);
  }

  /**
   * The chunks of a scan from `firstIndex` on, with what `between` writes in front of each as batches of
   * their own, and an empty one that is the last.
   */
  chunks(firstIndex: bigint, between: () => void, chunkBytes = 4096): void {
    const scan = this.#engine.scan();
    let chunkIndex = firstIndex;
    for (let done = false; !done; chunkIndex += 1n) {
      between();
      this.#engine.flush();
      const { entries, entryCount, done: isOver } = scan.next(chunkBytes);
      this.#chunk({ chunkIndex, last: false, entryCount, entries });
      done = isOver;
    }
    this.#chunk({ chunkIndex, last: true, entryCount: 0, entries: Buffer.alloc(0) });
    scan.close();
  }

  bytes(): Buffer {
    this.#engine.flush();
    return Buffer.concat(this.frames);
  }

  #chunk(chunk: Omit<SnapshotChunk, 'watermarks'>): void {
    const payload = encodeSnapshotChunk({ ...chunk, watermarks: this.#engine.watermarks() });
    this.frames.push(encodeFrame(FrameKind.SnapshotChunk, payload, this.#encoding));
  }

  #watermarks(kind: FrameKind, watermarks: readonly bigint[]): void {
    this.frames.push(encodeFrame(kind, encodeWatermarks(watermarks)));
  }
}
