/**
 * What a frame of a dump holds, opened by its kind, with faults and offsets placed in the dump: where a payload is
 * compressed, the frame's own offset stands for everything in it (cli.md, JSON).
 */
import { FastcacheError } from '../errors.js';
import { type DecodedRecord, decodeBatch } from '../frame/batch.js';
import { decodeErrorText } from '../frame/error-text.js';
import { openPayload } from '../frame/frame.js';
import { type DecodedHello, decodeHelloFrame } from '../frame/hello.js';
import { FrameKind, type FrameKindName, frameKindName } from '../frame/kinds.js';
import type { Margin } from '../frame/margin.js';
import { type DecodedSnapshotEntry, decodeSnapshotChunk } from '../frame/snapshot.js';
import type { SplitFrame } from '../frame/splitter.js';
import { decodeWatermarks, type WatermarkList } from '../frame/watermarks.js';
import { FRAME_HEADER_BYTES } from '../limits.js';

export type FrameContent =
  | { type: 'hello'; hello: DecodedHello; margin: Margin | undefined }
  | { type: 'watermarks'; watermarks: WatermarkList }
  | { type: 'batch'; recordCount: number; items: IterableIterator<DecodedRecord> }
  | {
      type: 'chunk';
      chunkIndex: bigint;
      last: boolean;
      watermarks: WatermarkList;
      entryCount: number;
      items: IterableIterator<DecodedSnapshotEntry>;
    }
  | { type: 'error'; message: string };

export interface OpenedFrame {
  frame: SplitFrame;
  kind: FrameKindName;
  /** Records and entries are decoded, and may throw, as they are walked. Their `offset` is the dump's. */
  content: FrameContent;
}

/** Decompresses and decodes a frame. Throws `FCRP_*` with the dump's byte offset. */
export function openFrame(frame: SplitFrame): OpenedFrame {
  return { frame, kind: frameKindName(frame.header.kind), content: openContent(frame) };
}

function openContent(frame: SplitFrame): FrameContent {
  const { header, wirePayload } = frame;
  if (header.kind === FrameKind.Hello) return openHello(frame);
  return inPayload(frame, () => {
    const payload = openPayload(header, wirePayload);
    switch (header.kind) {
      case FrameKind.MutationBatch: {
        const { recordCount, records } = decodeBatch(payload);
        return { type: 'batch', recordCount, items: placedItems(frame, records) };
      }
      case FrameKind.SnapshotChunk: {
        const { entries, ...chunk } = decodeSnapshotChunk(payload);
        return { type: 'chunk', ...chunk, items: placedItems(frame, entries) };
      }
      case FrameKind.Error:
        return { type: 'error', message: decodeErrorText(payload) };
      default:
        return { type: 'watermarks', watermarks: decodeWatermarks(payload) };
    }
  });
}

function openHello({ header, wirePayload, offset }: SplitFrame): FrameContent {
  try {
    return { type: 'hello', ...decodeHelloFrame(header, wirePayload) };
  } catch (error) {
    throw error instanceof FastcacheError ? error.at(offset) : error;
  }
}

function* placedItems<T extends { offset: number }>(frame: SplitFrame, items: Iterable<T>): Generator<T> {
  const { compressed } = frame.header;
  const start = payloadStart(frame);
  try {
    for (const item of items) {
      item.offset = compressed ? frame.offset : start + item.offset;
      yield item;
    }
  } catch (error) {
    throw inFrame(frame, error);
  }
}

/** Runs what reads a frame's payload, and places its faults. */
export function inPayload<T>(frame: SplitFrame, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw inFrame(frame, error);
  }
}

function inFrame(frame: SplitFrame, error: unknown): unknown {
  return error instanceof FastcacheError ? placedIn(frame, error) : error;
}

/** What is wrong in a frame's payload, by an offset in it, placed in the dump. */
export function placedIn(frame: SplitFrame, error: FastcacheError): FastcacheError {
  return frame.header.compressed ? error.placedAt(frame.offset) : error.at(payloadStart(frame));
}

function payloadStart(frame: SplitFrame): number {
  return frame.offset + FRAME_HEADER_BYTES;
}
