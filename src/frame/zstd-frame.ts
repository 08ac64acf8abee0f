/**
 * The outside of a zstd data frame (RFC 8878): where it ends, what it says of its content, and the blocks
 * that hold their bytes as they are. So a Hello is written and read without a library.
 */
import { FastcacheError } from '../errors.js';

/** The bytes `28 b5 2f fd`, read as a little-endian number. */
export const ZSTD_DATA_MAGIC = 0xfd2fb528;

const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
/** The most that a block may hold, or a compressed one take. */
const BLOCK_MAX_BYTES = 131_072;
const CHECKSUM_BYTES = 4;
/** Bits of the frame header's descriptor. */
const SINGLE_SEGMENT = 0x20;
const RESERVED_BIT = 0x08;
const CHECKSUM = 0x04;
const BlockType = { raw: 0, rle: 1, compressed: 2 } as const;

/** A data frame as its headers describe it; offsets and sizes in bytes. */
export interface ZstdFrame {
  /** The end of the frame, from the start of the bytes in which it was found. */
  readonly end: number;
  readonly blocksStart: number;
  /** The size of the content; undefined where the frame does not say it. */
  readonly contentBytes: number | undefined;
  /** Whether no block is compressed, and nothing else of the frame needs a library. */
  readonly isStored: boolean;
}

/**
 * Reads the headers of the frame that begins at `start`, whose magic the caller has seen. Throws
 * `FCRP_ZSTD_CORRUPT`, with an offset from the start of `wire`, where the frame is not a whole one.
 */
export function readZstdFrame(wire: Uint8Array, start: number): ZstdFrame {
  const header = readFrameHeader(wire, start);
  let isStored = !header.hasChecksum && !header.hasDictionary;
  let position = header.end;
  for (let isLast = false; !isLast; ) {
    const block = readBlockHeader(wire, position);
    if (block.type === BlockType.compressed) isStored = false;
    isLast = block.isLast;
    position += BLOCK_HEADER_BYTES + block.bodyBytes;
  }
  const end = position + (header.hasChecksum ? CHECKSUM_BYTES : 0);
  if (end > wire.length) throw tooShort(wire, start, end - start);
  return { end, blocksStart: header.end, contentBytes: header.contentBytes, isStored };
}

/**
 * Writes the content of a stored frame into `target`. Returns its size, or undefined when `target` is too
 * small for it.
 */
export function copyStored(wire: Uint8Array, frame: ZstdFrame, target: Uint8Array): number | undefined {
  let written = 0;
  let position = frame.blocksStart;
  for (let isLast = false; !isLast; ) {
    const block = readBlockHeader(wire, position);
    const body = position + BLOCK_HEADER_BYTES;
    if (written + block.contentBytes > target.length) return undefined;
    if (block.type === BlockType.rle) target.fill(wire[body]!, written, written + block.contentBytes);
    else target.set(wire.subarray(body, body + block.bodyBytes), written);
    written += block.contentBytes;
    position = body + block.bodyBytes;
    isLast = block.isLast;
  }
  return written;
}

/** The size of the frame that `storeInto` writes for a content of so many bytes. */
export function storedBytes(contentBytes: number): number {
  const blocks = Math.max(1, Math.ceil(contentBytes / BLOCK_MAX_BYTES));
  return MAGIC_BYTES + 1 + 4 + blocks * BLOCK_HEADER_BYTES + contentBytes;
}

/** Writes a data frame at `start` that holds `content` as it is, and says its size. */
export function storeInto(target: Buffer, start: number, content: Uint8Array): void {
  let position = target.writeUInt32LE(ZSTD_DATA_MAGIC, start);
  // A size of four bytes, in one segment.
  position = target.writeUInt8(0x80 | SINGLE_SEGMENT, position);
  position = target.writeUInt32LE(content.length, position);
  let done = 0;
  do {
    const bytes = Math.min(BLOCK_MAX_BYTES, content.length - done);
    const isLast = done + bytes === content.length;
    position = target.writeUIntLE((bytes << 3) | (BlockType.raw << 1) | Number(isLast), position, 3);
    target.set(content.subarray(done, done + bytes), position);
    position += bytes;
    done += bytes;
  } while (done < content.length);
}

interface FrameHeader {
  readonly end: number;
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
  readonly hasDictionary: boolean;
}

function readFrameHeader(wire: Uint8Array, start: number): FrameHeader {
  const descriptor = wire[start + MAGIC_BYTES] ?? 0;
  if ((descriptor & RESERVED_BIT) !== 0) throw corrupt(start, 'its header sets a bit that is reserved');
  const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeCode = descriptor >>> 6;
  const sizeBytes = sizeCode === 0 ? Number(isSingleSegment) : 1 << sizeCode;
  const sizeStart = start + MAGIC_BYTES + 1 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const end = sizeStart + sizeBytes;
  if (end > wire.length) throw tooShort(wire, start, end - start);
  return {
    end,
    contentBytes: sizeBytes === 0 ? undefined : readContentSize(wire, sizeStart, sizeBytes),
    hasChecksum: (descriptor & CHECKSUM) !== 0,
    hasDictionary: dictionaryBytes > 0,
  };
}

/** A size above 2^53 is not exact, and is above every limit all the same. */
function readContentSize(wire: Uint8Array, start: number, bytes: number): number {
  let size = 0;
  for (let i = bytes - 1; i >= 0; i -= 1) size = size * 256 + wire[start + i]!;
  return bytes === 2 ? size + 256 : size;
}

interface Block {
  readonly type: number;
  readonly isLast: boolean;
  /** Bytes behind the block's header. */
  readonly bodyBytes: number;
  /** Bytes of content of a block that is not compressed. */
  readonly contentBytes: number;
}

function readBlockHeader(wire: Uint8Array, position: number): Block {
  if (position + BLOCK_HEADER_BYTES > wire.length) throw tooShort(wire, position, BLOCK_HEADER_BYTES);
  const header = wire[position]! | (wire[position + 1]! << 8) | (wire[position + 2]! << 16);
  const type = (header >>> 1) & 3;
  const size = header >>> 3;
  if (type > BlockType.compressed) throw corrupt(position, 'a block is of the reserved type 3');
  if (size > BLOCK_MAX_BYTES) {
    throw corrupt(position, `a block announces ${size} bytes, and ${BLOCK_MAX_BYTES} are the most`);
  }
  const bodyBytes = type === BlockType.rle ? 1 : size;
  const end = position + BLOCK_HEADER_BYTES + bodyBytes;
  if (end > wire.length) throw tooShort(wire, position, end - position);
  return { type, isLast: (header & 1) === 1, bodyBytes, contentBytes: size };
}

function tooShort(wire: Uint8Array, offset: number, needed: number): FastcacheError {
  return corrupt(offset, `${needed} bytes are needed here, and ${wire.length - offset} are left`);
}

function corrupt(offset: number, reason: string): FastcacheError {
  return new FastcacheError(
    'FCRP_ZSTD_CORRUPT',
    `The compressed payload cannot be read as zstd: ${reason}.`,
    { offset },
  );
}
