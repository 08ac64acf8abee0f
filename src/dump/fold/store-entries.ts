/** Reads what a store holds, entry by entry, or as a dump: a snapshot of one moment and nothing else. */
import type { ReplicatedStore, SnapshotStep } from '../../engine/types.js';
import { type EncodeOptions, encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { type DecodedSnapshotEntry, decodeSnapshotChunk, encodeSnapshotChunk } from '../../frame/snapshot.js';
import { encodeWatermarks } from '../../frame/watermarks.js';
import { DEFAULT_SNAPSHOT_CHUNK_BYTES } from '../../limits.js';

/** Yields a scan's steps, which hold every entry once if nothing is written meanwhile. */
export function* storeSteps(
  store: ReplicatedStore,
  chunkBytes = DEFAULT_SNAPSHOT_CHUNK_BYTES,
): Generator<SnapshotStep> {
  const scan = store.scan();
  try {
    for (let done = false; !done; ) {
      const step = scan.next(chunkBytes);
      done = step.done;
      yield step;
    }
  } finally {
    scan.close();
  }
}

/** Returns a step as the payload of a SnapshotChunk, which `loadChunk` takes. */
export function chunkPayload(
  step: SnapshotStep,
  chunkIndex = 0n,
  watermarks: readonly bigint[] = [],
): Buffer {
  return encodeSnapshotChunk({ chunkIndex, last: step.done, watermarks, ...step });
}

/** Returns the entries of a step; their offsets have no meaning. */
export function entriesOf(step: SnapshotStep): IterableIterator<DecodedSnapshotEntry> {
  return decodeSnapshotChunk(chunkPayload(step)).entries;
}

/** Yields the frames of a snapshot at `watermarks`. */
export function* snapshotFrames(
  store: ReplicatedStore,
  watermarks: readonly bigint[],
  encoding: EncodeOptions,
): Generator<Buffer> {
  yield encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(watermarks));
  let chunkIndex = 0n;
  for (const step of storeSteps(store)) {
    yield encodeFrame(FrameKind.SnapshotChunk, chunkPayload(step, chunkIndex, watermarks), encoding);
    chunkIndex += 1n;
  }
  yield encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(watermarks));
}
