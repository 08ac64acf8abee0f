/** Decodes a whole stream of frames down to the last field, as a reader of dumps does. */
import { FastcacheError } from '../../src/errors.js';
import { decodeBatch } from '../../src/frame/batch.js';
import { decodeAnswer, decodeQuestion } from '../../src/frame/compare.js';
import { decodeDigests } from '../../src/frame/digests.js';
import { decodeErrorText } from '../../src/frame/error-text.js';
import { decodeFailover } from '../../src/frame/failover.js';
import { openPayload } from '../../src/frame/frame.js';
import type { FrameHeader } from '../../src/frame/header.js';
import { decodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { decodeMessages } from '../../src/frame/messages.js';
import { decodeSeal } from '../../src/frame/seal.js';
import { decodeSnapshotChunk } from '../../src/frame/snapshot.js';
import { FrameSplitter, type SplitFrame } from '../../src/frame/splitter.js';
import { decodeStatus } from '../../src/frame/status.js';
import { decodeWatermarks } from '../../src/frame/watermarks.js';

export interface StreamFrame {
  offset: number;
  header: FrameHeader;
  content: unknown;
}

/**
 * Feeds `chunks` to a splitter and hands each frame to `onFrame`, wholly decoded into values of its own.
 * Faults are placed in the stream; those inside a compressed payload at their frame's start.
 */
export function decodeStream(chunks: Iterable<Uint8Array>, onFrame: (frame: StreamFrame) => void): void {
  const splitter = new FrameSplitter();
  for (const chunk of chunks) {
    splitter.push(chunk, (frame) => {
      onFrame({ offset: frame.offset, header: frame.header, content: structuredClone(decodeContent(frame)) });
    });
  }
  splitter.end();
}

function decodeContent(frame: SplitFrame): unknown {
  const { header, wirePayload, offset } = frame;
  try {
    if (header.kind === FrameKind.Hello) return decodeHelloFrame(header, wirePayload);
  } catch (error) {
    throw error instanceof FastcacheError ? error.at(offset) : error;
  }
  try {
    return decodePayload(header, openPayload(header, wirePayload));
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    throw header.compressed ? error.placedAt(offset) : error.at(offset + 16);
  }
}

function decodePayload(header: FrameHeader, payload: Uint8Array): unknown {
  switch (header.kind) {
    case FrameKind.MutationBatch:
      return [...decodeBatch(payload).records];
    case FrameKind.SnapshotChunk: {
      const { entries, ...rest } = decodeSnapshotChunk(payload);
      return { ...rest, entries: [...entries] };
    }
    case FrameKind.Error:
      return decodeErrorText(payload);
    case FrameKind.Messages:
      return [...decodeMessages(payload)];
    case FrameKind.Failover:
      return decodeFailover(payload);
    case FrameKind.Digests:
      return decodeDigests(payload);
    case FrameKind.Seal:
      return decodeSeal(payload);
    case FrameKind.Compare:
      return decodeQuestion(payload);
    case FrameKind.Compared:
      return decodeAnswer(payload);
    case FrameKind.Status:
      return decodeStatus(payload);
    default:
      return decodeWatermarks(payload);
  }
}
