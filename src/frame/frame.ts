/** A frame as a whole: header and payload, encoded once and decoded from bytes that are all at hand. */
import { FastcacheError } from '../errors.js';
import { DEFAULT_ZSTD_LEVEL, FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD_BYTES } from '../limits.js';
import { compress, decompress, type PayloadRoom, store } from './compression.js';
import {
  checkLength,
  DEFAULT_FRAME_VERSION,
  decodeHeader,
  encodeHeader,
  type FrameHeader,
  type FrameRules,
} from './header.js';
import type { FrameKind } from './kinds.js';

/** The options with which a frame is encoded. */
export interface EncodeOptions {
  /** The compression of the payload; `none` when absent. */
  compression?: 'none' | 'zstd';
  /** The zstd level, 1 to 22; when absent 3, the default of the Rust crate. */
  level?: number;
  /** The connection's version; `DEFAULT_FRAME_VERSION` when absent. */
  version?: number;
}

/**
 * Encodes a frame that owns its memory and no more than it needs, so that it can be retained. `payload` is
 * read during the call only. Throws `FCRP_LENGTH_OVER_LIMIT` for a payload that no reader would accept.
 */
export function encodeFrame(kind: FrameKind, payload: Uint8Array, options: EncodeOptions = {}): Buffer {
  if (options.compression === 'zstd') return encodeCompressedFrame(kind, payload, options);
  const frame = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + payload.length);
  writePlainHeader(frame, kind, payload.length, options);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/**
 * Writes the header of a frame that is not compressed, for a caller that has its payload elsewhere. Throws
 * `FCRP_LENGTH_OVER_LIMIT` for a payload that no reader would accept.
 */
export function writePlainHeader(
  target: Uint8Array,
  kind: FrameKind,
  payloadBytes: number,
  { version = DEFAULT_FRAME_VERSION }: EncodeOptions = {},
): void {
  checkLength(payloadBytes, 'of payload', 8, MAX_FRAME_PAYLOAD_BYTES);
  encodeHeader(target, { version, kind, compressed: false, payloadBytes, uncompressedBytes: payloadBytes });
}

/**
 * Encodes a compressed frame that has its payload as it is, so that no library is needed; `skippable` is what
 * a zstd skippable frame behind the payload shall carry (a Hello's margin). Throws as `encodeFrame` does.
 */
export function encodeStoredFrame(
  kind: FrameKind,
  payload: Uint8Array,
  version: number = DEFAULT_FRAME_VERSION,
  skippable?: Uint8Array,
): Buffer {
  checkLength(payload.length, 'uncompressed', 12, MAX_FRAME_PAYLOAD_BYTES);
  return withCompressedHeader(store(payload, FRAME_HEADER_BYTES, skippable), kind, payload.length, version);
}

/** `encodeFrame` with zstd. Throws `ZSTD_MISSING` too. */
export function encodeCompressedFrame(
  kind: FrameKind,
  payload: Uint8Array,
  { level = DEFAULT_ZSTD_LEVEL, version = DEFAULT_FRAME_VERSION }: EncodeOptions = {},
): Buffer {
  checkLength(payload.length, 'uncompressed', 12, MAX_FRAME_PAYLOAD_BYTES);
  return withCompressedHeader(compress(payload, level, FRAME_HEADER_BYTES), kind, payload.length, version);
}

/** Writes the header of `frame`, which has its payload. */
function withCompressedHeader(
  frame: Buffer,
  kind: FrameKind,
  uncompressedBytes: number,
  version: number,
): Buffer {
  const payloadBytes = frame.length - FRAME_HEADER_BYTES;
  checkLength(payloadBytes, 'of payload', 8, MAX_FRAME_PAYLOAD_BYTES);
  encodeHeader(frame, { version, kind, compressed: true, payloadBytes, uncompressedBytes });
  return frame;
}

/** A frame as it was read. */
export interface DecodedFrame {
  header: FrameHeader;
  /** The payload, decompressed; a view of the input when the frame is not compressed. */
  payload: Uint8Array;
}

/**
 * Decodes `bytes`, which must be one whole frame and nothing else. Throws `FCRP_*`; offsets count from the
 * start of `bytes`.
 */
export function decodeFrame(bytes: Uint8Array, rules: FrameRules = {}): DecodedFrame {
  const header = decodeHeader(bytes, rules);
  const found = bytes.length - FRAME_HEADER_BYTES;
  if (header.payloadBytes !== found) {
    throw new FastcacheError(
      'FCRP_LENGTH_MISMATCH',
      `The frame announces ${header.payloadBytes} bytes of payload, and ${found} are at hand.`,
      { offset: 8, expected: header.payloadBytes, found },
    );
  }
  try {
    return { header, payload: openPayload(header, bytes.subarray(FRAME_HEADER_BYTES)) };
  } catch (error) {
    throw error instanceof FastcacheError ? error.at(FRAME_HEADER_BYTES) : error;
  }
}

/**
 * Returns the payload that `wirePayload` is on the wire: itself, or decompressed into memory of its own or
 * from `room`. Throws `FCRP_ZSTD_*`; offsets count from the start of `wirePayload`.
 */
export function openPayload(header: FrameHeader, wirePayload: Uint8Array, room?: PayloadRoom): Uint8Array {
  return header.compressed ? decompress(wirePayload, header.uncompressedBytes, room) : wirePayload;
}
