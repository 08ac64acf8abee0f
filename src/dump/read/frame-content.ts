/**
 * Opens the content of a dump's frame by its kind, with faults and offsets placed in the dump: where a
 * payload is compressed, the frame's own offset is given for everything in it (docs/command-line.md, "JSON").
 */

import { FastcacheError } from '../../errors.js';
import { type DecodedRecord, decodeBatch } from '../../frame/batch.js';
import { decodeAnswer, decodeQuestion } from '../../frame/compare.js';
import type { PayloadRoom } from '../../frame/compression.js';
import { type DigestsMessage, decodeDigests } from '../../frame/digests.js';
import { decodeErrorText } from '../../frame/error-text.js';
import { decodeFailover, type FailoverMessage } from '../../frame/failover.js';
import { openPayload } from '../../frame/frame.js';
import { type DecodedHello, decodeHelloFrame } from '../../frame/hello.js';
import { FrameKind, type FrameKindName, frameKindName } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import { decodeMessages } from '../../frame/messages.js';
import { decodeSeal, type SealMessage } from '../../frame/seal.js';
import { type DecodedSnapshotChunk, decodeSnapshotChunk } from '../../frame/snapshot.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { decodeStatus, type StatusMap } from '../../frame/status.js';
import { decodeWatermarks, type WatermarkList } from '../../frame/watermarks.js';
import { FRAME_HEADER_BYTES } from '../../limits.js';
import type { PayloadPlace } from '../json-lines.js';

/** The content of a frame, by its kind. */
export type FrameContent =
  | { type: 'hello'; hello: DecodedHello; margin: Margin | undefined }
  | { type: 'watermarks'; watermarks: WatermarkList }
  | { type: 'batch'; payload: Uint8Array; recordCount: number; items: IterableIterator<DecodedRecord> }
  | ({ type: 'chunk'; payload: Uint8Array; items: DecodedSnapshotChunk['entries'] } & Omit<
      DecodedSnapshotChunk,
      'entries'
    >)
  | { type: 'error'; message: string }
  /** A Status; `document` is undefined in one that asks. */
  | { type: 'status'; document: StatusMap | undefined }
  | { type: 'messages'; count: number }
  | { type: 'failover'; message: FailoverMessage }
  | { type: 'digests'; message: DigestsMessage }
  | { type: 'seal'; message: SealMessage }
  /** A question or an answer of a comparison; `sort` is what it asks for or answers. */
  | { type: 'compare'; sort: string };

/** A frame with its content. */
export interface OpenedFrame {
  frame: SplitFrame;
  kind: FrameKindName;
  /** Records and entries are decoded, and may throw, as they are walked. Their `offset` is the dump's. */
  content: FrameContent;
}

/**
 * Decompresses and decodes a frame; with `room`, its payload, keys and values are valid until the next one is
 * opened. Throws `FCRP_*` with the dump's byte offset.
 */
export function openFrame(frame: SplitFrame, room?: PayloadRoom): OpenedFrame {
  return { frame, kind: frameKindName(frame.header.kind), content: openContent(frame, room) };
}

function openContent(frame: SplitFrame, room: PayloadRoom | undefined): FrameContent {
  const { header, wirePayload } = frame;
  if (header.kind === FrameKind.Hello) return openHello(frame);
  return inPayload(frame, () => {
    const payload = openPayload(header, wirePayload, room);
    switch (header.kind) {
      case FrameKind.MutationBatch: {
        const { recordCount, records } = decodeBatch(payload);
        return { type: 'batch', payload, recordCount, items: placedItems(frame, records) };
      }
      case FrameKind.SnapshotChunk: {
        const { entries, ...chunk } = decodeSnapshotChunk(payload);
        return { type: 'chunk', payload, ...chunk, items: placedItems(frame, entries) };
      }
      case FrameKind.Error:
        return { type: 'error', message: decodeErrorText(payload) };
      case FrameKind.Status:
        return { type: 'status', document: decodeStatus(payload) };
      case FrameKind.Messages:
        return { type: 'messages', count: countMessages(payload) };
      case FrameKind.Failover:
        return { type: 'failover', message: decodeFailover(payload) };
      case FrameKind.Digests:
        return { type: 'digests', message: decodeDigests(payload) };
      case FrameKind.Seal:
        return { type: 'seal', message: decodeSeal(payload) };
      case FrameKind.Compare:
        return { type: 'compare', sort: decodeQuestion(payload).asks };
      case FrameKind.Compared:
        return { type: 'compare', sort: decodeAnswer(payload).answers };
      default:
        return { type: 'watermarks', watermarks: decodeWatermarks(payload) };
    }
  });
}

function countMessages(payload: Uint8Array): number {
  let count = 0;
  for (const _ of decodeMessages(payload)) count += 1;
  return count;
}

function openHello({ header, wirePayload, offset }: SplitFrame): FrameContent {
  try {
    return { type: 'hello', ...decodeHelloFrame(header, wirePayload) };
  } catch (error) {
    throw error instanceof FastcacheError ? error.at(offset) : error;
  }
}

function* placedItems<T extends { offset: number }>(frame: SplitFrame, items: Iterable<T>): Generator<T> {
  try {
    for (const item of items) {
      item.offset = dumpOffset(frame, item.offset);
      yield item;
    }
  } catch (error) {
    throw inFrame(frame, error);
  }
}

/** Runs `read` on a frame's payload, and places its faults in the dump. */
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

/** Places `error`, whose offset is in a frame's payload, in the dump. Returns `error`. */
export function placedIn(frame: SplitFrame, error: FastcacheError): FastcacheError {
  return error.placedAt(dumpOffset(frame, error.offset));
}

/** Returns the dump's offset of a payload's byte: the frame's own where the payload is compressed. */
export function dumpOffset({ header, offset }: SplitFrame, payloadOffset = 0): number {
  return header.compressed ? offset : offset + FRAME_HEADER_BYTES + payloadOffset;
}

/** Returns the place of a frame's payload in the dump. */
export function payloadPlace(frame: SplitFrame): PayloadPlace {
  return { offset: dumpOffset(frame), fixed: frame.header.compressed };
}
