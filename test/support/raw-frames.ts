/**
 * Frames and zstd data put together byte by byte, without the codec under test: the parts of hostile frames.
 * The zstd frames follow RFC 8878 with raw blocks, so their bytes do not depend on any compressor.
 */

export const u8 = (value: number): Buffer => Buffer.from([value]);

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

export function bytesOf(...parts: (Uint8Array | string)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

export interface RawHeader {
  magic?: string;
  version?: number;
  kind: number;
  flags?: number;
  reserved?: number;
  payloadBytes?: number;
  uncompressedBytes?: number;
}

/** A frame whose header says what it is told to, and otherwise what is true of an uncompressed `payload`. */
export function rawFrame(header: RawHeader, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return bytesOf(
    header.magic ?? 'FCRP',
    u8(header.version ?? 1),
    u8(header.kind),
    u8(header.flags ?? 0),
    u8(header.reserved ?? 0),
    u32(header.payloadBytes ?? payload.length),
    u32(header.uncompressedBytes ?? payload.length),
    payload,
  );
}

/** A compressed frame around zstd data that was made by hand. */
export function zstdFrame(kind: number, uncompressedBytes: number, wirePayload: Uint8Array): Buffer {
  return rawFrame({ kind, flags: 1, uncompressedBytes }, wirePayload);
}

/** A zstd data frame with one raw block; `claim` is the content size it states (below 256), null for none. */
export function zstdData(content: Uint8Array, claim: number | null = content.length): Buffer {
  // Single segment and a one-byte content size; or no content size and the smallest window, 1 KiB.
  const descriptor = claim === null ? bytesOf(u8(0), u8(0)) : bytesOf(u8(0x20), u8(claim));
  const lastRawBlock = u32(1 | (content.length << 3)).subarray(0, 3);
  return bytesOf(u32(0xfd2fb528), descriptor, lastRawBlock, content);
}

/** A zstd skippable frame; `size` is what it states. */
export function zstdSkippable(
  content: Uint8Array | string,
  magic = 0x184d2a50,
  size = content.length,
): Buffer {
  return bytesOf(u32(magic), u32(size), content);
}
