/**
 * Checks whether a frame of a dump is sound: its payload's structure, and in a batch the keys' hashes and
 * tags too. Batches and chunks are looked through in the kernel; only where it finds a fault are they
 * decoded, to name it.
 */

import { FastcacheError, isBadFrames } from '../../errors.js';
import { PayloadRoom } from '../../frame/compression.js';
import { openPayload } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { WalkerChecks } from '../../frame/resync.js';
import { decodeSnapshotChunk } from '../../frame/snapshot.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { openFrame, placedIn } from '../read/frame-content.js';
import type { BatchCheck } from './batch-check.js';

/** Checks the frames of one dump; a frame must be alive while it is asked about. */
export class FrameCheck implements WalkerChecks {
  readonly #batches: BatchCheck;
  readonly #room = new PayloadRoom();
  /** The payload at hand, and the offset of its frame: each is decompressed once. */
  #payload: Uint8Array = Buffer.alloc(0);
  #payloadOf = -1;
  /** The frame whose batch is open in the kernel and has not been walked. */
  #openOf = -1;

  constructor(batches: BatchCheck) {
    this.#batches = batches;
  }

  /**
   * Returns the frame's payload, decompressed; it is valid as long as the frame. Throws `FCRP_ZSTD_*`, placed
   * in the dump.
   */
  payloadOf(frame: SplitFrame): Uint8Array {
    if (!frame.header.compressed) return frame.wirePayload;
    if (this.#payloadOf === frame.offset) return this.#payload;
    this.#payloadOf = -1;
    try {
      this.#payload = openPayload(frame.header, frame.wirePayload, this.#room);
    } catch (error) {
      throw error instanceof FastcacheError ? placedIn(frame, error) : error;
    }
    this.#payloadOf = frame.offset;
    return this.#payload;
  }

  faultOf(frame: SplitFrame): FastcacheError | undefined {
    try {
      if (!this.#isReadable(frame)) decodeWhole(frame);
      return undefined;
    } catch (error) {
      if (isBadFrames(error)) return error;
      throw error;
    }
  }

  isSound(frame: SplitFrame): boolean {
    try {
      return this.#isReadable(frame) && this.keyFaultOf(frame) === undefined;
    } catch (error) {
      if (isBadFrames(error)) return false;
      throw error;
    }
  }

  /**
   * Returns the first wrong key hash, key tag or shard that no store has in a batch that can be read, placed
   * in the dump.
   */
  keyFaultOf(frame: SplitFrame): FastcacheError | undefined {
    if (frame.header.kind !== FrameKind.MutationBatch) return undefined;
    this.#open(frame);
    const fault = this.#batches.nextKeyFault();
    return fault && placedIn(frame, fault);
  }

  /** Yields each fault of keys, routing and sequences in a batch that can be read, placed in the dump. */
  *batchFaultsOf(frame: SplitFrame): Generator<FastcacheError, void, void> {
    this.#open(frame);
    for (;;) {
      const fault = this.#batches.nextFault();
      if (fault === undefined) return;
      yield placedIn(frame, fault);
    }
  }

  #isReadable(frame: SplitFrame): boolean {
    switch (frame.header.kind) {
      case FrameKind.MutationBatch: {
        const isReadable = this.#batches.openBatch(this.payloadOf(frame));
        this.#openOf = isReadable ? frame.offset : -1;
        return isReadable;
      }
      case FrameKind.SnapshotChunk: {
        this.#openOf = -1;
        const payload = this.payloadOf(frame);
        const chunk = chunkIn(payload);
        return (
          chunk !== undefined &&
          this.#batches.areEntriesSound(
            payload.subarray(chunk.entriesOffset),
            chunk.entryCount,
            chunk.governed,
          )
        );
      }
      default:
        openFrame(frame);
        return true;
    }
  }

  #open(frame: SplitFrame): void {
    if (this.#openOf !== frame.offset) this.#batches.openBatch(this.payloadOf(frame));
    this.#openOf = -1;
  }
}

/** Decodes a chunk's head; undefined when not even that can be read. */
function chunkIn(payload: Uint8Array): ReturnType<typeof decodeSnapshotChunk> | undefined {
  try {
    return decodeSnapshotChunk(payload);
  } catch (error) {
    if (error instanceof FastcacheError) return undefined;
    throw error;
  }
}

/** Decodes a frame to its last field, and so throws the fault that it has. */
function decodeWhole(frame: SplitFrame): void {
  const { content } = openFrame(frame);
  if (!('items' in content)) return;
  const { items } = content;
  while (items.next().done !== true);
}
