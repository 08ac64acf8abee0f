/**
 * The 16 bytes that every frame begins with (docs/protocol.md, "Frame"):
 *
 *     0 magic `FCRP` | 4 version | 5 kind | 6 flags | 7 reserved | 8 payload length u32 |
 *     12 uncompressed length u32
 *
 * A header is checked field by field in that order, and a prefix of one as far as it goes, so that a stream
 * of something else is refused at its first wrong byte.
 */
import { FastcacheError } from '../errors.js';
import { FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD_BYTES } from '../limits.js';
import { type FrameKind, isFrameKind, maxPayloadBytesOf } from './kinds.js';

/** The version that a connection speaks unless it was agreed otherwise. */
export const DEFAULT_FRAME_VERSION = 1;

/** The bytes that every frame begins with, and so every connection of a replica: `FCRP`. */
export const FRAME_MAGIC = Buffer.from('FCRP', 'latin1');
const FLAG_COMPRESSED = 1;
/** Bytes by which a payload that cannot be made smaller is longer when it is compressed, at most. */
const ZSTD_OVERHEAD_BYTES = 512;

/** The fields of a header. */
export interface FrameHeader {
  version: number;
  kind: FrameKind;
  compressed: boolean;
  /** Bytes of payload behind the header. */
  payloadBytes: number;
  /** Bytes of payload after decompression; equal to `payloadBytes` when not compressed. */
  uncompressedBytes: number;
}

/**
 * The rules by which a reader accepts frames: properties of the connection or of the dump, not of one frame.
 */
export interface FrameRules {
  /** The one version byte that is accepted; `DEFAULT_FRAME_VERSION` when absent. */
  version?: number;
  /**
   * The limit for either length, bytes, of kinds that have no lower one of their own; when absent
   * `MAX_FRAME_PAYLOAD_BYTES`.
   */
  maxPayloadBytes?: number;
}

/** Writes the header into the first 16 bytes of `target`. */
export function encodeHeader(target: Uint8Array, header: FrameHeader): void {
  const view = new DataView(target.buffer, target.byteOffset, FRAME_HEADER_BYTES);
  target.set(FRAME_MAGIC, 0);
  target[4] = header.version;
  target[5] = header.kind;
  target[6] = header.compressed ? FLAG_COMPRESSED : 0;
  target[7] = 0;
  view.setUint32(8, header.payloadBytes, true);
  view.setUint32(12, header.uncompressedBytes, true);
}

/**
 * Reads a header from the first 16 bytes; more may follow. Throws the `FCRP_*` code of the first field that
 * is wrong, its offset counted from the header's start, and `FCRP_SHORT_HEADER` when there are fewer than 16
 * bytes.
 */
export function decodeHeader(bytes: Uint8Array, rules: FrameRules = {}): FrameHeader {
  if (bytes.length < FRAME_HEADER_BYTES) throw shortHeader(bytes.length);
  checkHeaderPrefix(bytes, FRAME_HEADER_BYTES, rules);
  const compressed = bytes[6] === FLAG_COMPRESSED;
  const payloadBytes = u32At(bytes, 8);
  const uncompressedBytes = u32At(bytes, 12);
  if (!compressed && payloadBytes !== uncompressedBytes) {
    throw new FastcacheError(
      'FCRP_LENGTHS_DIFFER',
      `The frame is not compressed, yet it announces ${payloadBytes} bytes of payload ` +
        `and ${uncompressedBytes} bytes uncompressed.`,
      { offset: 12, expected: payloadBytes, found: uncompressedBytes },
    );
  }
  return { version: bytes[4]!, kind: bytes[5] as FrameKind, compressed, payloadBytes, uncompressedBytes };
}

/**
 * Checks as much of a header as its first `available` bytes (16 at most) hold; throws like `decodeHeader`.
 */
export function checkHeaderPrefix(bytes: Uint8Array, available: number, rules: FrameRules): void {
  checkMagic(bytes, available);
  const version = rules.version ?? DEFAULT_FRAME_VERSION;
  if (available > 4 && bytes[4] !== version) {
    throw new FastcacheError(
      'FCRP_UNSUPPORTED_VERSION',
      `The frame is of FCRP version ${bytes[4]}; version ${version} is spoken here.`,
      { offset: 4, expected: version, found: bytes[4]! },
    );
  }
  if (available > 5 && !isFrameKind(bytes[5]!)) {
    throw new FastcacheError('FCRP_UNKNOWN_KIND', `The frame is of the unknown kind ${bytes[5]}.`, {
      offset: 5,
      expected: '1 to 7 or 64 to 66',
      found: bytes[5]!,
    });
  }
  if (available > 6 && (bytes[6]! & ~FLAG_COMPRESSED) !== 0) {
    throw new FastcacheError(
      'FCRP_UNKNOWN_FLAG',
      `The frame's flags are ${bytes[6]}; only bit 0 (compressed) is known.`,
      { offset: 6, expected: '0 or 1', found: bytes[6]! },
    );
  }
  if (available > 7 && bytes[7] !== 0) {
    throw new FastcacheError(
      'FCRP_RESERVED_NOT_ZERO',
      `The frame's reserved byte is ${bytes[7]}; it must be 0.`,
      { offset: 7, expected: 0, found: bytes[7]! },
    );
  }
  if (available >= 12) checkLengths(bytes, available, rules.maxPayloadBytes ?? MAX_FRAME_PAYLOAD_BYTES);
}

/** Checks either length, as far as it is there, against the limits of the reader and of the frame's kind. */
function checkLengths(bytes: Uint8Array, available: number, readerLimit: number): void {
  const limit = Math.min(readerLimit, maxPayloadBytesOf(bytes[5] as FrameKind));
  const wireLimit = bytes[6] === FLAG_COMPRESSED ? Math.min(readerLimit, limit + ZSTD_OVERHEAD_BYTES) : limit;
  checkLength(u32At(bytes, 8), 'of payload', 8, wireLimit);
  if (available >= 16) checkLength(u32At(bytes, 12), 'uncompressed', 12, limit);
}

/** Throws `FCRP_LENGTH_OVER_LIMIT` when `length` is above `limit`; `offset` is that of the length field. */
export function checkLength(length: number, what: string, offset: number, limit: number): void {
  if (length <= limit) return;
  throw new FastcacheError(
    'FCRP_LENGTH_OVER_LIMIT',
    `The frame announces ${length} bytes ${what}; at most ${limit} are allowed.`,
    { offset, expected: limit, found: length },
  );
}

/** Makes the error for `available` bytes where a header of 16 was due. */
function shortHeader(available: number): FastcacheError {
  return new FastcacheError(
    'FCRP_SHORT_HEADER',
    `A frame's header is ${FRAME_HEADER_BYTES} bytes long, and only ${available} are there.`,
    { offset: 0, expected: FRAME_HEADER_BYTES, found: available },
  );
}

function checkMagic(bytes: Uint8Array, available: number): void {
  const length = Math.min(available, FRAME_MAGIC.length);
  for (let i = 0; i < length; i += 1) {
    if (bytes[i] === FRAME_MAGIC[i]) continue;
    const found = Buffer.from(bytes.subarray(0, length)).toString('hex');
    throw new FastcacheError(
      'FCRP_BAD_MAGIC',
      `This is not an FCRP frame: it begins with the bytes ${found} (hex) instead of the letters FCRP.`,
      { offset: 0, expected: '46435250', found },
    );
  }
}

function u32At(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>>
    0
  );
}
